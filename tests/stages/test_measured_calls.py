"""`import ptychostudy` on measured frames: reference, parts and thinned frames are those of the stages' files."""

import subprocess
import sys

import numpy as np
import pytest

import ptychostudy
from conftest import ROOT
from ptychostudy.io.arrays import read_npz
from ptychostudy.study.stage_settings import encode, stage_settings
from scenes import made_scan

DOSE = 5000


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with a user's file, and what the stages make of it."""
    folder = tmp_path_factory.mktemp("measured")
    scan = made_scan()
    rows, cols = scan.positions.T
    np.savez(folder / "scan.npz", counts=scan.counts, ycoords=rows, xcoords=cols, probeGuess=scan.probe)

    def stage(name, *words):
        settings = encode(stage_settings(study(), name))
        command = [sys.executable, "-m", "ptychostudy", name, "--settings", settings, *words]
        subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, check=True, capture_output=True)

    stage("base", "--source", "scan.npz", "--output", "base.npz")
    stage("reference", "--base", "base.npz", "--output", "reference.npz")
    parts = ["--train", "train.npz", "--test", "test.npz"]
    stage("simulate", "--base", "base.npz", "--reference", "reference.npz", "--dose", str(DOSE), *parts)
    return folder


def study():
    return ptychostudy.settings(
        {
            "base": {"kind": "npz", "frames": "measured", "npz": {"path": "scan.npz"}},
            "doses": [DOSE],
            "reference": {"epochs": 3},
            "split": {"guard_px": 4},
        }
    )


def test_reference_parts_and_frames_are_those_of_the_files(place):
    told = []
    measured = ptychostudy.load_scan(place / "scan.npz")
    scan = ptychostudy.reference(measured, study(), on_progress=lambda *row: told.append(row[:2]))
    wanted = read_npz(place / "reference.npz")
    assert np.array_equal(scan.truth, wanted["objectGuess"]) and np.array_equal(scan.probe, wanted["probeGuess"])
    assert np.array_equal(scan.counts, measured.counts) and told[-1][1] == 3
    assert scan.metadata["truth"] == "full-dose iterative reference" and scan.metadata["misfit"]["R"] > 0
    parts = ptychostudy.split(scan, study())
    assert set(parts) == {"train", "test"} and not set(parts["train"]) & set(parts["test"])
    for split, frames in parts.items():
        file = read_npz(place / f"{split}.npz")
        assert np.array_equal(frames, file["scan_index"])
        thinned = ptychostudy.thin(scan, DOSE, split=split, frames=frames)
        assert np.array_equal(thinned.counts, file["counts"]) and np.array_equal(thinned.probe, file["probeGuess"])
        assert thinned.photons_measured == file["photons_measured"]
        assert np.array_equal(thinned.truth, file["objectGuess"])
