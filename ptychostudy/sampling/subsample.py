"""Sparser scans: keep a share of the frames, or as many as a wanted overlap needs."""

import numpy as np

from ptychostudy.sampling.overlap import mean_overlap_of_frames


def subsample_frames(n: int, s_img: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a share of the frames without replacement.

    One random order serves every share, so a sparser subsample of the same seed is part of a denser one.

    Parameters
    ----------
    n : int
        Number of frames.
    s_img : float
        Share to keep, in (0, 1].
    rng : numpy.random.Generator
        Source of the order.

    Returns
    -------
    (floor(s_img n),) int64
        Sorted frame indices.

    Raises
    ------
    ValueError
        If s_img is outside (0, 1] or no frame would be left.
    """
    if not 0 < s_img <= 1:
        raise ValueError(f"s_img must be in (0, 1], found {s_img}")
    # The allowance keeps 0.29 * 100 = 28.999999999999996 from losing a frame.
    keep = int(np.floor(s_img * n + 1e-9 * max(n, 1)))
    if keep == 0:
        raise ValueError(f"s_img {s_img} of {n} frames leaves none; at least one frame is needed")
    return np.sort(rng.permutation(n)[:keep])


def solve_s_img(
    positions: np.ndarray,
    target: float,
    diameter: float,
    *,
    rng_seed: int = 456,
    neighbor_count: int = 6,
    tolerance: float = 0.01,
) -> float:
    """Find the share of frames whose subsample has a wanted metric 2.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres in object pixels.
    target : float
        Wanted mean overlap of frames, in (0, 1).
    diameter : float
        Probe diameter in pixels.
    rng_seed : int
        Seed of `subsample_frames`: ``numpy.random.default_rng(rng_seed)``.
    neighbor_count : int
        As in `mean_overlap_of_frames`.
    tolerance : float
        Allowed difference from the target.

    Returns
    -------
    float
        ``s_img``; ``subsample_frames(k, s_img, default_rng(rng_seed))`` meets the target.

    Raises
    ------
    ValueError
        If the target is outside (0, 1) or not attainable; names the attainable range.
    """
    if not 0 < target < 1:
        raise ValueError(f"target_overlap must be in (0, 1), found {target}")
    positions = np.asarray(positions, dtype=np.float64)
    order = np.random.default_rng(rng_seed).permutation(len(positions))

    def overlap(count: int) -> float:
        return mean_overlap_of_frames(
            positions[order[:count]], diameter, neighbor_count=neighbor_count
        )

    low, high = 1, len(positions)
    lowest, highest = 0.0, overlap(high)
    most = highest
    if high < 2 or highest < target - tolerance:
        raise ValueError(
            f"target_overlap {target} is not attainable: {high} frames give {highest:.4f}, so the range is "
            f"[0, {highest:.4f}]"
        )
    while high - low > 1 and highest > target:
        middle = (low + high) // 2
        value = overlap(middle)
        low, high, lowest, highest = (
            (middle, high, value, highest) if value < target else (low, middle, lowest, value)
        )
    # One frame has no neighbour: its overlap of 0 says nothing.
    miss, count = min(
        (abs(value - target), k) for k, value in ((low, lowest), (high, highest)) if k > 1
    )
    if miss > tolerance:
        # With few frames the overlap does not rise evenly: another number of them may still fit.
        values = {k: overlap(k) for k in range(2, min(4 * high, len(positions)) + 1)}
        miss, count = min((abs(value - target), k) for k, value in values.items())
    if miss > tolerance:
        below = max((value for value in values.values() if value < target), default=0.0)
        above = min(value for value in (*values.values(), most) if value > target)
        raise ValueError(
            f"target_overlap {target} is not attainable within {tolerance:g} by the few frames it takes: the range is "
            f"[0, {most:.4f}], but nothing from {below:.4f} to {above:.4f}; more frames allow finer steps"
        )
    return count / len(positions)
