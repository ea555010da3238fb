"""Thinning by a table: the distribution itself, and draw for draw what NumPy makes of the same numbers."""

import math
from itertools import repeat

import numpy as np
import pytest

from ptychostudy.physics import thinning
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


@pytest.mark.parametrize(("most", "share"), [(1, 0.5), (58, 0.5), (96, 0.3), (2900, 0.01), (4096, 1e-6)])
def test_table_is_the_binomial_distribution(most, share):
    table = thinning._distributions(most, share)
    for photons in {0, 1, most // 3, most}:
        for x in range(min(photons + 1, len(table))):
            terms = [math.comb(photons, k) * share**k * (1 - share) ** (photons - k) for k in range(x + 1)]
            # The first term is a power to the 4096th at most: as many roundings.
            assert table[x, photons] == pytest.approx(math.fsum(terms), rel=1e-12)
    assert np.all(np.diff(table, axis=0) >= 0)
    assert np.all(table[-1] == 1)


def test_a_number_close_to_one_keeps_no_more_than_there_is():
    table = thinning._distributions(96, 0.3)
    photons = np.arange(97)
    last = thinning._looked_up(table, photons, np.full(97, np.nextafter(1, 0)))
    assert np.all(last <= photons)
    assert last[96] < 96 * 0.3 + 10 * math.sqrt(96 * 0.3 + 1)
    first = thinning._looked_up(table, photons, np.zeros(97))
    assert not first.any()


def test_no_frames_are_no_frames():
    assert Thinning(0.5).frames(np.zeros((0, 4, 4), np.uint32), repeat(np.random.default_rng(0))).shape == (0, 4, 4)


@pytest.mark.parametrize("keep", [0.0, -0.5, 1.001, math.nan])
def test_more_than_measured_is_refused(keep):
    with pytest.raises(ValueError, match=r"can only be thinned: wanted .* needed \(0, 1\]"):
        Thinning(keep)
