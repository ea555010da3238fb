"""Frames that are none: empty, saturated, wild, repeated; refused by index, or left out with their positions."""

import numpy as np
import pytest
from known_scan import frames_of, known_scan, object_of, probe_of, run_base, save

from ptychostudy.intake.frame_light import FrameLight
from ptychostudy.intake.odd_frames import empty, repeated, wild

K = 80


def grid(rows=10, cols=8, step=5.0):
    return np.stack(np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij"), -1).reshape(-1, 2) * step


# --- known answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("places", [[0], [10, 20, 30], [0, 1, 2, 3, 4, 5, 6, 7], range(40, 64)])
def test_empty_frames_amid_light(places):
    totals = np.full(K, 1e4)
    totals[places] = 0
    assert np.flatnonzero(empty(totals, grid())).tolist() == list(places)


@pytest.mark.parametrize("photons", [0.5, 3, 10])
def test_few_photons_leave_frames_empty(photons):
    totals = np.random.default_rng(0).poisson(photons, K).astype(float)
    totals[3] = 0
    assert not empty(totals, grid()).any()


@pytest.mark.parametrize("factor", [0.01, 0.05, 20, 1e4])
@pytest.mark.parametrize("places", [[9], [0, 79], [24, 25], [30, 31, 32, 33]], ids=str)
def test_wild_frames(factor, places):
    totals = np.random.default_rng(0).poisson(1e4, K).astype(float)
    totals[places] *= factor
    assert np.flatnonzero(wild(totals, grid())).tolist() == places


def test_an_absorbing_object_is_not_wild():
    """An edge, a hole and a slope of absorption, as in a bright-field scan."""
    rows, cols = grid().T
    for light in (np.where(rows < 22, 1, 0.02), np.where((rows > 20) & (cols > 15), 1, 0.02), np.exp(-rows / 10)):
        totals = np.random.default_rng(0).poisson(2e4 * light).astype(float)
        assert not wild(totals, grid()).any() and not empty(totals, grid()).any()


def test_copies_are_told_from_chance():
    rng = np.random.default_rng(0)
    bright = rng.poisson(2.0, (20, 16, 16)).astype(np.uint32)
    bright[7], bright[15] = bright[3], bright[3]
    assert np.flatnonzero(repeated(bright, np.arange(20))).tolist() == [7, 15]
    # Of those that are left the first is no copy.
    assert np.flatnonzero(repeated(bright, np.arange(5, 20))).tolist() == [10]
    # Two photons in four pixels agree often.
    dim = np.zeros((50, 16, 16), np.uint32)
    dim[:, 8:10, 8:10] = rng.poisson(0.5, (50, 2, 2))
    assert len(np.unique(dim, axis=0)) < 50 and not repeated(dim, np.arange(50)).any()


@pytest.mark.parametrize("places", [[], [7], [3, 40], [0, 1, 2, 77]], ids=str)
def test_light_of_frames(places):
    totals = np.random.default_rng(0).poisson(1e4, K).astype(float)
    totals[places] *= np.resize([3.0, 0.2], len(places))
    light = FrameLight(totals)
    assert light.outliers.tolist() == places and light.median == np.median(totals)
    words = light.words(np.arange(K) + 100)
    assert f"mean {totals.mean():.6g}, median {np.median(totals):.6g}, from {totals.min():.6g} " in words
    assert f"(frame {100 + totals.argmin()}) to {totals.max():.6g} (frame {100 + totals.argmax()})" in words
    named = ", ".join(str(100 + place) for place in places) or "none"
    assert words.endswith(f"; outliers, more than 6 deviations off: {named}")


def test_photons_that_all_agree_have_no_outliers():
    assert FrameLight(np.full(20, 3.0)).outliers.size == 0
    assert FrameLight(np.zeros(5)).outliers.size == 0


# --- through the stage ------------------------------------------------------------------------------------------------


def spoilt(kind, places):
    scan = known_scan()
    counts = scan["counts"]
    if kind == "empty":
        counts[places] = 0
    elif kind == "wild, bright":
        counts[places] *= 40
    elif kind == "wild, dark":
        counts[places] //= 60
    elif kind == "saturated":
        counts[places, 12, 13] = 2**32 - 1
    elif kind == "repeated":
        counts[places] = counts[5]
    return scan


KINDS = ["empty", "wild, bright", "wild, dark", "saturated", "repeated"]
PLACES = {"each tenth": list(range(6, K, 10)), "one": [33], "a line": list(range(16, 24)), "the last": [78, 79]}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_frames_that_are_none(refused, taken, same, kind, where):
    places = PLACES[where]
    scan = spoilt(kind, places)
    message = refused(scan)
    shown = ", ".join(map(str, places[:10]))
    assert f"{len(places)} of 80 frames are {kind.split(',')[0]}" in message and f": {shown}" in message
    assert "base.npz.drop_frames: auto" in message and "base.npz.accept: [frames]" in message
    left = ~np.isin(np.arange(K), places)
    for way in ("auto", places):
        arrays, changes, said = taken(scan, drop_frames=way)
        assert changes == {"dropped_frames": places}
        assert f"{len(places)} of 80 frames are left out, {left.sum()} stay" in said
        same(arrays, frames=left)


@pytest.mark.parametrize("where", PLACES)
def test_places_that_occur_again(refused, taken, same, where):
    """The frames are others, as of a stage that stood still: of each place the first stays, or those that are named."""
    places = PLACES[where]
    scan = known_scan()
    for key in ("ycoords", "xcoords"):
        scan[key][places] = scan[key][5]
    message = refused(scan)
    assert f"{len(places)} of 80 frames are at the very position of an earlier one: {places[0]}" in message
    assert "occur more than once" in refused(scan, accept=["frames"])
    left = ~np.isin(np.arange(K), places)
    for way in ("auto", places):
        arrays, changes, _ = taken(scan, drop_frames=way)
        assert changes == {"dropped_frames": places}
        same(arrays, frames=left)
    if len(places) == 1:
        # And which of the two it is can be told.
        arrays, _, _ = taken(scan, drop_frames=[5])
        np.testing.assert_array_equal(arrays["counts"], np.delete(scan["counts"], 5, axis=0))


def test_a_place_belongs_to_the_frame_that_is_one(taken):
    """Of two frames at a place the first is empty: the other stays."""
    scan = spoilt("empty", [20])
    for key in ("ycoords", "xcoords"):
        scan[key][50] = scan[key][20]
    arrays, changes, _ = taken(scan, drop_frames="auto")
    assert changes == {"dropped_frames": [20]}
    np.testing.assert_array_equal(arrays["counts"], np.delete(scan["counts"], 20, axis=0))


def test_several_kinds_in_one_message(refused, taken):
    scan = spoilt("empty", [3, 4])
    scan["counts"][20] *= 50
    scan["counts"][70] = scan["counts"][60]
    message = refused(scan)
    for part in (
        "2 of 80 frames are empty (no photon): 3, 4;",
        "1 of 80 frames are wild",
        ": 20;",
        "repeated",
        ": 70;",
    ):
        assert part in message
    _, changes, _ = taken(scan, drop_frames="auto")
    assert changes["dropped_frames"] == [3, 4, 20, 70]


def test_what_is_left_is_named_as_in_the_file(refused):
    scan = spoilt("empty", [3, 4, 50])
    assert "1 of 78 frames are empty (no photon): 50;" in refused(scan, drop_frames=[3, 4])


@pytest.mark.parametrize("listed", [[80], [3, 1000]])
def test_frames_that_are_not_there(refused, listed):
    message = refused(known_scan(), drop_frames=listed)
    assert f"base.npz.drop_frames names frames {listed[-1]}, but there are 80 positions" in message


def test_all_frames_left_out(refused):
    assert "drops all 80 frames" in refused(known_scan(), drop_frames=list(range(80)))


def test_more_than_half_is_not_dropped_by_itself(refused):
    message = refused(spoilt("repeated", list(range(30, 80))), drop_frames="auto")
    assert "50 of 80 frames are repeated" in message and "at most 50%" in message


def test_a_level_of_saturation_by_key(refused, taken):
    scan = known_scan()
    level = int(scan["counts"].max())
    frames = np.flatnonzero((scan["counts"] >= level).any(axis=(1, 2))).tolist()
    message = refused(scan, saturation=level)
    assert f"{len(frames)} of 80 frames are saturated" in message and f": {frames[0]}" in message
    _, changes, _ = taken(scan, saturation=level, drop_frames="auto")
    assert changes["dropped_frames"] == frames
    assert taken(scan, saturation=level + 1)[1] == {}


@pytest.mark.parametrize("kind", ["u1", "u2", "i4"])
def test_saturation_by_type(refused, kind):
    scan = known_scan(photons=2e3)
    scan["counts"] = scan["counts"].astype(kind)
    scan["counts"][[4, 9], 16, 16] = np.iinfo(kind).max
    assert "2 of 80 frames are saturated (pixels at the detector's largest count): 4, 9" in refused(scan)


def test_the_light_of_the_frames_that_stay_is_said(folder, caplog):
    scan = spoilt("empty", [3, 4])
    scan["counts"][20] //= 2
    save("scan.npz", scan)
    assert run_base("scan.npz", drop_frames="auto") == 0
    (line,) = [text for text in caplog.messages if "photons a frame: " in text]
    totals = scan["counts"].sum(axis=(1, 2), dtype=float)
    kept = np.delete(totals, [3, 4])
    assert f"mean {kept.mean():.6g}, median {np.median(kept):.6g}, from {totals[20]:.6g} (frame 20)" in line
    assert line.endswith("outliers, more than 6 deviations off: 20")


# --- what is right passes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("photons", [50, 1e3, 1e6])
@pytest.mark.parametrize("kind", ["edge", "hole", "wedge"])
def test_a_bright_field_scan_passes(taken, photons, kind):
    """Totals differ a hundredfold by absorption alone."""
    scan = known_scan()
    shape = (10 * 5 + 38, 8 * 5 + 38)
    rows, cols = np.indices(shape)
    transmission = {
        "edge": np.where(rows < 45, 1, 0.1),
        "hole": np.where((np.abs(rows - 44) < 12) & (np.abs(cols - 40) < 12), 1, 0.1),
        "wedge": np.exp(-cols / 25),
    }[kind]
    positions = np.stack([scan["ycoords"], scan["xcoords"]], axis=1)
    scan["counts"] = frames_of(object_of(shape) * transmission, probe_of(), positions, photons)
    totals = scan["counts"].sum(axis=(1, 2))
    assert totals.max() > 3 * max(1, totals.min())
    arrays, changes, _ = taken(scan)
    np.testing.assert_array_equal(arrays["counts"], scan["counts"])
    assert changes == {}
