"""Pixels that count no photons: gaps, type maxima, stuck, hot and dead ones; found where certain, and named."""

import numpy as np
import pytest
from known_scan import N, known_scan, probe_of

from ptychostudy.formats.bad_pixels import dead, full_count, hot, no_counts, stuck
from ptychostudy.formats.doubts import placed
from ptychostudy.formats.far_field import far_field
from ptychostudy.formats.masks import bad_by
from ptychostudy.formats.pixel_sums import pixel_sums

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


@pytest.mark.parametrize(
    ("key", "bad"), [("bad_pixels", 1), ("pixel_mask", 7), ("valid_pixel_mask", 0), ("weights", 0), ("mask", 1)]
)
def test_polarity(key, bad):
    mask = np.full((4, 4), 1 if bad == 0 else 0)
    mask[1, 2] = bad
    assert np.argwhere(bad_by(key, mask)).tolist() == [[1, 2]]
    assert np.argwhere(bad_by("mask", 1 - (mask != 0))).tolist() == [[1, 2]]


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
        ("f8", 65535.0),
        ("u4", 2**20 - 1),
        ("u4", 123456),
        ("u4", 0),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("region", "place"),
    [(np.s_[:, 14:16, :], "rows 14, 15"), (np.s_[:, :, 15], "columns 15"), (np.s_[:, 12, 17], "(row, col) (12, 17)")],
    ids=["rows", "column", "pixel"],
)
def test_a_gap_is_refused_however_it_is_written(refused, kind, value, region, place):
    scan = known_scan(photons=2e4)
    scan["counts"] = scan["counts"].astype(kind)
    scan["counts"][region] = value
    message = refused(scan, measurement="counts")
    assert "key 'counts'" in message and place in message and "masks are not supported yet" in message


@pytest.mark.parametrize("vary", [False, True], ids=["constant", "noisy"])
def test_hot_pixels_are_refused_by_place(refused, vary):
    scan = known_scan()
    rng = np.random.default_rng(0)
    for place in [(3, 28), (10, 5), (25, 17)]:
        scan["counts"][(slice(None), *place)] = rng.poisson(30_000, 80) if vary else 30_000
    message = refused(scan)
    assert "3 of 1024 pixels, (row, col) (3, 28), (10, 5), (25, 17)" in message
    assert ("hot" if vary else "stuck") in message


def test_dead_pixels_in_the_light_are_refused_by_place(refused):
    scan = known_scan()
    scan["counts"][:, [14, 18], [15, 17]] = 0
    assert "dead (no photon in any frame, amid light): 2 of 1024 pixels, (row, col) (14, 15), (18, 17)" in refused(scan)


def test_pixels_that_were_looked_at_are_taken(taken):
    scan = known_scan()
    scan["counts"][:, 14, 15] = 0
    arrays, changes, said = taken(scan, accept=["pixels"])
    np.testing.assert_array_equal(arrays["counts"], scan["counts"])
    assert "accepted (pixels)" in said and "dead" in changes["accepted"][0]


MASKS = {"mask": 0, "bad_pixels": 1, "pixel_mask": 8, "valid_pixel_mask": 0, "weights": 0, "hot_pixels": 1}


@pytest.mark.parametrize("key", MASKS)
@pytest.mark.parametrize("kind", ["?", "u1", "i4", "f8"])
def test_a_mask_with_bad_pixels_is_refused(refused, key, kind):
    scan = known_scan()
    mask = np.full((N, N), MASKS[key] == 0).astype(kind)
    mask[[3, 10, 25], [28, 5, 17]] = MASKS[key]
    message = refused(scan | {key: mask})
    assert f"key {key!r} marks bad pixels: 3 of 1024 pixels, (row, col) (3, 28), (10, 5), (25, 17)" in message
    assert "masks are not supported yet" in message and "without that key" in message


@pytest.mark.parametrize("key", MASKS)
@pytest.mark.parametrize("shape", [(N, N), (80, N, N), (1, N, N)], ids=str)
def test_a_mask_without_bad_pixels_is_said(taken, same, key, shape):
    mask = np.full(shape, 1 if MASKS[key] == 0 else 0, np.uint8)
    arrays, _, said = taken(known_scan() | {key: mask})
    same(arrays)
    assert f"key {key!r} marks no bad pixel" in said


@pytest.mark.parametrize(
    ("key", "mask", "part"),
    [
        ("mask", np.ones((N, N - 1)), "which is no mask of frames"),
        ("mask", np.ones((N, N), complex), "which is no mask of frames"),
        ("weights", np.ones(80), "which is no mask of frames"),
        ("weights", np.linspace(0.5, 1, N * N).reshape(N, N), "weights are not supported yet"),
    ],
)
def test_a_mask_that_is_none_is_refused(refused, key, mask, part):
    message = refused(known_scan() | {key: mask})
    assert part in message and key in message
