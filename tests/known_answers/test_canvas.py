"""Stitching: exact means, places and origins, and the same bits in every order and grouping."""

import numpy as np
import pytest

from ptychostudy.physics.canvas import PartialCanvas, stitch_window
from ptychostudy.physics.windows import scan_rectangle

ORIGIN, SHAPE = (-3, 7), (40, 50)


def random_patches(seed, count, n=12):
    rng = np.random.default_rng(seed)
    patches = (rng.standard_normal((count, n, n)) + 1j * rng.standard_normal((count, n, n))).astype(np.complex64)
    corners = np.array(ORIGIN) + rng.integers(0, np.array(SHAPE) - n + 1, (count, 2))
    return patches, corners


def stitched(patches, corners, window, chunks=1, order=None):
    order = np.arange(len(patches)) if order is None else order
    total = PartialCanvas(ORIGIN, SHAPE)
    for part in np.array_split(order, chunks):
        partial = PartialCanvas(ORIGIN, SHAPE)
        partial.add(patches[part], corners[part], window)
        total.merge(partial.sums)
    return total.finish()


def test_mean_of_one_and_five_is_three():
    canvas = PartialCanvas((0, 0), (6, 8))
    canvas.add(
        np.array([np.full((4, 4), 1.0 + 2j), np.full((4, 4), 5.0 - 2j)]), np.array([[0, 0], [2, 3]]), np.ones((4, 4))
    )
    done = canvas.finish()
    np.testing.assert_array_equal(done.field[2:4, 3], [3.0, 3.0])
    assert done.field[0, 0] == 1 + 2j and done.field[5, 6] == 5 - 2j
    assert (done.coverage == 2).sum() == 2 and (done.coverage == 1).sum() == 28
    assert np.all(done.field[done.coverage == 0] == 0) and (done.coverage == 0).sum() == 18


def test_weights_weigh():
    canvas = PartialCanvas((0, 0), (2, 2))
    canvas.add(np.full((1, 2, 2), 1.0), np.array([[0, 0]]), np.full((2, 2), 0.25))
    canvas.add(np.full((1, 2, 2), 5.0), np.array([[0, 0]]), np.full((2, 2), 0.75))
    # 0.25 * 1 + 0.75 * 5; quarters are exact in units of 2**-36.
    np.testing.assert_array_equal(canvas.finish().field, np.full((2, 2), 4.0))


def test_patches_lie_where_their_corners_say():
    patch = np.arange(6.0).reshape(1, 2, 3)[:, :, :2] + 1.0
    canvas = PartialCanvas(ORIGIN, SHAPE)
    canvas.add(patch, np.array([[5, 30]]), np.ones((2, 2)))
    done = canvas.finish()
    assert done.origin == ORIGIN and done.field.shape == SHAPE
    np.testing.assert_array_equal(done.field[8:10, 23:25].real, [[1, 2], [4, 5]])
    assert np.count_nonzero(done.field) == 4


@pytest.mark.parametrize("kind", ["uniform", "hann"])
@pytest.mark.parametrize("chunks", [2, 7, 60])
def test_any_grouping_and_order_gives_the_same_bits(kind, chunks):
    patches, corners = random_patches(0, 60)
    window = stitch_window(12, kind)
    reference = stitched(patches, corners, window)
    shuffled = stitched(patches, corners, window, chunks, np.random.default_rng(chunks).permutation(60))
    np.testing.assert_array_equal(shuffled.field, reference.field)
    np.testing.assert_array_equal(shuffled.coverage, reference.coverage)


@pytest.mark.parametrize("kind", ["uniform", "hann"])
def test_against_floating_point_sums(kind):
    patches, corners = random_patches(1, 300)
    window = stitch_window(12, kind)
    sums, weights = np.zeros(SHAPE, complex), np.zeros(SHAPE)
    for patch, (row, col) in zip(patches, corners - np.array(ORIGIN), strict=True):
        sums[row : row + 12, col : col + 12] += patch * window
        weights[row : row + 12, col : col + 12] += window
    done = stitched(patches, corners, window)
    covered = weights > 0
    # float32 output: 6e-8 of values up to 5. The units of 2**-36 over a taper's corner weight of 3e-4 add 5e-8.
    np.testing.assert_allclose(done.field[covered], sums[covered] / weights[covered], atol=1e-6)
    np.testing.assert_allclose(done.coverage, weights, rtol=1e-6, atol=1e-9)


def test_an_object_comes_back_from_its_own_patches():
    rng = np.random.default_rng(2)
    object_ = (rng.standard_normal(SHAPE) + 1j * rng.standard_normal(SHAPE)).astype(np.complex64)
    _, corners = random_patches(3, 200)
    patches = np.array([object_[r : r + 12, c : c + 12] for r, c in corners - np.array(ORIGIN)])
    done = stitched(patches, corners, stitch_window(12, "hann"), chunks=5)
    covered = done.coverage > 0
    assert covered.mean() > 0.9
    # Rounding in units of 2**-36 over the least weight, 3e-4, stays at 1e-7.
    np.testing.assert_allclose(done.field[covered], object_[covered], atol=5e-7)


def test_a_million_additions_do_not_drift():
    canvas = PartialCanvas((0, 0), (1, 1))
    canvas.add(np.full((100_000, 1, 1), 0.1 + 0.7j), np.zeros((100_000, 2), int), np.ones((1, 1)))
    assert canvas.finish().field[0, 0] == pytest.approx(np.complex64(0.1 + 0.7j), abs=1e-7)


def test_nothing_added_is_nothing_covered():
    canvas = PartialCanvas((0, 0), (3, 4))
    canvas.add(np.zeros((0, 2, 2)), np.zeros((0, 2), int), np.ones((2, 2)))
    done = canvas.finish()
    assert not done.field.any() and not done.coverage.any() and np.all(np.isfinite(done.field))


def test_counts_must_match():
    with pytest.raises(ValueError, match="159 patches but 5088 positions"):
        PartialCanvas((0, 0), (9, 9)).add(np.zeros((159, 2, 2)), np.zeros((5088, 2), int), np.ones((2, 2)))


@pytest.mark.parametrize("corner", [(-4, 7), (-3, 6), (26, 7), (-3, 46)])
def test_nothing_is_clipped_silently(corner):
    with pytest.raises(ValueError, match="leaves the canvas"):
        PartialCanvas(ORIGIN, SHAPE).add(np.ones((1, 12, 12)), np.array([corner]), np.ones((12, 12)))


@pytest.mark.parametrize("value", [np.nan, np.inf, complex(0, np.nan), 2.0**21])
def test_values_that_cannot_be_summed_are_refused(value):
    canvas = PartialCanvas((0, 0), (4, 4))
    with pytest.raises(ValueError, match="finite"):
        canvas.add(np.full((1, 2, 2), value), np.array([[0, 0]]), np.ones((2, 2)))
    assert not canvas.sums.any()


@pytest.mark.parametrize("shape", [(4, 5), (1, 1)])
def test_partial_canvases_of_other_shapes_do_not_merge(shape):
    with pytest.raises(ValueError, match="differ in shape"):
        PartialCanvas((0, 0), (4, 4)).merge(PartialCanvas((0, 0), shape).sums)


@pytest.mark.parametrize("shape", [(3, 3), (1, 2), (2,), ()])
def test_a_window_of_another_size_is_refused(shape):
    with pytest.raises(ValueError, match="window"):
        PartialCanvas((0, 0), (4, 4)).add(np.ones((1, 2, 2)), np.array([[0, 0]]), np.ones(shape))


def test_rectangle_of_one_window_and_of_a_scan():
    assert scan_rectangle(np.array([[20.0, 31.0]]), 8) == ((12, 23), (16, 16))
    positions = np.array([[10.2, -4.5], [30.7, 60.0], [15.0, 0.0]])
    origin, shape = scan_rectangle(positions, 5)
    assert origin == (5, -10) and shape == (31, 75)


@pytest.mark.parametrize("size", [19, 20])
def test_windows(size):
    np.testing.assert_array_equal(stitch_window(size), np.ones((size, size)))
    taper = stitch_window(size, "hann")
    assert 0 < taper.min() and taper.max() <= 1
    np.testing.assert_allclose(taper, taper[::-1, ::-1], atol=1e-15)
    # sin^2 of half-sample points: squares half a window apart add up to one.
    if size % 2 == 0:
        np.testing.assert_allclose(
            taper[: size // 2] + taper[size // 2 :], np.sqrt(np.outer(np.ones(size // 2), np.diag(taper))), atol=1e-12
        )
    with pytest.raises(ValueError, match="'uniform' or 'hann', found 'round'"):
        stitch_window(size, "round")
