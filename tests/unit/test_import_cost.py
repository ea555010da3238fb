"""What a process pays for: TensorFlow takes ten seconds and 680 MB, torch half of it, and no stage needs both."""

import subprocess
import sys
from pathlib import Path

import pytest

from ptychostudy.__main__ import STAGES, _room
from ptychostudy.provenance import import_closure

ROOT = Path(__file__).resolve().parents[2]
KERAS_STAGES, TORCH_STAGES = {"train", "infer", "answers"}, {"reconstruct", "reference"}
LIGHT = sorted(set(STAGES) - KERAS_STAGES - TORCH_STAGES)
ROOMS = {stage: _room(stage) for stage in STAGES}

_WATCH = """
import importlib, sys
heavy = {"tensorflow", "keras", "torch", "ptychi"}
# Of SciPy and scikit-image only the names: a part of either, which takes 0.2 s to a second, is loaded where it is used.
slow = {"pandas"}
PARTS = {"fft", "ndimage", "special", "spatial", "sparse", "linalg", "signal", "stats", "optimize", "interpolate"}
PARTS |= {"measure", "metrics", "registration", "restoration", "transform", "color"}
for stage in sys.argv[1:]:
    importlib.import_module(f"ptychostudy.{stage}")
    parts = {name for name in sys.modules if name.startswith(("scipy.", "skimage.")) and name.split(".")[1] in PARTS}
    if found := (heavy | slow) & set(sys.modules) | parts:
        sys.exit(f"stage {stage} loads {sorted(found)}")
"""


def run_python(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_every_stage_has_its_module():
    missing = [name for name in STAGES if not (ROOT / "ptychostudy" / ROOMS[name] / f"{name}.py").is_file()]
    assert missing == []


def test_light_stages_load_no_framework_and_nothing_slow():
    """One process for all: a framework that none of them loads, each of them does not load."""
    stages = [name for name in LIGHT if (ROOT / "ptychostudy" / ROOMS[name] / f"{name}.py").is_file()]
    result = run_python(_WATCH, *(f"{ROOMS[name]}.{name}" for name in stages))
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_no_stage_can_load_both_frameworks(stage):
    """The closure holds imports inside functions too, so this is about what may ever be loaded."""
    if not (ROOT / "ptychostudy" / ROOMS[stage] / f"{stage}.py").is_file():
        pytest.fail(f"stage {stage} has no module")
    parts = {
        path.relative_to(ROOT / "ptychostudy").parts[0]
        for path in import_closure(f"ptychostudy.{ROOMS[stage]}.{stage}")
    }
    assert ("networks" in parts) == (stage in KERAS_STAGES)
    assert bool({"iterative", "iterative.py"} & parts) == (stage in TORCH_STAGES)


def test_the_package_itself_costs_nothing():
    result = run_python("import sys, ptychostudy; sys.exit('numpy' in sys.modules)")
    assert result.returncode == 0, result.stderr


_HELP = """
import sys
from ptychostudy.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
costly = {"numpy", "scipy", "skimage", "h5py", "pydantic", "matplotlib", "tensorflow", "keras", "torch", "ptychi"}
sys.exit(str(sorted(costly & set(sys.modules))) if costly & set(sys.modules) else 0)
"""


def test_help_loads_no_stage():
    result = run_python(_HELP, "--help")
    assert result.returncode == 0, result.stderr
    assert "python -m ptychostudy STAGE" in result.stdout


@pytest.mark.parametrize("stage", STAGES)
def test_help_of_a_stage_loads_nothing_either(stage):
    result = run_python(_HELP, stage, "--help")
    assert result.returncode == 0, result.stderr
    assert f"usage: python -m ptychostudy {stage}" in result.stdout


def test_options_are_those_of_the_module_itself():
    """What is read from the source is what Python makes of it; one process a framework."""
    code = (
        "import importlib, inspect, sys; from ptychostudy.__main__ import _declaration as declared, _room as room\n"
        "for name in sys.argv[1:]:\n"
        "    run = importlib.import_module(f'ptychostudy.{room(name)}.{name}').run\n"
        "    signatures = [inspect.signature(function).parameters for function in (declared(name), run)]\n"
        "    kept = [{key: one for key, one in each.items() if key != 'settings'} for each in signatures]\n"
        "    assert kept[0] == kept[1] and list(signatures[0]) == list(signatures[1]), name\n"
        "    assert inspect.getdoc(declared(name)) == inspect.getdoc(run), name\n"
    )
    for stages in (sorted(KERAS_STAGES), sorted(set(STAGES) - KERAS_STAGES)):
        result = run_python(code, *stages)
        assert result.returncode == 0, result.stderr


def test_wrong_options_are_refused_before_a_stage_is_loaded():
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ptychostudy", "train", "--arm", "PtychoPin"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "invalid choice: 'PtychoPin'" in result.stderr
    assert " numpy\n" not in result.stderr
