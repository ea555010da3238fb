"""Photons held out: both parts make the counts, and a draw is that of a frame, however it is read."""

import numpy as np
import pytest

from ptychostudy.physics.held_out import Frames, Kept, LeftOver

COUNTS = np.random.default_rng(0).poisson(np.linspace(0, 30, 70 * 6 * 5)).reshape(70, 6, 5).astype(np.uint32)
EVERY = Frames(COUNTS, np.arange(70))


def test_what_is_kept_and_what_is_left_make_the_counts():
    kept = Kept(EVERY, 0.8, seed=3)
    left = LeftOver(kept)
    assert len(kept) == len(left) == 70
    assert kept.share + left.share == pytest.approx(1)
    seen, held_out = kept[:], left[:]
    assert seen.dtype == held_out.dtype == COUNTS.dtype
    assert np.array_equal(seen + held_out, COUNTS)
    # No count went below zero, where an unsigned number would be a large one.
    assert (seen <= COUNTS).all() and (held_out <= COUNTS).all()
    assert seen.any() and held_out.any()


@pytest.mark.parametrize("size", [1, 16, 63, 64, 65])
def test_in_whatever_blocks_they_are_read(size):
    whole = Kept(EVERY, 0.6, seed=3)[:]
    for source, wanted in ((Kept(EVERY, 0.6, seed=3), whole), (LeftOver(Kept(EVERY, 0.6, 3)), COUNTS - whole)):
        blocks = [source[start : start + size] for start in range(0, 70, size)]
        assert np.array_equal(np.concatenate(blocks), wanted)


def test_the_draw_of_a_frame_does_not_ask_which_others_are_there():
    index = np.array([41, 3, 66, 4])
    some = Kept(Frames(COUNTS, index), 0.6, seed=3)[:]
    assert np.array_equal(some, Kept(EVERY, 0.6, seed=3)[:][index])


def test_each_frame_seed_and_draw_has_its_own():
    same = Frames(np.full((8, 6, 5), 50, np.uint32), np.arange(8))
    first = Kept(same, 0.5, seed=3)[:]
    assert len(np.unique(first, axis=0)) == 8
    for other in (Kept(same, 0.5, seed=3, draw=1), Kept(same, 0.5, seed=4)):
        assert (other[:] != first).mean() > 0.5


def test_what_a_bad_pixel_holds_moves_no_photon_of_another():
    """A draw takes its random numbers pixel by pixel; a hot one would take more of them than a dark one."""
    valid = np.ones((6, 5), bool)
    valid[1, 3] = valid[4, 0] = False
    draws = []
    for fill in (0, 7, 4_000_000_000):
        counts = np.where(valid, COUNTS, np.uint32(fill))
        kept = Kept(Frames(counts, np.arange(70), valid), 0.6, seed=3)
        draws.append((kept[:], LeftOver(kept)[:]))
        assert not draws[-1][0][:, ~valid].any() and not draws[-1][1][:, ~valid].any()
    for seen, left in draws:
        assert np.array_equal(seen, draws[0][0]) and np.array_equal(left, draws[0][1])
        assert seen.dtype == COUNTS.dtype


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_parts_are_poisson_with_means_in_the_ratio_of_the_shares(share):
    """Kept and left of Poisson counts are independent, each of mean and variance share times rate."""
    rng = np.random.default_rng(1)
    rate = 12.0
    frames = Frames(rng.poisson(rate, (40, 50, 50)).astype(np.uint32), np.arange(40))
    kept = Kept(frames, share, seed=5)
    seen, left = kept[:].astype(float), LeftOver(kept)[:].astype(float)
    samples = seen.size
    for part, mean in ((seen, share * rate), (left, (1 - share) * rate)):
        # Four standard errors; of a Poisson variance that is the root of (mean + 2 mean^2) / samples.
        assert part.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / samples))
        assert part.var() == pytest.approx(mean, abs=4 * np.sqrt((mean + 2 * mean**2) / samples))
    assert abs(np.corrcoef(seen.ravel(), left.ravel())[0, 1]) < 4 / np.sqrt(samples)
