"""Pairs of squares: all that overlap where they are few, enough of all distances where they are many."""

import numpy as np
import pytest

from ptychostudy.sampling import patch_pairs


def overlapping_pairs(corners, side, **asked):
    """Return pairs (m, 2), however many squares are looked at together."""
    found = patch_pairs.overlapping_pairs(corners, side, **asked)
    pairs = np.concatenate([np.zeros((0, 2), int), *found.blocks()])
    assert len(found) == len(pairs) and found.patches == len(corners)
    return pairs


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


@pytest.mark.parametrize("size", [1, 16, 63, 64, 65])
def test_no_pair_depends_on_how_many_squares_are_looked_at_together(monkeypatch, size):
    """Where a square is chosen by later ones, and where not."""
    corners = drawn(130, (60, 25)) - 20
    expected = overlapping_pairs(corners, 15, most=12), overlapping_pairs(corners, 15, apart=np.arange(130) % 3)
    assert expected[1].tolist() == [[i, j] for i, j in all_pairs(corners, 15) if (i - j) % 3]
    monkeypatch.setattr(patch_pairs, "_SQUARES", size)
    found = overlapping_pairs(corners, 15, most=12), overlapping_pairs(corners, 15, apart=np.arange(130) % 3)
    for some, same in zip(found, expected, strict=True):
        np.testing.assert_array_equal(some, same)


def test_few_pairs_are_held_at_a_time():
    sizes = []

    def counted(blocks, dtype):
        return np.concatenate([block.astype(dtype) for block in blocks if not sizes.append(len(block))])

    corners = drawn(2000, (400, 100))
    pairs = patch_pairs.overlapping_pairs(corners, 30, most=8, keep=counted)
    assert len(pairs) > 8000
    # The first squares are chosen by many later ones.
    assert max(sizes) <= 2 * 256 * 8
