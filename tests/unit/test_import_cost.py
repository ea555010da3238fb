"""What a process pays for: TensorFlow takes ten seconds and 680 MB, torch half of it, and no stage needs both."""

import subprocess
import sys
from pathlib import Path

import pytest

from ptychostudy.__main__ import STAGES
from ptychostudy.provenance import import_closure

ROOT = Path(__file__).resolve().parents[2]
KERAS_STAGES, TORCH_STAGES = {"train", "infer"}, {"reconstruct", "reference"}
LIGHT = sorted(set(STAGES) - KERAS_STAGES - TORCH_STAGES)

_WATCH = """
import importlib, sys
heavy = {"tensorflow", "keras", "torch", "ptychi"}
for stage in sys.argv[1:]:
    importlib.import_module(f"ptychostudy.stages.{stage}")
    if found := heavy & set(sys.modules):
        sys.exit(f"stage {stage} loads {sorted(found)}")
"""


def run_python(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_every_stage_has_its_module():
    missing = [name for name in STAGES if not (ROOT / "ptychostudy" / "stages" / f"{name}.py").is_file()]
    assert missing == []


def test_light_stages_load_no_framework():
    """One process for all: a framework that none of them loads, each of them does not load."""
    stages = [name for name in LIGHT if (ROOT / "ptychostudy" / "stages" / f"{name}.py").is_file()]
    result = run_python(_WATCH, *stages)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_no_stage_can_load_both_frameworks(stage):
    """The closure holds imports inside functions too, so this is about what may ever be loaded."""
    if not (ROOT / "ptychostudy" / "stages" / f"{stage}.py").is_file():
        pytest.fail(f"stage {stage} has no module")
    parts = {path.relative_to(ROOT / "ptychostudy").parts[0] for path in import_closure(f"ptychostudy.stages.{stage}")}
    assert ("networks" in parts) == (stage in KERAS_STAGES)
    assert bool({"iterative", "iterative.py"} & parts) == (stage in TORCH_STAGES)


def test_the_package_itself_costs_nothing():
    result = run_python("import sys, ptychostudy; sys.exit('numpy' in sys.modules)")
    assert result.returncode == 0, result.stderr


def test_help_loads_no_stage():
    code = "import sys; from ptychostudy.__main__ import main; main(['--help']); sys.exit('numpy' in sys.modules)"
    result = run_python(code)
    assert result.returncode == 0, result.stderr
    assert "python -m ptychostudy STAGE" in result.stdout
