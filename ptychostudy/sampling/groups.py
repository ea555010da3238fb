"""Groups of overlapping frames: who is seen together by a network, and where on the group's canvas."""

from dataclasses import dataclass
from math import comb

import numpy as np
from scipy.spatial import KDTree

from ptychostudy.physics.windows import split_positions


def form_groups(
    positions: np.ndarray,
    size: int,
    rng: np.random.Generator,
    *,
    n_groups: int | None = None,
    neighbor_count: int = 7,
    oversample: bool = False,
    pool_size: int | None = None,
) -> np.ndarray:
    """Form groups of neighbouring frames; every group contains its seed frame.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) in pixels.
    size : int
        Frames in a group, C.
    rng : numpy.random.Generator
    n_groups : int, optional
        Wanted groups; default one for each frame.
    neighbor_count : int
        Nearest neighbours K from which the other C - 1 members are drawn.
    oversample : bool
        Allow more groups than frames (several distinct draws per seed).
    pool_size : int, optional
        Neighbours to draw from when oversampling; default ``neighbor_count``.

    Returns
    -------
    (g, C) int64
        Frame indices; members of a group in row-major order of their positions, groups in order of their seeds.

    Raises
    ------
    ValueError
        If there are fewer frames than members, K < C - 1 neighbours, or more groups than can be formed.
    """
    k = len(positions)
    wanted = k if n_groups is None else n_groups
    pool = (pool_size or neighbor_count) if oversample else neighbor_count
    _check(k, size, wanted, pool, oversample)
    if size == 1:
        seeds = np.arange(k) if wanted >= k else np.sort(rng.choice(k, wanted, replace=False))
        return seeds[:, None].astype(np.int64)
    pool = min(pool, k - 1)
    neighbours = _neighbours(positions, pool)
    if wanted <= k:
        seeds = np.arange(k) if wanted == k else np.sort(rng.choice(k, wanted, replace=False))
        picks = rng.permuted(neighbours[seeds], axis=1)[:, : size - 1]
        groups = np.concatenate([seeds[:, None], picks], axis=1)
    else:
        groups = _oversampled(neighbours, size, wanted, rng)
    return _ordered(groups, np.asarray(positions))


def _check(k: int, size: int, wanted: int, pool: int, oversample: bool) -> None:
    if k < size:
        raise ValueError(f"{k} frames cannot form a group of C={size}")
    if pool < size:
        name = "neighbor_pool_size" if oversample else "neighbor_count"
        raise ValueError(
            f"{name}={pool} < C={size}: K must be >= C (OVERSAMPLING-001: neighbor_pool_size >= C)"
        )
    if wanted < 1:
        raise ValueError(f"n_groups must be at least 1, found {wanted}")
    if wanted <= k:
        return
    most = k if size == 1 else k * comb(min(pool, k - 1), size - 1)
    if not oversample or wanted > most:
        raise ValueError(
            f"OVERSAMPLING-001: {wanted} groups asked from {k} frames; without enable_oversampling at most {k}, with "
            f"K choose C oversampling (K={pool}, C={size}, seed frame always in) at most {most}"
        )


def _neighbours(positions: np.ndarray, pool: int) -> np.ndarray:
    """Return the (k, pool) nearest other frames; a duplicate position never hides the frame itself."""
    k = len(positions)
    found = np.asarray(KDTree(positions).query(positions, k=pool + 1)[1])
    own = found == np.arange(k)[:, None]
    own[~own.any(axis=1), -1] = True
    others: np.ndarray = found[~own].reshape(k, pool)
    return others


def _oversampled(
    neighbours: np.ndarray, size: int, wanted: int, rng: np.random.Generator
) -> np.ndarray:
    k, pool = neighbours.shape
    seen: set[tuple[int, ...]] = set()
    groups: list[tuple[int, ...]] = []
    while len(groups) < wanted:
        seed = len(groups) % k if len(groups) < k else int(rng.integers(k))
        picks = rng.choice(pool, size - 1, replace=False)
        group = (seed, *sorted(int(i) for i in neighbours[seed, picks]))
        if group not in seen:
            seen.add(group)
            groups.append(group)
    return np.array(sorted(groups), dtype=np.int64)


def _ordered(groups: np.ndarray, positions: np.ndarray) -> np.ndarray:
    rows, cols = positions[groups, 0], positions[groups, 1]
    order = np.lexsort((groups, cols, rows), axis=1)
    return np.take_along_axis(groups, order, axis=1).astype(np.int64)


@dataclass(frozen=True)
class GroupGeometry:
    """Where the frames of each group lie on the group's canvas.

    Attributes
    ----------
    members : (g, C) int64
        Frame indices.
    corners : (g, 2) int64
        Object pixel (row, col) of each canvas's element [0, 0].
    offsets : (g, C, 2) int64
        Window corner minus canvas corner, between 0 and ``side - n``.
    fractions : (g, C, 2) float64
        Sub-pixel part of each position; it shifts the probe.
    side : int
        Canvas side in pixels, the same for all groups, large enough for every window.
    """

    members: np.ndarray
    corners: np.ndarray
    offsets: np.ndarray
    fractions: np.ndarray
    side: int


def group_geometry(
    positions: np.ndarray,
    members: np.ndarray,
    n: int,
    *,
    side: int | None = None,
    multiple: int = 8,
) -> GroupGeometry:
    """Place each group's windows on a common canvas size; nothing is ever clipped.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) of all frames.
    members : (g, C) int
        Frame indices of each group.
    n : int
        Window side.
    side : int, optional
        Canvas side; default the smallest multiple of ``multiple`` that holds every group.
    multiple : int
        Granularity of the default side (the networks halve the canvas three times).

    Returns
    -------
    GroupGeometry

    Raises
    ------
    ValueError
        If a given side is too small for a group.
    """
    corners, fractions = split_positions(np.asarray(positions)[members], n)
    centre = np.floor(np.mean(corners, axis=1) + 0.5).astype(np.int64)
    reach = int(np.abs(corners - centre[:, None]).max())
    needed = n + 2 * reach
    side = -(-needed // multiple) * multiple if side is None else side
    if side < needed:
        raise ValueError(
            f"group canvas of {side} px is too small: windows of {n} px reach {reach} px, needed {needed}"
        )
    origin = centre - (side - n) // 2
    return GroupGeometry(np.asarray(members), origin, corners - origin[:, None], fractions, side)
