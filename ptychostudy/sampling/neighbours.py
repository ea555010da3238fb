"""Overlap of neighbours in a scan: inside groups, between frames, between groups.

Two frames overlap by the shared area of two discs of the probe's diameter. Neighbours come from
KD-trees, so cost grows as n log n.
"""

import math
from collections.abc import Iterator

import numpy as np
import scipy

from ptychostudy.sampling.spacing import check_diameter, checked_positions, unique_positions

# Distances at a time: arrays of more than a cache holds, made anew for each step, take ten times as
# long.
_DISTANCE_CHUNK = 2**15
# Groups whose pairs are held in memory at a time, and about how many pairs: in a dense scan each
# group has many neighbours.
_PAIR_CHUNK = 512
_PAIRS = 2**16
# Of so many groups one is asked how many neighbours it has.
_COUNTED = 32


def disc_overlap(distance: np.ndarray | float, diameter: float) -> np.ndarray:
    """Return the shared area of two equal discs over the area of one.

    ``f = (2 / pi) (acos(u) - u sqrt(1 - u^2))`` with ``u = distance / diameter``, 0 from one
    diameter on (the lens of two circles, Weisstein, MathWorld, "Circle-Circle Intersection").

    Parameters
    ----------
    distance : array or float
        Distance of the centres, in pixels.
    diameter : float
        Diameter of the discs, in pixels.

    Returns
    -------
    float64 array of the shape of ``distance``
        Values in [0, 1].

    Raises
    ------
    ValueError
        If the diameter is not positive.
    """
    check_diameter(diameter)
    distances = np.asarray(distance, dtype=np.float64)
    overlap = np.empty(distances.shape)
    every, result = distances.reshape(-1), overlap.reshape(-1)
    for start in range(0, every.size, _DISTANCE_CHUNK):
        chunk = slice(start, start + _DISTANCE_CHUNK)
        result[chunk] = _lens(every[chunk], diameter)
    return overlap


def _lens(distance: np.ndarray, diameter: float) -> np.ndarray:
    # From one diameter on the lens has no real area; it is empty, as at u = 1.
    u = np.clip(np.abs(distance) / diameter, 0.0, 1.0)
    sector = np.arccos(u)
    triangle = u * np.sqrt(1.0 - u * u)
    lens: np.ndarray = sector - triangle
    return lens * (2.0 / np.pi)


def mean_overlap_in_groups(
    positions: np.ndarray, groups: np.ndarray, diameter: float, *, neighbor_count: int = 6
) -> float | None:
    """Metric 1: mean overlap of each group member with its nearest fellow members.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres in object pixels.
    groups : (G, C) int
        Frames of each group.
    diameter : float
        Probe diameter in pixels.
    neighbor_count : int
        At most so many nearest fellows count.

    Returns
    -------
    float or None
        Mean over all members of all groups; None for groups of one frame, which have no fellows.
    """
    groups = np.asarray(groups)
    _check_neighbor_count(neighbor_count)
    if groups.shape[1] == 1:
        return None
    distance = _distances(checked_positions(positions)[groups])
    nearest = np.sort(distance, axis=-1)[..., 1 : neighbor_count + 1]
    return float(disc_overlap(nearest, diameter).mean())


def _distances(members: np.ndarray) -> np.ndarray:
    """Return the distances between the members of each group, (G, C, C), -1 to themselves."""
    rows, cols = members.transpose(2, 0, 1)
    down = rows[:, :, None] - rows[:, None, :]
    right = cols[:, :, None] - cols[:, None, :]
    distance = np.asarray(np.hypot(down, right))
    # Below zero, so that a member sorts before a duplicate of its position.
    own = np.arange(members.shape[1])
    distance[:, own, own] = -1.0
    return distance


def mean_overlap_of_frames(
    positions: np.ndarray, diameter: float, *, neighbor_count: int = 6
) -> float:
    """Metric 2: mean overlap of each distinct position with its nearest others.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres in object pixels; exact duplicates count once.
    diameter : float
        Probe diameter in pixels.
    neighbor_count : int
        At most so many nearest positions count.

    Returns
    -------
    float
        Mean over all positions of the mean over their neighbours; 0 for one position or none.
    """
    _check_neighbor_count(neighbor_count)
    unique = unique_positions(positions)
    if len(unique) <= 1:
        return 0.0
    # The first neighbour that the tree finds is the position itself.
    others = np.arange(2, min(neighbor_count, len(unique) - 1) + 2)
    distance, _ = scipy.spatial.KDTree(unique).query(unique, k=others)
    return float(disc_overlap(distance, diameter).mean())


def mean_overlap_of_groups(positions: np.ndarray, groups: np.ndarray, diameter: float) -> float:
    """Metric 3: mean overlap of each group with all groups near it.

    Near is a group whose centre of mass is less than one diameter away.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres in object pixels.
    groups : (G, C) int
        Frames of each group.
    diameter : float
        Probe diameter in pixels.

    Returns
    -------
    float
        Mean over groups of the mean over their neighbours; a group without neighbours counts 0.
    """
    check_diameter(diameter)
    centres = checked_positions(positions)[np.asarray(groups)].mean(axis=1)
    if len(centres) == 0:
        return 0.0
    tree = scipy.spatial.KDTree(centres)
    total = 0.0
    for chosen in _chunks(tree, diameter):
        total += _summed_overlap(chosen, tree, diameter)
    return total / len(centres)


def _chunks(tree: "scipy.spatial.KDTree", diameter: float) -> Iterator[np.ndarray]:
    """Yield the groups (k,) whose pairs are held together, by the centres in a tree."""
    for start in range(0, tree.n, _PAIR_CHUNK):
        # Neighbours in the tree are neighbours in the scan: a chunk of centres in another order
        # may span the scan, and its tree then meets all of the other. Sorted, the sums of a scan
        # of one chunk are made in the order of its groups.
        near = tree.indices[start : start + _PAIR_CHUNK]
        # Of a few, as to count those of all takes a third of the time.
        some = tree.data[near[::_COUNTED]]
        pairs = len(near) * tree.query_ball_point(some, diameter, return_length=True).mean()
        for part in np.array_split(near, min(math.ceil(pairs / _PAIRS), len(near))):
            yield np.sort(part)


def _summed_overlap(chosen: np.ndarray, tree: "scipy.spatial.KDTree", diameter: float) -> float:
    """Return the sum over chosen centres (k,) of their mean overlap with all others."""
    first, distance = _near_pairs(chosen, tree, diameter)
    sums = np.bincount(first, disc_overlap(distance, diameter), minlength=len(chosen))
    neighbours = np.bincount(first, minlength=len(chosen))
    # The sum of a group without neighbours is zero already, whatever it is divided by.
    return float(np.sum(sums / np.maximum(neighbours, 1)))


def _near_pairs(
    chosen: np.ndarray, tree: "scipy.spatial.KDTree", diameter: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the place in `chosen` (k,) of each near pair's first group, and its distance."""
    chunk = scipy.spatial.KDTree(tree.data[chosen])
    pairs = chunk.sparse_distance_matrix(tree, diameter, output_type="ndarray")
    itself = chosen[pairs["i"]] == pairs["j"]
    # The tree counts what lies exactly one diameter away, too.
    pairs = pairs[~itself & (pairs["v"] < diameter)]
    return pairs["i"], pairs["v"]


def _check_neighbor_count(neighbor_count: int) -> None:
    if neighbor_count < 1:
        raise ValueError(f"neighbor_count must be at least 1, found {neighbor_count}")
