"""The size of a scan by the headers of its files, and what a study of it is guessed to take."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from ptychostudy.recipes.study_cost import study_cost
from ptychostudy.study.settings import parse_study
from ptychostudy.telling import first_guess, scan_size

PROBE = np.ones((64, 64), complex)


def study(path="scan", **npz):
    return parse_study({"base": {"kind": "npz", "frames": "measured", "npz": {"path": path, **npz}}})


def measured(shape=(516, 64, 64), **arrays):
    return {"counts": np.zeros(shape, np.uint16), "probeGuess": PROBE, **arrays}


def write(hub, arrays, name="scan", kind="npz"):
    if kind == "npz":
        with (hub / name).open("wb") as stream:
            np.savez_compressed(stream, **arrays)
        return
    with h5py.File(hub / name, "w") as file:
        for key, array in arrays.items():
            file[f"entry/data/{key}"] = array


@pytest.mark.parametrize("kind", ["npz", "hdf5"])
@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((516, 64, 64), (516, 64)),
        ((12, 20, 130, 128), (240, 128)),
        # Detector pixels first, as the odd axis says; and a file's side that is none of ours.
        ((96, 96, 300), (300, 64)),
        ((40, 300, 250), (40, 128)),
    ],
)
def test_frames_are_counted_from_headers(tmp_path, kind, shape, expected):
    # A probe of many modes is larger than few frames, and complex.
    write(tmp_path, measured(shape, probeGuess=np.ones((3, 64, 64), complex)), kind=kind)
    assert scan_size.scan_size(study().base, tmp_path) == expected


def test_the_order_of_axes_that_is_said_counts(tmp_path):
    write(tmp_path, measured((64, 64, 64)))
    assert scan_size.scan_size(study().base, tmp_path) == (64, 64)
    write(tmp_path, measured((130, 128, 500)))
    assert scan_size.scan_size(study(axes="HWN").base, tmp_path) == (500, 128)


def test_several_files_add_up(tmp_path):
    for name, count in (("a", 30), ("b", 50)):
        write(tmp_path, measured((count, 64, 64)), name, kind="hdf5")
    write(tmp_path, {"xcoords": np.zeros(80), "ycoords": np.zeros(80)}, "places")
    assert scan_size.scan_size(study(["a", "b", "places"]).base, tmp_path) == (80, 64)


def test_positions_count_where_there_are_no_frames(tmp_path):
    write(tmp_path, {"xcoords": np.zeros(900), "ycoords": np.zeros(900), "probeGuess": PROBE})
    assert scan_size.scan_size(study().base, tmp_path) == (900, 64)


@pytest.mark.parametrize("content", [b"", b"counts\n1 2 3\n", b"PK\x03\x04 no zip", None])
def test_what_cannot_be_read_has_no_size(tmp_path, content):
    if content is not None:
        (tmp_path / "scan").write_bytes(content)
    assert scan_size.scan_size(study().base, tmp_path) is None
    assert first_guess.guess(study(), tmp_path, 2) is None


def test_no_frame_is_read(tmp_path, monkeypatch):
    write(tmp_path, measured(), kind="hdf5")
    monkeypatch.setattr(h5py.Dataset, "__getitem__", lambda *_: pytest.fail("numbers were read"))
    assert scan_size.scan_size(study().base, tmp_path) == (516, 64)


def test_a_measured_study_is_guessed_by_its_frames(tmp_path):
    """One that is as large as the published star's is guessed alike, and twice the frames cost as much more."""
    seconds = {}
    for count in (516, 1032, 1548):
        write(tmp_path, measured((count, 64, 64)))
        cost = study_cost(study(), 64, count, count)
        seconds[count] = first_guess.guess(study(), tmp_path, 2)
        assert seconds[count] == pytest.approx(60 * cost.minutes / 2)
    assert seconds[1032] - seconds[516] == pytest.approx(seconds[1548] - seconds[1032]) and seconds[1032] > seconds[516]


def test_the_published_scan_is_known_before_it_is_here(tmp_path):
    """Its study took 5 min 24 s on two cores of 2026 (139 jobs, 30 November)."""
    experiment = Path(__file__).resolve().parents[3] / "config" / "experiment.yaml"
    assert 150 < first_guess.first_guess(tmp_path, experiment, 2) < 600
