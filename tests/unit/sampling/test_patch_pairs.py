"""Pairs of squares: all that overlap where they are few, enough of all distances where they are many."""

import numpy as np
import pytest

from ptychostudy.sampling.patch_pairs import overlapping_pairs


def all_pairs(corners, side):
    return [
        [i, j]
        for i in range(len(corners))
        for j in range(i + 1, len(corners))
        if np.abs(corners[i] - corners[j]).max() < side
    ]


def drawn(count, span, seed=0):
    return np.random.default_rng(seed).integers(0, span, (count, 2))


@pytest.mark.parametrize("span", [(300, 40), (40, 300)])
def test_every_overlap_is_found_where_they_are_few(span):
    corners = drawn(60, span)
    assert overlapping_pairs(corners, 15).tolist() == all_pairs(corners, 15)


def test_squares_that_touch_do_not_overlap():
    assert overlapping_pairs(np.array([[0, 0], [0, 10], [9, 19]]), 10).tolist() == [[1, 2]]


@pytest.mark.parametrize("count", [0, 1])
def test_none_and_one_have_no_pairs(count):
    assert overlapping_pairs(drawn(count, 9), 5).shape == (0, 2)


def test_in_a_crowd_each_has_as_many_as_it_needs_near_and_far():
    corners = drawn(400, (90, 60))
    pairs = overlapping_pairs(corners, 40, most=12)
    every = {tuple(pair) for pair in all_pairs(corners, 40)}
    found = [tuple(pair) for pair in pairs.tolist()]
    assert len(set(found)) == len(found) and set(found) < every
    assert 6 * 400 <= len(found) <= 12 * 400
    distances = np.linalg.norm(corners[pairs[:, 0]] - corners[pairs[:, 1]], axis=1)
    assert distances.min() < 5 and distances.max() > 35
    nearest = min(every, key=lambda pair: (np.sum((corners[pair[0]] - corners[pair[1]]) ** 2), pair))
    assert nearest in found


def test_pairs_between_groups_only():
    corners, number = drawn(50, 30), np.arange(50) % 2
    pairs = overlapping_pairs(corners, 8, apart=number)
    wanted = [[i, j] for i, j in all_pairs(corners, 8) if (i - j) % 2]
    assert pairs.tolist() == wanted
