"""Neither framework brings the other along; each is loaded in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("code", "loaded", "absent"),
    [
        ("import ptychostudy.recipes.train, ptychostudy.stages.infer", "tensorflow", "torch"),
        # Networks of canvases learn and answer without Keras.
        ("import ptychostudy.stages.train, ptychostudy.stages.infer", "numpy", "keras"),
        # pty-chi is imported as the solver does it, without what it is not asked for.
        ("from ptychostudy.iterative import session; session._import_torch()", "torch", "torchvision"),
        ("from ptychostudy.iterative import session; session._import_torch()", "torch", "tensorflow"),
    ],
)
def test_one_framework_a_process(code, loaded, absent):
    command = [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 0, result.stderr
    assert loaded in result.stdout.split()
    assert absent not in result.stdout.split()
