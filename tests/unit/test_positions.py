"""Positions: one array inside the package, two keys in files."""

from pathlib import Path

import numpy as np

from ptychostudy.formats.positions import COORDINATES, position_arrays, read_positions

PACKAGE = Path(__file__).resolve().parents[2] / "ptychostudy"


def test_rows_are_y():
    positions = read_positions({"xcoords": np.array([31.0, 4.5]), "ycoords": np.array([20.0, 7.25])})
    assert positions.tolist() == [[20.0, 31.0], [7.25, 4.5]]


def test_what_is_written_is_read():
    positions = np.array([[20.0, 31.0], [7.25, 4.5], [1.0, 2.0]])
    arrays = position_arrays(positions)
    assert list(arrays) == list(COORDINATES) == ["ycoords", "xcoords"]
    assert arrays["ycoords"].tolist() == [20.0, 7.25, 1.0]
    np.testing.assert_array_equal(read_positions(arrays), positions)


def test_only_formats_know_the_keys():
    named = {
        path.relative_to(PACKAGE)
        for path in PACKAGE.rglob("*.py")
        if any(key in path.read_text(encoding="utf-8") for key in COORDINATES)
    }
    # Files are read, judged and written by them, a user may say where they are in a file, and a plan counts them there.
    elsewhere = {path.as_posix() for path in named if path.parts[0] not in ("formats", "intake", "writing")}
    assert elsewhere == {"study/sections/npz.py", "telling/scan_size.py"}
