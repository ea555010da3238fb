"""Memory of what takes in a user's frames: `base` and `convert` take no more for twenty times as many.

Frames of 64 x 64 pixels, packed, and all ways in which files hold frames of 32 x 32.
"""

import shutil

import h5py
import numpy as np
import pytest
import yaml

from peaks import DOSE, LARGEST_RATIO, SPLIT_FRAMES, peak_kb, ratio, simulation, study, told
from ptychostudy.__main__ import main
from ptychostudy.io.arrays import read_npz
from ptychostudy.study.settings import parse_study
from ptychostudy.writing.writers import WRITERS

KEYS = ("xcoords", "ycoords", "probeGuess", "objectGuess", "counts")
LAYOUTS = ("packed.h5", "whole.h5", "stored.npz", "packed.npz", "last.h5")
STAGES = {
    32: [*(f"base of {name}" for name in LAYOUTS), *(f"convert to {name}" for name in WRITERS)],
    64: ["base of packed.h5", "convert to cxi"],
}
CASES = [(side, stage) for side, stages in STAGES.items() for stage in stages]

# The same stages, were the memory of frames in files not given back.
HOLDING = """
import sys
from ptychostudy.io.mapped import Mapped
Mapped.forget = lambda self: None
from ptychostudy.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def simulated(hub, frames, side):
    """Return the arrays of a scan with about so many frames."""
    for words in simulation(hub, study(frames, side)).values():
        assert main([*map(str, words)]) == 0
    scan = read_npz(hub / f"data/phase_c/dose_{DOSE}/patched_train.npz", KEYS)
    assert frames <= len(scan["counts"]) < 1.1 * frames
    return scan


def save(path, scan):
    """Write a scan in the way that a name says; frames are packed one by one, as detectors do."""
    if path.suffix == ".npz":
        (np.savez_compressed if path.stem == "packed" else np.savez)(path, **scan)
        return
    side = len(scan["probeGuess"])
    packed = {"chunks": (1, side, side), "compression": "gzip", "compression_opts": 1}
    counts = np.moveaxis(scan["counts"], 0, -1) if path.stem == "last" else scan["counts"]
    with h5py.File(path, "w") as file:
        file.create_dataset("counts", data=counts, **(packed if path.stem == "packed" else {}))
        for key in KEYS[:-1]:
            file[key] = scan[key]


def stages(hub, side):
    """Return the words for each stage."""
    words = {}
    for stage in STAGES[side]:
        what, _, name = stage.split()
        if what == "base":
            asked = parse_study({"doses": [10], "base": settings(hub / name, side)})
            files = ["--source", hub / name, "--mask", "--pictures", "--output", hub / "base.npz"]
            words[stage] = ["base", *told(asked, "base"), *files]
        else:
            told_by = ["--study", hub / "study.yaml"]
            words[stage] = ["convert", hub / "packed.h5", "--format", name, "--output", hub / "written", *told_by]
    return words


def settings(path, side):
    return {"kind": "npz", "frames": "measured", "frame_px": side, "npz": {"path": str(path)}}


def measured(side, tmp_path_factory):
    """Return the peak in kB by frames and stage; of more frames also that of stages which hold them all."""
    found = {}
    for frames in SPLIT_FRAMES:
        hub = tmp_path_factory.mktemp(str(frames))
        scan = simulated(hub, frames, side)
        for name in LAYOUTS if side == min(STAGES) else LAYOUTS[:1]:
            save(hub / name, scan)
        del scan
        (hub / "study.yaml").write_text(yaml.safe_dump({"base": settings(hub / "packed.h5", side)}))
        words = stages(hub, side)
        found[frames] = {stage: peak_kb(["-m", "ptychostudy", *own]) for stage, own in words.items()}
    found["holding"] = {stage: peak_kb(["-c", HOLDING, *own]) for stage, own in words.items()}
    # Up to 1 GB.
    shutil.rmtree(hub)
    return found


@pytest.fixture(scope="module")
def peaks(tmp_path_factory):
    """Return what was measured by the side of frames."""
    return {side: measured(side, tmp_path_factory) for side in STAGES}


@pytest.mark.parametrize(("side", "stage"), CASES)
def test_memory_does_not_grow_with_the_frames(peaks, side, stage):
    assert ratio(peaks[side], stage) <= LARGEST_RATIO, peaks


@pytest.mark.parametrize(("side", "stage"), CASES)
def test_what_holds_all_frames_is_seen(peaks, side, stage):
    fewest = peaks[side][SPLIT_FRAMES[0]][stage]
    # Not by a hair.
    assert peaks[side]["holding"][stage] / fewest > 1.2 * LARGEST_RATIO, peaks
