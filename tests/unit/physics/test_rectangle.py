"""Rectangles of the object: cut by their origins, and what several of them share."""

import numpy as np
import pytest

from ptychostudy.physics.rectangle import common, cut


def test_rectangle_is_cut_by_origin():
    # Each pixel holds its own object coordinates, so that any wrong offset shows.
    rows, cols = np.mgrid[10:30, 50:90]
    numbered = rows + 1j * cols
    found = cut(numbered, (10, 50), (13, 61), (4, 6))
    np.testing.assert_array_equal(found, rows[3:7, 11:17] + 1j * cols[3:7, 11:17])
    assert found[0, 0] == 13 + 61j
    np.testing.assert_array_equal(cut(numbered, (10, 50), (10, 50), (20, 40)), numbered)


@pytest.mark.parametrize("origin", [(9, 60), (12, 49), (27, 60), (12, 85)])
def test_rectangle_outside_the_field_is_refused(origin):
    with pytest.raises(ValueError, match=r"leaves the field at \(10, 50\) of shape \(20, 40\)"):
        cut(np.zeros((20, 40)), (10, 50), origin, (4, 6))


def test_what_rectangles_share():
    places = [((3, -7), (20, 30)), ((-2, 4), (11, 9)), ((0, 0), (40, 40))]
    # Rows 3 to 9, columns 4 to 13.
    assert common(places) == ((3, 4), (6, 9))
    assert common(places[:1]) == ((3, -7), (20, 30))


@pytest.mark.parametrize("origin", [(23, 0), (0, 23), (-5, 0)])
def test_rectangles_that_share_nothing_are_refused(origin):
    with pytest.raises(ValueError, match="share no pixel"):
        common([((3, 3), (20, 20)), (origin, (5, 5))])
