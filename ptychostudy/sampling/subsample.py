"""Sparser scans: keep a share of the frames, or as many as a wanted overlap needs."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ptychostudy.sampling.neighbours import mean_overlap_of_frames


def subsample_frames(n: int, s_img: float, rng: np.random.Generator | None) -> np.ndarray:
    """Keep a share of the frames, see `take_frames`.

    Parameters
    ----------
    n : int
        Number of frames.
    s_img : float
        Share to keep, in (0, 1].
    rng : numpy.random.Generator, optional
        Source of the order; without it the first frames are kept.

    Returns
    -------
    (floor(s_img n),) int64
        Sorted frame indices.

    Raises
    ------
    ValueError
        If s_img is outside (0, 1] or no frame would be left.
    """
    _check_share(s_img)
    keep = _kept(n, s_img)
    if keep == 0:
        raise ValueError(f"s_img {s_img} of {n} frames leaves none; at least one frame is needed")
    return take_frames(n, keep, rng)


def take_frames(n: int, count: int, rng: np.random.Generator | None) -> np.ndarray:
    """Keep a number of the frames: drawn without replacement, or the first of the scan.

    One random order serves every number, so a sparser subsample of the same seed is part of a
    denser one.

    Parameters
    ----------
    n : int
        Number of frames.
    count : int
        How many are kept.
    rng : numpy.random.Generator, optional
        Source of the order; without it the scan's own.

    Returns
    -------
    (count,) int64
        Sorted frame indices.

    Raises
    ------
    ValueError
        If there are fewer frames, or none is wanted.
    """
    if not 1 <= count <= n:
        raise ValueError(f"n_subsample asks for {count} of {n} frames; needed: from 1 to {n}")
    order = np.arange(n) if rng is None else rng.permutation(n)
    return np.sort(order[:count])


def _check_share(s_img: float) -> None:
    if not 0 < s_img <= 1:
        raise ValueError(f"s_img must be in (0, 1], found {s_img}")


def _kept(n: int, s_img: float) -> int:
    # The allowance keeps 0.29 * 100 = 28.999999999999996 from losing a frame.
    return int(np.floor(s_img * n + 1e-9 * max(n, 1)))


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
    _check_target(target)
    positions = np.asarray(positions, dtype=np.float64)
    # The order that `subsample_frames` draws: the first of these are the frames it would keep.
    order = np.random.default_rng(rng_seed).permutation(len(positions))
    thinned = _Thinned(positions[order], diameter, neighbor_count)
    count = _solved_count(thinned, target, tolerance)
    return count / len(positions)


def _check_target(target: float) -> None:
    # Only frames at one place overlap wholly, and only frames far apart not at all.
    if not 0 < target < 1:
        raise ValueError(f"target_overlap must be in (0, 1), found {target}")


@dataclass(frozen=True)
class _Thinned:
    """A scan of which only the first frames of a random order are kept."""

    positions: np.ndarray
    diameter: float
    neighbor_count: int

    @property
    def frames(self) -> int:
        """Frames of the whole scan."""
        return len(self.positions)

    def overlap(self, count: int) -> float:
        """Return metric 2 of the first frames."""
        kept = self.positions[:count]
        return mean_overlap_of_frames(kept, self.diameter, neighbor_count=self.neighbor_count)

    def overlaps(self, counts: Iterable[int]) -> dict[int, float]:
        """Return metric 2 for each number of frames."""
        return {count: self.overlap(count) for count in counts}


def _solved_count(thinned: _Thinned, target: float, tolerance: float) -> int:
    """Return a number of frames whose overlap meets the target."""
    most = _most_overlap(thinned, target, tolerance)
    bracket = _bracket(thinned, target, most)
    miss, count = _nearest(bracket, target)
    if miss <= tolerance:
        return count
    # With few frames the overlap does not rise evenly: another number of them may still fit.
    few = thinned.overlaps(range(2, min(4 * max(bracket), thinned.frames) + 1))
    miss, count = _nearest(few, target)
    if miss <= tolerance:
        return count
    below, above = _gap([*few.values(), most], target)
    raise ValueError(
        f"target_overlap {target} is not attainable within {tolerance:g} by the few frames it "
        f"takes: the range is [0, {most:.4f}], but nothing from {below:.4f} to {above:.4f}; more "
        "frames allow finer steps"
    )


def _most_overlap(thinned: _Thinned, target: float, tolerance: float) -> float:
    """Return the overlap of all frames, which a target must not exceed."""
    most = thinned.overlap(thinned.frames)
    if thinned.frames < 2 or most < target - tolerance:
        raise ValueError(
            f"target_overlap {target} is not attainable: {thinned.frames} frames give "
            f"{most:.4f}, so the range is [0, {most:.4f}]"
        )
    return most


def _bracket(thinned: _Thinned, target: float, most: float) -> dict[int, float]:
    """Return the overlaps of two numbers of frames about the target, by number.

    They are found by halving, as the overlap rises with the number of frames but for its noise.
    """
    low = 1
    high = thinned.frames
    ends = {low: 0.0, high: most}
    while high - low > 1 and ends[high] > target:
        middle = (low + high) // 2
        ends[middle] = thinned.overlap(middle)
        if ends[middle] < target:
            low = middle
        else:
            high = middle
    return {low: ends[low], high: ends[high]}


def _nearest(overlaps: dict[int, float], target: float) -> tuple[float, int]:
    """Return how far the best number of frames misses the target, and that number."""
    # One frame has no neighbour: its overlap of 0 says nothing.
    return min((abs(value - target), count) for count, value in overlaps.items() if count > 1)


def _gap(values: list[float], target: float) -> tuple[float, float]:
    """Return the overlaps next below and above a target."""
    below = max((value for value in values if value < target), default=0.0)
    above = min(value for value in values if value > target)
    return below, above
