"""The split: a guard band wide enough that no object pixel is lit in both parts, along either axis."""

import numpy as np
import pytest

from ptychostudy.sampling.split import shared_pixels, split_scan


def scan(seed=0):
    """Return a dense random scan of an oblong field."""
    return np.random.default_rng(seed).uniform([30, 30], [230, 130], (800, 2))


def lit(positions, diameter):
    """Return the set of object pixels within half a diameter of a position, by brute force."""
    grid = np.stack(np.mgrid[:270, :170], axis=-1).reshape(-1, 2)
    near = np.zeros(len(grid), bool)
    for position in positions:
        near |= np.hypot(*(grid - position).T) <= diameter / 2
    return {tuple(pixel) for pixel in grid[near].tolist()}


@pytest.mark.parametrize("axis", ["y", "x"])
@pytest.mark.parametrize("fraction", [0.3, 0.5])
def test_parts_share_no_lit_pixel(axis, fraction):
    positions = scan()
    parts = split_scan(positions, 20.0, axis=axis, fraction=fraction)
    train, test = positions[parts["train"]], positions[parts["test"]]
    assert lit(train, 20.0) & lit(test, 20.0) == set()
    assert shared_pixels(train, test, 20.0) == 0


def test_shared_pixels_are_counted_as_by_brute_force():
    positions = scan()
    first, second = positions[:40], positions[40:80]
    assert shared_pixels(first, second, 17.0) == len(lit(first, 17.0) & lit(second, 17.0)) > 0


def test_two_discs_share_their_lens():
    # Radius 5.1, centres four columns apart: pixels of both lie within 5.1 of (0, 0) and of (0, 4). Row by row from the
    # middle, half widths 5, 5, 4, 4, 3, 1 (floor of sqrt(26.01 - row^2)) leave 2 * width + 1 - 4 shared columns.
    shared = {0: 7, 1: 7, 2: 5, 3: 5, 4: 3, 5: 0}
    found = shared_pixels(np.array([[20.0, 20.0]]), np.array([[20.0, 24.0]]), 10.2)
    assert found == shared[0] + 2 * sum(shared[row] for row in range(1, 6)) == 47


@pytest.mark.parametrize(("axis", "column"), [("y", 0), ("x", 1)])
def test_cut_and_guard_band_are_where_they_are_said_to_be(axis, column):
    positions = scan()
    along = positions[:, column]
    parts = split_scan(positions, 99.0, axis=axis, fraction=0.4, guard_px=12.0)
    cut = along.min() + 0.4 * np.ptp(along)
    np.testing.assert_array_equal(parts["train"], np.flatnonzero(along < cut - 6))
    np.testing.assert_array_equal(parts["test"], np.flatnonzero(along > cut + 6))


def test_without_a_guard_band_every_frame_is_used_once():
    parts = split_scan(scan(), 20.0, guard_px=0.0)
    np.testing.assert_array_equal(np.sort(np.concatenate([parts["train"], parts["test"]])), np.arange(800))


def test_default_guard_band_is_one_probe():
    narrow, wide = (split_scan(scan(), diameter) for diameter in (5.0, 40.0))
    assert sum(map(len, wide.values())) < sum(map(len, narrow.values()))
    given = split_scan(scan(), 5.0, guard_px=40.0)
    np.testing.assert_array_equal(given["train"], wide["train"])


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"fraction": 0.01, "guard_px": 30.0}, "train"),
        ({"fraction": 0.99, "guard_px": 30.0}, "test"),
        ({"guard_px": 500}, "train"),
    ],
)
def test_empty_part_is_refused(options, name):
    with pytest.raises(ValueError, match=rf"the {name} part is empty: the scan spans .* along y.*\(split.fraction"):
        split_scan(scan(), 10.0, **options)
