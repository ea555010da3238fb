"""Shared by the tests of memory: the largest resident size of a stage, and studies of as many frames as are wanted."""

import subprocess
import sys

from ptychostudy.study.settings import parse_study
from ptychostudy.study.stage_settings import encode, stage_settings

DOSE = 1000
LARGEST_RATIO = 1.1
SPLIT_FRAMES = (1000, 20_000)
# Steps by which each part of a raster over objects of six by six frames, 32 x 32 pixels each, has as many frames.
_STEPS_PX = dict(zip(SPLIT_FRAMES, (3.31, 0.74), strict=True))

# A child begins with its parent's peak; that of this process may be large, and that of a bare Python is not.
_WATCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_kb(words):
    """Return the largest resident size of a Python that is given some words."""
    command = [sys.executable, "-c", _WATCH, sys.executable, *map(str, words)]
    return int(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def ratio(peaks, stage):
    """Return by how much a stage takes more for more frames, of sizes by the number of frames and the stage."""
    fewer, more = (peaks[frames][stage] for frames in SPLIT_FRAMES)
    return more / fewer


def study(frames, side_px=32):
    """Return a study of one dose and one view, whose parts have so many frames each."""
    base = {
        "frame_px": side_px,
        "object": {"shape_px": [6 * side_px, 6 * side_px]},
        "probe": {"diameter_px": side_px / 2},
        "scan": {"step_px": _STEPS_PX[frames] * side_px / 32},
    }
    view = {"views": {"dense": {"s_img": 1.0}}}
    return parse_study({"doses": [DOSE], "views": ["dense"], "overlap": view, "base": base})


def told(asked, stage, view=None):
    """Return the words that tell a stage what a study asks of it."""
    return ["--settings", encode(stage_settings(asked, stage, view))]


def simulation(hub, asked):
    """Return the words for each stage of a study up to its frames, in their order."""
    base, reference = (hub / f"data/base/{name}.npz" for name in ("base", "reference"))
    train, test = (hub / f"data/phase_c/dose_{DOSE}/patched_{split}.npz" for split in ("train", "test"))
    for folder in (base.parent, train.parent):
        folder.mkdir(parents=True)
    made = ["--base", base, "--reference", reference, "--dose", DOSE, "--train", train, "--test", test]
    return {
        "base": ["base", *told(asked, "base"), "--source", "--mask", "--pictures", "--output", base],
        "truth": ["truth", "--base", base, "--output", reference],
        "simulate": ["simulate", *told(asked, "simulate"), *made],
    }
