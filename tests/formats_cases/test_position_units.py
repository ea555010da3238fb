"""Positions in another unit, about zero, far off, alone, in line: converted, shifted or refused, and always said."""

import contextlib
import re

import h5py
import numpy as np
import pytest
from known_scan import PIXEL_M, N, known_scan, object_of, probe_of, save

from ptychostudy.intake.doubts import Doubts
from ptychostudy.intake.position_units import (
    bright_diameter_px,
    can_be_pixels,
    median_step,
    overlaps,
    to_pixels,
)
from ptychostudy.intake.scan_layout import islands, isolated, off_line_px, shift_px
from ptychostudy.intake.user import take_scan
from ptychostudy.io.atomic import DataError
from ptychostudy.study.sections.base import BaseSettings

COORDS = ("ycoords", "xcoords")
PER_PIXEL = {"m": PIXEL_M, "mm": PIXEL_M * 1e3, "um": PIXEL_M * 1e6, "nm": PIXEL_M * 1e9}


def moved(scan, factor=1.0, rows=0.0, cols=0.0):
    return scan | {"ycoords": scan["ycoords"] * factor + rows, "xcoords": scan["xcoords"] * factor + cols}


def grid(rows, cols, step):
    return np.stack(np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij"), -1).reshape(-1, 2) * float(step)


# --- known answers ----------------------------------------------------------------------------------------------------


def test_diameter_of_a_disc():
    y, x = np.mgrid[:64, :64] - 32
    disc = (np.hypot(y, x) <= 10).astype(complex)
    assert bright_diameter_px(disc) == pytest.approx(20, abs=0.5)
    # A tail at a hundredth of the peak power is none of the probe.
    assert bright_diameter_px(disc + 0.09) == bright_diameter_px(disc)


def test_step_and_overlap():
    assert median_step(grid(4, 5, 3)) == 3
    found = overlaps(3e-9, 1e-9, 12)
    assert found["m"] == (pytest.approx(3), pytest.approx(0.75))
    assert found["px"][1] == pytest.approx(1) and found["um"] == (pytest.approx(3e-6), pytest.approx(1))


@pytest.mark.parametrize("unit", PER_PIXEL)
def test_units_give_back_pixels_exactly(unit):
    pixels = np.array([[16.5, 18.0], [1023.25, 7.0]])
    np.testing.assert_array_equal(to_pixels(pixels * PER_PIXEL[unit], unit, PIXEL_M), pixels)


@pytest.mark.parametrize(
    ("step", "verdict"), [(0.001, False), (0.2, True), (4, True), (12, True), (16, False), (40, False)]
)
def test_pixels_by_their_step(step, verdict):
    assert can_be_pixels(grid(12, 12, step), probe_of()) is verdict


def test_layout_of_known_positions():
    points = grid(3, 3, 4)
    assert off_line_px(points) > 3 and off_line_px(np.array([[0, 0], [1, 2], [5, 10.0]])) < 1e-12
    assert isolated(np.vstack([points, [[100, 100]]]), 20).tolist() == [9]
    assert isolated(points, 20).size == 0
    # Centres from 16: the first window begins at 0; from 60 it begins 44 off, and moves to the margin of 2.
    assert shift_px(points + 16, N).tolist() == [0, 0]
    assert shift_px(points + [16, 60], N).tolist() == [0, 2 - 44]
    assert shift_px(points - 3.4, N).tolist() == [21, 21]


# --- through the stage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", PER_PIXEL)
@pytest.mark.parametrize("origin", ["corner", "centre"])
def test_other_units_are_refused_with_the_overlap_of_each_and_read_when_said(refused, taken, same, unit, origin):
    scan = known_scan()
    about = -np.round(scan["ycoords"].mean()) if origin == "centre" else 0.0
    scan = moved(scan, PER_PIXEL[unit], about * PER_PIXEL[unit], about * PER_PIXEL[unit])
    message = refused(scan)
    for part in ("scan.npz", "base.npz.position_unit set to what they are", "base.pixel_size_m is 8e-09"):
        assert part in message
    # The step of the scan is 5 px with one of jitter, its probe 14.7 px wide.
    assert re.search(rf"{unit}: step 4(\.\d+)? px, overlap 7[0-9]%", message), message
    arrays, changes, said = taken(scan, position_unit=unit)
    assert changes["position_unit"] == unit and f"positions taken as {unit}" in said
    shift = changes.get("shift_px", [0, 0])
    assert (shift == [0, 0]) is (origin == "corner")
    same(arrays, shift=(about + shift[0], about + shift[1]))


def write_stated(factor, texts, attribute="units"):
    """Write the known scan as HDF5, with an attribute of each coordinate."""
    save("scan.h5", moved(known_scan(), factor))
    with h5py.File("scan.h5", "r+") as file:
        for key, text in zip(COORDS, texts, strict=True):
            if text is not None:
                file[key].attrs[attribute] = text
    return "scan.h5"


@pytest.mark.parametrize("attribute", ["units", "unit"])
@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("m", "m"),
        (b"mm", "mm"),
        ("\u00b5m", "um"),
        ("\u03bcm", "um"),
        ("Micron", "um"),
        (np.array(["nm"], dtype="S2"), "nm"),
        (" nanometers ", "nm"),
    ],
)
def test_the_unit_that_datasets_state_is_taken(taken, same, folder, text, unit, attribute):
    path = write_stated(PER_PIXEL[unit], [text, text], attribute)
    arrays, changes, said = taken(path)
    same(arrays)
    assert changes["stated"] == {"position_unit": unit} and f"positions taken as {unit}" in said


@pytest.mark.parametrize("names", [("scan/y", "scan/x"), ("scan/yx[:, 0]", "scan/yx[:, 1]")], ids=["two", "columns"])
def test_the_unit_of_named_datasets_is_taken_too(taken, same, folder, names):
    scan = known_scan()
    with h5py.File("scan.h5", "w") as file:
        file["counts"], file["probeGuess"] = scan["counts"], scan["probeGuess"]
        file["scan/y"], file["scan/x"] = (scan[key] * PER_PIXEL["mm"] for key in COORDS)
        file["scan/yx"] = np.stack([file["scan/y"], file["scan/x"]], axis=1)
        for name in ("y", "x", "yx"):
            file[f"scan/{name}"].attrs["units"] = "mm"
    arrays, changes, _ = taken("scan.h5", keys=dict(zip(COORDS, names, strict=True)))
    same(arrays)
    assert changes["stated"] == {"position_unit": "mm"}


def test_a_stated_unit_goes_before_what_looks_like_pixels(taken, same, folder):
    """Half a nanometre a pixel: steps of 2.5 px, were they pixels, of a probe 15 px wide."""
    arrays, changes, _ = taken(write_stated(1.0, ["pixel", "px"]))
    same(arrays)
    assert changes == {"stated": {"position_unit": "px"}}
    path = write_stated(0.5, ["nm", "nm"])
    save("plain.h5", moved(known_scan(), 0.5))
    settings = {"kind": "npz", "frames": "measured", "frame_px": N, "pixel_size_m": 5e-10}
    scans = [take_scan(name, BaseSettings(**settings, npz={"path": name}))[0] for name in (path, "plain.h5")]
    spans = [np.ptp(scan["positions"], axis=0) for scan in scans]
    np.testing.assert_array_equal(spans[0], 2 * spans[1])


def test_what_the_user_says_of_the_unit_stands(taken, same, folder):
    arrays, _, said = taken(write_stated(PER_PIXEL["nm"], ["m", "m"]), position_unit="nm")
    same(arrays)
    assert "though the file states m" in said


@pytest.mark.parametrize("texts", [("nm", "um"), ("nm", None), ("nm", "furlong")])
def test_units_that_differ_are_refused(refused, folder, texts):
    message = refused(write_stated(1.0, texts))
    assert "are the units that 'ycoords' and 'xcoords' state; needed: the same one" in message and "'nm'" in message


@pytest.mark.parametrize("value", [3.0, np.arange(5), "", h5py.Empty("f")], ids=str)
def test_what_is_no_word_is_no_unit(taken, same, folder, value):
    arrays, changes, _ = taken(write_stated(1.0, [value, None]))
    same(arrays)
    assert changes == {}


def test_a_stated_unit_that_can_be_none_is_cured_only_where_one_other_fits(folder):
    """Pixels that are said to be metres can be nanometres, too: that is for the user to say."""
    settings = BaseSettings(kind="npz", frames="measured", frame_px=N, pixel_size_m=PIXEL_M, npz={"path": "a"})

    def cure(factor, text):
        doubts = Doubts("scan.h5", listed=[])
        # Metres of which each is many pixels are no scan at all, once that is said.
        with contextlib.suppress(DataError):
            take_scan(write_stated(factor, [text, text]), settings, doubts=doubts)
        return {each.name: each.cure for each in doubts.listed}["units"]

    assert cure(1.0, "m") == cure(1.0, "um") == {}
    assert cure(PER_PIXEL["mm"], "m") == {"position_unit": "mm"}


def test_a_unit_that_nobody_knows_is_said(taken, same, folder):
    arrays, changes, said = taken(write_stated(1.0, ["steps" * 20] * 2))
    same(arrays)
    assert "state the unit 'stepssteps" in said and "it is not used" in said and changes == {}


def test_a_unit_that_is_said_wrongly_is_refused_too(refused):
    message = refused(known_scan(), position_unit="um")
    assert "if they are um" in message and "px: step" in message


@pytest.mark.parametrize("unit", ["px", "auto"])
def test_pixels_are_pixels(taken, same, unit):
    arrays, changes, said = taken(known_scan(), position_unit=unit)
    same(arrays)
    assert changes == {} and said == ""


@pytest.mark.parametrize(("rows", "cols"), [(-45, -38), (1e5, 1e5), (-18, 0), (0, 4000), (-1e6, 1e6)], ids=str)
def test_an_origin_elsewhere_is_shifted_by_whole_pixels_and_said(taken, same, rows, cols):
    arrays, changes, said = taken(moved(known_scan(), 1.0, rows, cols))
    shift = changes["shift_px"]
    assert f"positions shifted by ({shift[0]:+d}, {shift[1]:+d}) pixels" in said
    same(arrays, shift=(rows + shift[0], cols + shift[1]))
    corner = min(arrays["ycoords"].min(), arrays["xcoords"].min()) - N / 2
    assert 0 <= corner <= N


def test_fractions_stay_as_they_are(taken):
    scan = moved(known_scan(), 1.0, -60.375, 0.125)
    arrays, changes, _ = taken(scan)
    np.testing.assert_array_equal(arrays["ycoords"], scan["ycoords"] + changes["shift_px"][0])
    np.testing.assert_array_equal(arrays["xcoords"], scan["xcoords"])


@pytest.mark.parametrize("frames", ["measured", "simulate"])
def test_where_the_object_is_given_so_is_the_origin(refused, frames):
    scan = moved(known_scan(), 1.0, -40, -40)
    scan["objectGuess"] = object_of((100, 90)).astype(np.complex64)
    assert "windows leave 'objectGuess' of shape (100, 90)" in refused(scan, frames=frames)


def line(rows, cols):
    return known_scan() | {"ycoords": 40 + rows * np.arange(80.0), "xcoords": 40 + cols * np.arange(80.0)}


@pytest.mark.parametrize("direction", [(0, 3), (3, 0), (2, 2), (-1.5, 2.25)], ids=str)
def test_a_line_is_refused_by_name(refused, direction):
    message = refused(line(*direction))
    assert "all 80 positions in 'ycoords' and 'xcoords' lie on one straight line" in message
    assert "base.npz.accept: [line]" in message


def test_a_line_that_was_looked_at_is_taken(taken):
    _, changes, said = taken(line(0, 3), accept=["line"], split={"axis": "x"})
    assert "accepted (line)" in said and "one straight line" in changes["accepted"][0]


def test_one_position_repeated(refused):
    scan = known_scan()
    message = refused(scan | {key: np.full(80, 20.5) for key in COORDS})
    assert "all 80 positions in 'ycoords' and 'xcoords' are the same, (20.5, 20.5)" in message


def test_a_scan_smaller_than_its_probe(refused):
    scan = known_scan()
    small = {key: 30 + (scan[key] - 18) * 0.15 for key in COORDS}
    message = refused(scan | small)
    assert "which is less than the probe" in message and "needed: a scan larger than its probe" in message


@pytest.mark.parametrize("place", [0, 41, 79])
def test_a_frame_alone_is_named_and_can_be_left_out(refused, taken, same, place):
    scan = known_scan()
    scan["ycoords"][place] += 300
    message = refused(scan)
    assert "1 of 80 positions in 'ycoords' and 'xcoords' have no other within" in message
    assert f"frames {place};" in message and "base.npz.drop_frames" in message
    arrays, changes, _ = taken(scan, drop_frames=[place])
    same(arrays, frames=np.arange(80) != place)
    assert changes == {"dropped_frames": [place]}


def test_windows_that_never_meet(refused):
    scan = known_scan()
    message = refused(scan | {key: scan[key] * 12 for key in COORDS})
    assert "neighbours are" in message and "overlap 0%" in message


@pytest.mark.parametrize("frames", [1, 3, 7])
def test_a_scan_too_small_for_a_group_in_each_part(refused, taken, frames):
    scan = known_scan()
    few = {key: value[:frames] if key != "probeGuess" else value for key, value in scan.items()}
    few["ycoords"], few["xcoords"] = 40 + 4.0 * np.arange(frames), 40 + 5.0 * (np.arange(frames) % 3)
    message = refused(few)
    assert f"the scan has {frames} frames; needed: at least 8" in message and "overlap.gridsize" in message


def apart(rows, cols, first):
    """Move all frames from one on."""
    scan = known_scan()
    scan["ycoords"][first:] += rows
    scan["xcoords"][first:] += cols
    return scan


@pytest.mark.parametrize("first", [40, 72, 78])
@pytest.mark.parametrize("way", [(300, 0), (0, 90), (-200, 150)], ids=str)
def test_parts_that_never_meet(refused, taken, same, way, first):
    message = refused(apart(*way, first))
    assert f"fall into 2 parts ({max(first, 80 - first)} + {min(first, 80 - first)} frames)" in message
    assert "base.npz.drop_frames" in message and "base.npz.accept: [isolated]" in message
    # Of the forty left most would lie in a guard band, which is not what is asked here.
    arrays, _, _ = taken(apart(*way, first), drop_frames=list(range(first, 80)), split={"guard_px": 0})
    same(arrays, frames=np.arange(80) < first)


def test_islands_of_known_places():
    block = grid(4, 4, 5)
    points = np.concatenate([block, block + 100, [[300, 300]], block[:2] - [0, 90]])
    assert [part.tolist() for part in islands(points, 20)] == [
        list(range(16)),
        list(range(16, 32)),
        [33, 34],
        [32],
    ]
    # Steps just within the reach are no gaps, nor is a chain.
    assert len(islands(grid(6, 6, 19), 20)) == 1
    assert len(islands(np.stack([np.arange(50) * 18.0, np.zeros(50)], axis=1), 20)) == 1
    assert len(islands(np.array([[0, 0], [0, 34.0]]), 20)) == 2


@pytest.mark.parametrize("gap", [0, 4, 8])
def test_a_scan_with_a_gap_that_light_bridges_passes(taken, gap):
    assert taken(apart(0, gap, 40))[1] == {}
