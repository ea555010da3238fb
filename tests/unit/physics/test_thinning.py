"""Thinning by a table: the distribution itself, and draw for draw what NumPy makes of the same numbers."""

import math
from itertools import repeat

import numpy as np
import pytest

from ptychostudy.physics.thinning import Thinning

SHARES = [1e-5, 0.003, 0.01, 0.3, 0.5, 0.7, 0.999, 1.0]


def by_numpy(frame, keep, rng):
    """Return the draws of a frame as NumPy makes them, each pixel in its place of the stream."""
    large = frame * min(keep, 1 - keep) > 29
    own = np.random.Generator(np.random.PCG64(rng.bit_generator.random_raw()))
    kept = np.minimum(rng.binomial(np.maximum(np.where(large, 1, frame), 1), keep), frame)
    if large.any():
        kept[large] = own.binomial(frame[large], keep)
    return kept


@pytest.mark.parametrize("keep", SHARES)
@pytest.mark.parametrize("mean", [0.3, 24, 3000, 1e6])
def test_draws_are_those_of_numpy(keep, mean):
    rng = np.random.default_rng(1)
    frames = rng.poisson(mean * rng.exponential(size=(6, 24, 24))).astype(np.uint32)
    one = np.random.default_rng(5)
    expected = [by_numpy(frame, keep, one) for frame in frames]
    # In two pieces: what is left of the first, a table and a place in the stream, serves the second.
    rng, model = np.random.default_rng(5), Thinning(keep)
    found = [model.frames(frames[:2], repeat(rng)), model.frames(frames[2:], repeat(rng))]
    np.testing.assert_array_equal(np.concatenate(found), expected)
    each = model.frames(frames, (np.random.default_rng(seed) for seed in range(6)))
    for seed, (frame, kept) in enumerate(zip(frames, each, strict=True)):
        np.testing.assert_array_equal(kept, by_numpy(frame, keep, np.random.default_rng(seed)))


@pytest.mark.parametrize("bright", [4095, 4096, 4097, 9000])
def test_frames_brighter_than_the_table_are_drawn_too(bright):
    frames = np.full((2, 8, 8), 40, np.uint32)
    frames[1, 3, 4] = bright
    rng, one = np.random.default_rng(2), np.random.default_rng(2)
    expected = [by_numpy(frame, 0.003, one) for frame in frames]
    np.testing.assert_array_equal(Thinning(0.003).frames(frames, repeat(rng)), expected)


@pytest.mark.parametrize("keep", [1e-6, 0.003, 0.06, 1 / 16, 0.07, 0.3, 0.5])
def test_rows_of_the_table_hold_the_photons_that_go_there(keep):
    """As they are rounded: a pixel in another row than its own would be given another's count."""
    model = Thinning(keep)
    rows = np.arange(min(400, model._last_row()) + 1)
    first = model._first_of(rows)
    np.testing.assert_array_equal(np.floor(first * model._rows), rows)
    before = first[1:] - 1
    np.testing.assert_array_equal(np.floor(before * model._rows), rows[:-1])


@pytest.mark.parametrize("keep", [0.003, 0.2, 0.5])
def test_draws_do_not_depend_on_what_was_drawn_before(keep):
    """A table that has grown for a brighter frame answers as one that has not."""
    rng = np.random.default_rng(1)
    weak, bright = (rng.poisson(mean, (2, 16, 16)).astype(np.uint32) for mean in (3, 25 / keep))
    grown = Thinning(keep)
    grown.frames(bright, repeat(np.random.default_rng(3)))
    found = grown.frames(weak, repeat(np.random.default_rng(4)))
    np.testing.assert_array_equal(found, Thinning(keep).frames(weak, repeat(np.random.default_rng(4))))


def test_frames_large_all_over_take_their_place_in_the_stream():
    """One of them between others, and one with a small pixel among large ones."""
    rng = np.random.default_rng(6)
    frames = rng.poisson(5e4, (3, 16, 16)).astype(np.uint32)
    frames[0] = rng.poisson(4, (16, 16))
    frames[2, 3, 5] = 7
    one, stream = np.random.default_rng(8), np.random.default_rng(8)
    expected = [by_numpy(frame, 0.3, one) for frame in frames]
    np.testing.assert_array_equal(Thinning(0.3).frames(frames, repeat(stream)), expected)
    assert stream.random() == one.random()


def test_no_frames_are_no_frames():
    assert Thinning(0.5).frames(np.zeros((0, 4, 4), np.uint32), repeat(np.random.default_rng(0))).shape == (0, 4, 4)


@pytest.mark.parametrize("keep", [0.0, -0.5, 1.001, math.nan])
def test_more_than_measured_is_refused(keep):
    with pytest.raises(ValueError, match=r"can only be thinned: wanted .* needed \(0, 1\]"):
        Thinning(keep)
