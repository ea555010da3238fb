"""Subsampling: exact counts, nesting, and the share that meets a wanted overlap."""

import re

import numpy as np
import pytest

from ptychostudy.physics.scans import make_scan
from ptychostudy.sampling.neighbours import mean_overlap_of_frames
from ptychostudy.sampling.subsample import solve_s_img, subsample_frames


def square(rows, cols, step):
    return np.stack(np.meshgrid(np.arange(rows) * step, np.arange(cols) * step, indexing="ij"), -1).reshape(-1, 2)


def test_subsample_counts_and_nests():
    def draw(n, share, seed=456):
        return subsample_frames(n, share, np.random.default_rng(seed))

    assert [len(draw(100, 0.5)), len(draw(50, 0.8)), len(draw(100, 0.29)), len(draw(7, 0.5)), len(draw(9, 1))] == [
        50,
        40,
        29,
        3,
        9,
    ]
    np.testing.assert_array_equal(draw(9, 1.0), np.arange(9))
    np.testing.assert_array_equal(draw(100, 0.4), draw(100, 0.4))
    assert np.all(np.diff(draw(100, 0.4)) > 0)
    assert set(draw(100, 0.3)) < set(draw(100, 0.6))
    assert not np.array_equal(draw(100, 0.4), draw(100, 0.4, seed=1))


@pytest.mark.parametrize(
    ("n", "share"), [(100, 0.0), (100, -0.1), (100, 1.01), (100, float("nan")), (3, 0.3), (0, 0.5)]
)
def test_subsample_refuses(n, share):
    with pytest.raises(ValueError, match="s_img"):
        subsample_frames(n, share, np.random.default_rng(0))


@pytest.mark.parametrize("target", [0.15, 0.4, 0.6])
@pytest.mark.parametrize("seed", [456, 7])
def test_solved_share_meets_the_target(target, seed):
    positions = square(30, 30, 6.0) + np.random.default_rng(3).uniform(-1, 1, (900, 2))
    share = solve_s_img(positions, target, 40.0, rng_seed=seed)
    kept = positions[subsample_frames(900, share, np.random.default_rng(seed))]
    assert abs(mean_overlap_of_frames(kept, 40.0) - target) <= 0.01


@pytest.mark.parametrize("seed", [1, 456])
@pytest.mark.parametrize("step", [6.0, 12.0, 24.0])
@pytest.mark.parametrize("kind", ["random", "raster", "fermat", "fly"])
def test_every_target_is_met_or_refused_with_the_range(kind, step, seed):
    positions = make_scan(kind, (32.0, 32.0), (152.0, 132.0), step, np.random.default_rng(seed))
    n, diameter = len(positions), 36.0
    order = np.random.default_rng(seed).permutation(n)
    most = mean_overlap_of_frames(positions, diameter)
    # Random targets, and those next to the largest that the scan can give.
    for target in (*np.random.default_rng(seed).uniform(0.01, 0.99, 10), most - 0.004, min(most + 0.009, 0.999)):
        try:
            share = solve_s_img(positions, target, diameter, rng_seed=seed)
        except ValueError as error:
            assert re.search(rf"range is \[0, {most:.4f}\]", str(error))
            if target < most:
                # Refused for its few frames: no number of frames that small, nor twice as large, would have met it.
                tried = [mean_overlap_of_frames(positions[order[:k]], diameter) for k in range(2, min(40, n + 1))]
                assert min(abs(value - target) for value in tried) > 0.01
            else:
                assert target > most + 0.01
        else:
            kept = positions[subsample_frames(n, share, np.random.default_rng(seed))]
            assert len(kept) > 1
            assert abs(mean_overlap_of_frames(kept, diameter) - target) <= 0.01


@pytest.mark.parametrize("target", [0.1, 0.3, 0.5])
def test_a_dense_scan_meets_every_overlap_it_exceeds(target):
    # From some 40 frames on, one frame more changes the mean by far less than 0.01: nothing is refused.
    positions = make_scan("raster", (0.0, 0.0), (400.0, 300.0), 6.0, np.random.default_rng(0))
    for seed in range(20):
        share = solve_s_img(positions, target, 36.0, rng_seed=seed)
        kept = positions[subsample_frames(len(positions), share, np.random.default_rng(seed))]
        assert abs(mean_overlap_of_frames(kept, 36.0) - target) <= 0.01


def test_solved_share_keeps_the_exact_count():
    # Shares are k / n: rounding must never lose the k-th frame.
    for n in (7, 49, 343, 1000):
        for k in range(1, n + 1):
            assert len(subsample_frames(n, k / n, np.random.default_rng(0))) == k


def test_unattainable_targets_name_the_range():
    positions = square(20, 20, 6.0)
    most = mean_overlap_of_frames(positions, 10.0)
    with pytest.raises(ValueError, match=rf"range is \[0, {most:.4f}\]"):
        solve_s_img(positions, most + 0.02, 10.0)
    assert solve_s_img(positions, most + 0.005, 10.0) == 1.0
    # Three frames in a row, 1 px apart: two or three of them overlap by 98 %, one by nothing.
    with pytest.raises(ValueError, match=r"range is \[0, 0.98\d\d\], but nothing from 0.0000 to 0.98\d\d; more frames"):
        solve_s_img(square(1, 3, 1.0), 0.5, 100.0)
    with pytest.raises(ValueError, match=r"range is \[0, 0.0000\]"):
        solve_s_img(square(1, 1, 1.0), 0.5, 100.0)
    # One frame has an overlap of 0, but no neighbour: it is no answer to a target of nearly nothing.
    with pytest.raises(ValueError, match="not attainable within 0.01"):
        solve_s_img(square(1, 3, 1.0), 0.005, 100.0)
    for target in (0.0, 1.0, 1.2, -0.1, float("nan")):
        with pytest.raises(ValueError, match="in \\(0, 1\\)"):
            solve_s_img(positions, target, 10.0)
