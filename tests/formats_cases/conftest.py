"""A folder for each test, and the stage `base` run there: taken, or refused in one paragraph."""

import os
from pathlib import Path

import numpy as np
import pytest
from known_scan import known_scan, run_base, save, written

import foreign_scans
from ptychostudy.__main__ import main
from ptychostudy.intake.conventions import of_frames
from ptychostudy.io.arrays import read_metadata
from ptychostudy.io.atomic import DataError


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "environ", os.environ.copy())  # main() sets thread counts for the rest of the process
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(folder, capsys):
    """Return a function that expects the refusal of a file, or of arrays written to one; it returns the message."""

    def run(scan, **settings):
        if isinstance(scan, dict):
            save("scan.npz", scan)
            scan = "scan.npz"
        assert run_base(scan, **settings) == 2
        printed = capsys.readouterr()
        assert printed.out == "" and printed.err.startswith("ptychostudy base: ") and "\n\n" not in printed.err.strip()
        files = [str(scan), Path(scan).name, *([settings["mask"]] if "mask" in settings else [])]
        assert any(name in printed.err for name in files)
        assert "Traceback" not in printed.err and "np." not in printed.err
        assert not Path("base.npz").exists()
        return " ".join(printed.err.split())

    return run


@pytest.fixture
def taken(folder, capsys, caplog):
    """Return a function that expects a file to be taken; it returns arrays, changes and what was said."""

    def run(scan, **settings):
        if isinstance(scan, dict):
            save("scan.npz", scan)
            scan = "scan.npz"
        caplog.clear()
        assert run_base(scan, **settings) == 0, capsys.readouterr().err
        # How much light there is, how the scan will be cut and how well it fits is said of every file.
        usual = ("photons a frame: ", "guard band", "a first pass on")
        return *written(), " ".join(text for text in caplog.messages if not any(word in text for word in usual))

    return run


@pytest.fixture
def same():
    """Return a function that expects the arrays of the untouched scan, to the last bit."""

    def check(arrays, frames=slice(None), shift=(0, 0)):
        right = known_scan()
        np.testing.assert_array_equal(arrays["counts"], right["counts"][frames])
        np.testing.assert_array_equal(arrays["ycoords"], right["ycoords"][frames] + shift[0])
        np.testing.assert_array_equal(arrays["xcoords"], right["xcoords"][frames] + shift[1])
        np.testing.assert_array_equal(arrays["probeGuess"], right["probeGuess"])

    return check


@pytest.fixture
def masked(taken):
    """Return a function that expects some pixels to be masked and all others to hold the right counts, to the last bit.

    It returns changes and what was said.
    """

    def run(scan, region, right, *, shift=(0, 0), **settings):
        arrays, changes, said = taken(scan, **settings)
        valid = np.ones(right.shape[1:], dtype=bool)
        valid[region] = False
        np.testing.assert_array_equal(arrays["valid_pixels"], np.roll(valid, shift, (0, 1)))
        np.testing.assert_array_equal(arrays["counts"], np.roll(right * valid, shift, (1, 2)))
        assert changes["masked_pixels"] == np.sum(~valid)
        physics = read_metadata("base.npz")["physics_parameters"]
        assert physics["masked_pixels"] == np.sum(~valid) and physics["photons"] == "of the valid pixels"
        return changes, said

    return run


@pytest.fixture
def refused_files(folder):
    """Return a function that expects the refusal of one file or several, and returns its text."""

    def run(paths, frames="measured", **npz):
        with pytest.raises(DataError) as error:
            foreign_scans.taken(paths, frames, **npz)
        text = str(error.value)
        assert "np." not in text and "\n" not in text
        assert any(str(path) in text for path in ([paths] if isinstance(paths, str) else paths))
        return text

    return run


@pytest.fixture
def inspected(folder, capsys):
    """Return a function that runs `inspect` on arrays or a file; it returns exit code and what was printed."""

    def run(scan, *words):
        if isinstance(scan, dict):
            save("scan.npz", scan)
            scan = "scan.npz"
        code = main(["inspect", str(scan), *words])
        printed = capsys.readouterr()
        assert printed.err == "" and "Traceback" not in printed.out and "np." not in printed.out
        assert "\x1b" not in printed.out  # plain when piped
        return code, " ".join(printed.out.split())

    return run


@pytest.fixture
def few(monkeypatch):
    """Try eight layouts in place of 64: for tests of something else."""
    monkeypatch.setattr("ptychostudy.intake.inspect.of_both", of_frames)
