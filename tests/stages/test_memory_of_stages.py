"""Memory of stages: what streams takes no more for twenty times the frames.

`overlap` holds positions and groups of a view, and no frame: 87 and 115 MB here.
"""

import subprocess
import sys

import pytest

from ptychostudy.study.settings import parse_study
from ptychostudy.study.stage_settings import encode, stage_settings

STEPS_PX = {1000: 5.06, 20_000: 1.132}
"""Step of a raster over 160 x 160 pixels by the number of frames."""
LARGEST_RATIO = 1.1


# A child begins with its parent's peak; that of this process may be large, and that of a bare Python is not.
WATCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_kb(words):
    """Return the largest resident size of a Python that is given some words."""
    command = [sys.executable, "-c", WATCH, sys.executable, *map(str, words)]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def lines(hub, step_px):
    """Return what Python is given for each stage of a study, in their order, and for one that does not stream."""
    base = {
        "kind": "synthetic",
        "frame_px": 32,
        "object": {"shape_px": [192, 192]},
        "probe": {"diameter_px": 16},
        "scan": {"step_px": step_px},
    }
    study = parse_study({"base": base})
    settings = {stage: encode(stage_settings(study, stage)) for stage in ("base", "simulate")}
    own, truth, train, test = (hub / f"{name}.npz" for name in ("base", "reference", "train", "test"))
    whole = f"import ptychostudy.stages.simulate, numpy; file = numpy.load({str(train)!r}); print([*file.values()])"
    made = ["--base", own, "--reference", truth]
    stages = {
        "base": ["--settings", settings["base"], "--source", "--mask", "--pictures", "--output", own],
        "truth": ["--base", own, "--output", truth],
        "simulate": ["--settings", settings["simulate"], *made, "--dose", 1000, "--train", train, "--test", test],
    }
    return {stage: ["-m", "ptychostudy", stage, *words] for stage, words in stages.items()} | {"whole": ["-c", whole]}


@pytest.fixture(scope="module")
def peaks(tmp_path_factory):
    """Return the peak of each stage in kB, by the number of frames and the stage."""
    found = {}
    for frames, step_px in STEPS_PX.items():
        hub = tmp_path_factory.mktemp(str(frames))
        found[frames] = {stage: peak_kb(words) for stage, words in lines(hub, step_px).items()}
    return found


def ratio(peaks, stage):
    fewer, more = (peaks[frames][stage] for frames in STEPS_PX)
    return more / fewer


@pytest.mark.parametrize("stage", ["base", "truth", "simulate"])
def test_memory_does_not_grow_with_the_frames(peaks, stage):
    assert ratio(peaks, stage) <= LARGEST_RATIO, peaks


def test_what_holds_all_frames_is_seen(peaks):
    assert ratio(peaks, "whole") > LARGEST_RATIO, peaks
