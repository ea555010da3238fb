"""Where windows lie: corners, what is inside, the rectangle of a scan, and the light it puts on the object."""

import numpy as np
import pytest

from ptychostudy.physics import windows


@pytest.mark.parametrize(
    ("position", "n", "corner"),
    [
        ((20.0, 31.0), 8, (16, 27)),
        ((20.49, 31.49), 8, (16, 27)),
        ((20.5, 31.0), 8, (17, 27)),  # halves go up, on one axis as on the other
        ((20.0, 31.5), 8, (16, 28)),
        ((21.5, 30.5), 8, (18, 27)),  # and not to the even neighbour
        ((-0.5, -0.51), 8, (-4, -5)),
        ((20.0, 31.0), 7, (17, 28)),
        ((20.5, 31.25), 0, (21, 31)),
    ],
)
def test_corners(position, n, corner):
    found = windows.corners(np.array([position]), n)
    assert found.dtype == np.int64
    assert found.tolist() == [list(corner)]


def test_corners_and_fractions_add_up_to_positions():
    positions = np.random.default_rng(3).uniform(-40, 90, (500, 2))
    corners, fractions = windows.split_positions(positions, 8)
    np.testing.assert_array_equal(corners, windows.corners(positions, 8))
    np.testing.assert_allclose(corners + 4 + fractions, positions, atol=1e-13)
    assert fractions.min() >= -0.5 and fractions.max() < 0.5


@pytest.mark.parametrize("far", [1e19, -1e19, 1e300, -1e300])
def test_a_window_too_far_for_an_integer_is_outside(far):
    corners = windows.corners(np.array([[far, 20.0], [20.0, far], [20.0, 20.0]]), 8)
    assert windows.inside(corners, 8, (40, 50)).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("corner", "expected"),
    [
        ((0, 0), True),
        ((22, 33), True),
        ((23, 33), False),
        ((22, 34), False),
        ((33, 22), False),  # rows and columns are not exchanged
        ((-1, 0), False),
        ((0, -1), False),
    ],
)
def test_inside(corner, expected):
    assert windows.inside(np.array([corner]), 8, (30, 41)).tolist() == [expected]


def test_inside_of_no_window():
    assert windows.inside(np.zeros((0, 2), int), 8, (30, 41)).shape == (0,)


@pytest.mark.parametrize(
    ("n", "margin", "first", "end"),
    [
        (0, 0, (10, -5), (31, 60)),
        (0, 5, (5, -10), (36, 65)),
        (8, 0, (6, -9), (35, 64)),
        (8, 2, (4, -11), (37, 66)),
        (7, 0, (7, -8), (35, 64)),  # the fourth pixel of an odd window is its centre: three before, four from it on
    ],
)
def test_extent(n, margin, first, end):
    positions = np.array([[10.2, -4.5], [30.7, 60.0], [15.0, 0.0]])
    found = windows.extent(positions, n, margin)
    assert [part.tolist() for part in found] == [list(first), list(end)]


@pytest.mark.parametrize("n", [7, 8])
def test_every_window_lies_in_the_extent(n):
    positions = np.random.default_rng(5).uniform((5, 9), (30, 90), (300, 2))
    first, end = windows.extent(positions, n, 0)
    assert np.all(windows.inside(windows.corners(positions, n) - first, n, tuple(end - first)))


def test_light_of_an_uneven_probe():
    probe = np.zeros((4, 4), np.complex64)
    probe[0, 1], probe[3, 2] = 2j, 1 + 1j
    found = windows.light(probe, np.array([[2.0, 3.0], [2.4, 3.49], [4.5, 3.0]]), (8, 9))
    expected = np.zeros((8, 9))
    expected[0, 2] = 2 * 4  # |2j|^2, twice: a fraction below one half moves nothing
    expected[3, 3] = 2 * 2  # |1 + 1j|^2
    expected[3, 2] += 4  # the third window begins at (3, 1)
    expected[6, 3] += 2
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(("rows", "cols"), [(0, 0), (3, 0), (0, 5), (2, 7)])
def test_light_moves_with_the_scan(rows, cols):
    rng = np.random.default_rng(6)
    probe = rng.normal(size=(6, 6)) + 1j * rng.normal(size=(6, 6))
    positions = rng.uniform((3, 3), (9, 8), (20, 2))
    still = windows.light(probe, positions, (24, 26))
    moved = windows.light(probe, positions + (rows, cols), (24, 26))
    np.testing.assert_array_equal(moved, np.roll(still, (rows, cols), axis=(0, 1)))
    assert still.sum() == pytest.approx(20 * np.sum(np.abs(probe) ** 2))


@pytest.mark.parametrize(
    ("position", "shape", "origin"),
    [
        ((14.0, 26.0), (10, 12), (10, 20)),  # the canvas holds the window: nothing is done
        ((13.5, 26.0), (11, 12), (9, 20)),
        ((14.0, 23.0), (10, 13), (10, 19)),
        ((16.25, 26.0), (11, 12), (10, 20)),
        ((14.0, 30.0), (10, 14), (10, 20)),
    ],
)
def test_a_canvas_is_enlarged_where_a_window_needs_it(position, shape, origin):
    field = np.arange(1.0, 121.0).reshape(10, 12)
    found, moved = windows.enlarged(field, np.array([10, 20]), np.array([position]), 8)
    assert found.shape == shape
    assert tuple(moved.tolist()) == origin
    top, left = 10 - origin[0], 20 - origin[1]
    np.testing.assert_array_equal(found[top : top + 10, left : left + 12], field)
    assert found.sum() == field.sum()
