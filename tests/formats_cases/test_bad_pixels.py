"""Pixels that count no photons: gaps, type maxima, stuck, hot and dead ones; found where certain, and named."""

import numpy as np
import pytest
from known_scan import N, known_scan, probe_of

from ptychostudy.intake.bad_pixels import dead, full_count, hot, no_counts, stuck
from ptychostudy.intake.doubts import placed
from ptychostudy.intake.far_field import far_field
from ptychostudy.intake.pixel_sums import pixel_sums

CENTRE = N // 2


def raster():
    return known_scan()["counts"]


# --- known answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "u8", "i2", "i4", "i8"])
def test_largest_number_of_a_type(kind):
    stack = np.zeros((4, 3, 3), kind)
    assert full_count(stack) == np.inf
    stack[2, 1, 1] = np.iinfo(kind).max
    assert full_count(stack) == float(np.iinfo(kind).max)


@pytest.mark.parametrize("bits", [12, 14, 16, 20, 32])
@pytest.mark.parametrize("kind", ["f8", "i8"])
def test_a_full_counter_in_a_larger_type(bits, kind):
    stack = np.arange(36, dtype=kind).reshape(4, 3, 3)
    stack[:, 0, 0] = 2**bits - 1
    assert full_count(stack) == 2**bits - 1
    # Once may be chance, and one less is no counter.
    stack[1:, 0, 0] = 0
    assert full_count(stack) == np.inf
    stack[:, 0, 0] = 2**bits - 2
    assert full_count(stack) == np.inf


def test_pixels_of_most_frames_and_frames_of_single_ones():
    stack = np.ones((5, 4, 4))
    stack[:, 0, 1] = 65535
    stack[:3, 2, 2] = -1
    stack[:, 3, 3] = np.nan
    stack[4, 1, 1] = 65535
    pixels, frames = no_counts(stack, 65535.0)
    assert np.argwhere(pixels).tolist() == [[0, 1], [2, 2], [3, 3]]
    assert frames.tolist() == [False, False, False, False, True]


def test_stuck_pixels():
    counts = raster()
    counts[:, 4, 5] = 700
    assert np.argwhere(stuck(pixel_sums(counts))).tolist() == [[4, 5]]
    counts[:, 4, 5] = 3  # as three photons may be
    assert not stuck(pixel_sums(counts)).any()


@pytest.mark.parametrize(
    "pixels",
    [[(3, 28)], [(3, 3), (3, 4), (4, 3), (4, 4)], [(3, c) for c in range(N)], [(0, 0)], [(5, 31), (31, 15)]],
    ids=["one", "cluster", "row", "corner", "edges"],
)
def test_hot_pixels(pixels):
    rng = np.random.default_rng(0)
    total = pixel_sums(raster()).total
    assert not hot(total, far_field(probe_of())).any()
    for place in pixels:
        total[place] = rng.integers(2_000_000, 3_000_000)
    assert [tuple(place) for place in np.argwhere(hot(total, far_field(probe_of()))).tolist()] == pixels


@pytest.mark.parametrize(
    "region",
    [
        np.s_[14:16, :],
        np.s_[:, 17:18],
        np.s_[CENTRE + 2, CENTRE - 3],
        np.s_[13:16, 14:16],
        np.s_[10:22, :],
        np.s_[12:20, 12:20],
    ],
    ids=["two rows", "column", "pixel", "cluster", "wide gap", "stop"],
)
def test_dead_pixels(region):
    total = pixel_sums(raster()).total
    assert not dead(total, far_field(probe_of())).any()
    dark = np.zeros_like(total, dtype=bool)
    dark[region] = True
    total[dark] = 0
    np.testing.assert_array_equal(dead(total, far_field(probe_of())), dark)


def test_darkness_around_the_light_is_not_dead():
    total = pixel_sums(raster()).total
    total[:3], total[-4:], total[:, :5] = 0, 0, 0
    assert not dead(total, far_field(probe_of())).any()


def test_places_are_told_by_rows_columns_and_pixels():
    mask = np.zeros((8, 8), dtype=bool)
    mask[2], mask[:, 5], mask[7, 7] = True, True, True
    assert placed(mask) == "16 of 64 pixels, rows 2; columns 5; (row, col) (7, 7)"


# --- beside pixels that are known -------------------------------------------------------------------------------------


# The last leaves every third pixel of every third row: none of them has a neighbour.
LONELY = np.any(np.indices((N, N)) % 3, axis=0)


@pytest.mark.parametrize(
    "region",
    [np.s_[14:16, :], np.s_[:, 17], np.s_[10:14, 12:20], np.s_[::3, :], LONELY],
    ids=["rows", "column", "block", "comb", "lonely"],
)
def test_a_mask_makes_no_neighbour_hot_or_dead(region):
    total = pixel_sums(raster()).total
    bad = np.zeros_like(total, dtype=bool)
    bad[region] = True
    for junk in (0.0, 1e12):
        total[bad] = junk
        assert not hot(total, far_field(probe_of()), bad).any()
        assert not dead(total, far_field(probe_of()), bad).any()


@pytest.mark.parametrize("place", [(16, 12), (13, 20), (2, 2)], ids=str)
def test_hot_and_dead_pixels_beside_a_gap_are_found(place):
    bad = np.zeros((N, N), dtype=bool)
    bad[14:16] = True
    total = pixel_sums(raster()).total * ~bad
    total[place] = 1e8
    assert np.argwhere(hot(total, far_field(probe_of()), bad)).tolist() == [list(place)]
    if place != (2, 2):
        total[place] = 0
        assert np.argwhere(dead(total, far_field(probe_of()), bad)).tolist() == [list(place)]


def test_a_constant_that_was_added_is_not_stuck():
    counts = raster() + np.uint32(100)
    assert not stuck(pixel_sums(counts)).any()
    counts[:, 3, 4] = 5000
    assert np.argwhere(stuck(pixel_sums(counts))).tolist() == [[3, 4]]


def test_the_largest_number_is_that_of_the_pixels_that_count():
    stack = np.ones((6, 4, 4), np.uint32)
    stack[:, 0, 0] = 2**32 - 1
    stack[:4, 1, 2] = 2**20 - 1
    bad = np.zeros((4, 4), dtype=bool)
    assert full_count(stack, bad) == 2**32 - 1
    bad[0, 0] = True
    assert full_count(stack, bad) == 2**20 - 1
    pixels, frames = no_counts(stack, 2.0**20 - 1, bad)
    assert np.argwhere(pixels).tolist() == [[1, 2]] and not frames.any()


# --- through the stage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("u4", 2**32 - 1),
        ("u2", 2**16 - 1),
        ("i4", 2**31 - 1),
        ("i8", 2**32 - 1),
        ("u8", 2**64 - 1),
        ("i4", -1),
        ("i2", -2),
        ("f4", np.nan),
        ("f8", np.inf),
        ("f8", -np.inf),
        ("f8", 65535.0),
        ("u4", 2**20 - 1),
        ("u4", 123456),
        ("u4", 0),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("region", "place"),
    [(np.s_[14:16, :], "rows 14, 15"), (np.s_[:, 15], "columns 15"), (np.s_[12, 17], "(row, col) (12, 17)")],
    ids=["rows", "column", "pixel"],
)
def test_a_gap_is_masked_however_it_is_written(masked, kind, value, region, place):
    scan = known_scan(photons=2e4)
    right = scan["counts"].copy()
    scan["counts"] = scan["counts"].astype(kind)
    scan["counts"][(slice(None), *region)] = value
    changes, said = masked(scan, region, right, measurement="counts")
    assert "key 'counts'" in said and f"{place}; masked" in said and place in changes["masked"][0]


def test_the_largest_number_of_eight_bits(masked):
    scan = known_scan(photons=5e3)
    scan["counts"] = np.minimum(scan["counts"], 254).astype(np.uint8)
    right = scan["counts"].astype(np.uint32)
    scan["counts"][:, :, 9] = 255
    assert "holds no photons but 255" in masked(scan, np.s_[:, 9], right)[1]


def test_two_signs_of_a_gap_at_once(masked):
    """Other counters are full at other numbers once the first are left out."""
    scan = known_scan(photons=2e4)
    right = scan["counts"].copy()
    scan["counts"][:, 14] = 2**32 - 1
    scan["counts"][:, 20, 5] = 2**20 - 1
    region = np.zeros((N, N), dtype=bool)
    region[14], region[20, 5] = True, True
    _, said = masked(scan, region, right)
    assert "4294967295" in said and "1048575" in said and "33 of 1024 pixels are masked" in said


def test_numbers_below_zero_of_many_sizes_are_no_sign_of_a_gap(refused):
    scan = known_scan(photons=2e4)
    rng = np.random.default_rng(0)
    scan["counts"] = scan["counts"].astype(np.int32)
    scan["counts"][:, 2:6, 2:6] = -rng.integers(1, 50, (80, 4, 4))
    message = refused(scan)
    assert "negative numbers of many sizes" in message and "base.npz.mask" in message


@pytest.mark.parametrize("vary", [False, True], ids=["constant", "noisy"])
def test_hot_pixels_are_masked_by_place(masked, vary):
    scan = known_scan()
    right = scan["counts"].copy()
    rng = np.random.default_rng(0)
    for place in [(3, 28), (10, 5), (25, 17)]:
        scan["counts"][(slice(None), *place)] = rng.poisson(30_000, 80) if vary else 30_000
    _, said = masked(scan, ([3, 10, 25], [28, 5, 17]), right)
    assert "3 of 1024 pixels, (row, col) (3, 28), (10, 5), (25, 17)" in said
    assert ("hot" if vary else "stuck") in said


def test_dead_pixels_in_the_light_are_masked_by_place(masked):
    scan = known_scan()
    scan["counts"][:, [14, 18], [15, 17]] = 0
    _, said = masked(scan, ([14, 18], [15, 17]), scan["counts"])
    assert "dead (no photon in any frame, amid light): 2 of 1024 pixels, (row, col) (14, 15), (18, 17); masked" in said


def test_hot_pixels_hide_no_empty_frame(refused, taken):
    scan = known_scan()
    scan["counts"][::10] = 0
    scan["counts"][:, [3, 10, 25], [28, 5, 17]] = np.random.default_rng(0).poisson(3e5, (80, 3))
    assert "8 of 80 frames are empty (no photon): 0, 10, 20" in refused(scan)
    arrays, changes, _ = taken(scan, drop_frames="auto")
    assert len(arrays["counts"]) == 72 and changes["dropped_frames"] == list(range(0, 80, 10))
    assert int(np.sum(~arrays["valid_pixels"])) == changes["masked_pixels"] == 3


def test_hot_pixels_hide_no_common_divisor(refused):
    scan = known_scan()
    scan["counts"] *= np.uint32(50)
    scan["counts"][:, 25, 17] = np.random.default_rng(1).poisson(2_000_000, 80)
    assert "multiples of 50" in refused(scan)


def test_dead_pixels_hide_no_background(refused):
    scan = known_scan()
    scan["counts"] += np.uint32(100)
    scan["counts"][:, 16, 14] = 0
    assert "base.npz.background: 100" in refused(scan)


def test_hot_pixels_put_no_frame_off_its_centre(masked):
    scan = known_scan(photons=2e4)
    right = scan["counts"].copy()
    scan["counts"][:, 2:4, 2:4] = np.random.default_rng(0).poisson(2e5, (80, 2, 2))
    _, said = masked(scan, np.s_[2:4, 2:4], right)
    assert "centre" not in said


def test_pixels_that_were_looked_at_are_taken(taken):
    scan = known_scan()
    scan["counts"][:, 14, 15] = 0
    arrays, changes, said = taken(scan, accept=["pixels"])
    np.testing.assert_array_equal(arrays["counts"], scan["counts"])
    assert "accepted (pixels)" in said and "dead" in changes["accepted"][0]
    assert "valid_pixels" not in arrays and "masked_pixels" not in changes
