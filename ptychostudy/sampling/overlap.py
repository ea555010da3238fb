"""Overlap of a scan: three metrics over neighbours, and the report of a view.

Two frames overlap by the shared area of two discs of the probe's diameter. Metric 1 looks inside
groups, metric 2 at neighbouring frames, metric 3 at neighbouring groups. Neighbours come from
KD-trees, so cost grows as n log n.
"""

import numpy as np
from scipy.spatial import KDTree

from ptychostudy.physics.illumination import frames_per_pixel, hull_mask, multiplicity_map
from ptychostudy.physics.windows import scan_rectangle
from ptychostudy.sampling.spacing import (
    check_diameter,
    checked_positions,
    geometry_acceptance_bound,
    lattice_step_px,
    linear_overlap,
    unique_positions,
)

# Groups whose pairs are held in memory at a time: in a dense scan each has many neighbours.
_PAIR_CHUNK = 512

Report = dict[str, float | int | str]


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
    u = np.abs(np.asarray(distance, dtype=np.float64)) / diameter
    # From one diameter on the formula has no real value; there the overlap is that of u = 1, zero.
    u = np.clip(u, 0.0, 1.0)
    return np.asarray((np.arccos(u) - u * np.sqrt(1.0 - u * u)) * (2.0 / np.pi))


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
    distance = np.hypot(down, right)
    # Below zero, so that a member sorts before a duplicate of its position.
    own = np.arange(members.shape[1])
    distance[:, own, own] = -1.0
    return np.asarray(distance)


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
    distance, _ = KDTree(unique).query(unique, k=others)
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
    tree = KDTree(centres)
    total = 0.0
    for start in range(0, len(centres), _PAIR_CHUNK):
        chunk = KDTree(centres[start : start + _PAIR_CHUNK])
        total += _summed_overlap(chunk, start, tree, diameter)
    return total / len(centres) if len(centres) else 0.0


def _summed_overlap(chunk: KDTree, start: int, tree: KDTree, diameter: float) -> float:
    """Return the sum over some centres, from `start` on, of their mean overlap with all others."""
    pairs = chunk.sparse_distance_matrix(tree, diameter, output_type="ndarray")
    itself = pairs["i"] + start == pairs["j"]
    # The tree counts what lies exactly one diameter away, too.
    pairs = pairs[~itself & (pairs["v"] < diameter)]
    overlap = disc_overlap(pairs["v"], diameter)
    sums = np.bincount(pairs["i"], overlap, minlength=chunk.n)
    neighbours = np.bincount(pairs["i"], minlength=chunk.n)
    # The sum of a group without neighbours is zero already, whatever it is divided by.
    return float(np.sum(sums / np.maximum(neighbours, 1)))


def overlap_report(
    positions: np.ndarray,
    groups: np.ndarray,
    diameter: float,
    *,
    gridsize: int,
    s_img: float,
    n_groups: int,
    n_images_total: int,
    neighbor_count: int = 6,
    rng_seed_subsample: int = 456,
    probe: np.ndarray | None = None,
) -> Report:
    """Collect every overlap number of one view and split, ready for JSON.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres of the frames that the subsampling kept.
    groups : (G, gridsize**2) int
        Groups, as indices into ``positions``.
    diameter : float
        Probe diameter in pixels.
    gridsize, s_img, n_groups, neighbor_count, rng_seed_subsample
        Settings of the view, recorded.
    n_images_total : int
        Frames before the subsampling.
    probe : (N, N) complex, optional
        Adds ``multiplicity_min`` and ``multiplicity_p05``, taken over the hull of the positions.

    Returns
    -------
    dict
        Keys of the ancestor's ``metrics_version`` 1.0 (``metric_1_group_based_avg`` only for
        gridsize > 1) and ``linear_overlap`` and ``area_overlap`` of two discs one
        `lattice_step_px` apart, ``frames_per_pixel`` (times a dose: photons per object pixel), and
        the two multiplicities.

    Raises
    ------
    ValueError
        If there is no group, or groups do not have gridsize**2 members.
    """
    groups = np.asarray(groups)
    _check_groups(groups, gridsize)
    bound = geometry_acceptance_bound(positions, diameter)
    report: Report = {
        "metrics_version": "1.0",
        "gridsize": int(gridsize),
        "s_img": float(s_img),
        "n_groups": int(n_groups),
        "neighbor_count": int(neighbor_count),
        "probe_diameter_px": float(diameter),
        "rng_seed_subsample": int(rng_seed_subsample),
        "metric_2_image_based_avg": mean_overlap_of_frames(
            positions, diameter, neighbor_count=neighbor_count
        ),
        "metric_3_group_to_group_avg": mean_overlap_of_groups(positions, groups, diameter),
        "n_images_total": int(n_images_total),
        "n_images_subsampled": len(positions),
        "n_unique_images": len(unique_positions(positions)),
        "n_groups_actual": len(groups),
        "geometry_acceptance_bound": bound,
        "effective_min_acceptance": max(bound, 1e-6),
    }
    report |= _lattice(positions, diameter)
    # Metric 1 last, as it may be missing: a group of one frame has no fellows.
    inside = mean_overlap_in_groups(positions, groups, diameter, neighbor_count=neighbor_count)
    if inside is not None:
        report["metric_1_group_based_avg"] = inside
    if probe is not None:
        report |= _multiplicity(probe, positions)
    return report


def _check_groups(groups: np.ndarray, gridsize: int) -> None:
    if groups.ndim != 2 or groups.shape[1] != gridsize**2:
        raise ValueError(
            f"gridsize must be the root of the group size: gridsize {gridsize}, groups of shape "
            f"{groups.shape}"
        )
    if len(groups) == 0:
        raise ValueError("no groups found; an overlap report needs at least one")


def _lattice(positions: np.ndarray, diameter: float) -> Report:
    """Return the overlaps that the mean step gives, and the density of all frames."""
    step = lattice_step_px(positions)
    return {
        "linear_overlap": linear_overlap(positions, diameter),
        "area_overlap": float(disc_overlap(step, diameter)),
        "frames_per_pixel": frames_per_pixel(positions),
    }


def _multiplicity(probe: np.ndarray, positions: np.ndarray) -> Report:
    origin, shape = scan_rectangle(positions, 1)
    frames = multiplicity_map(probe, positions, origin=origin, shape=shape)
    scored = frames[hull_mask(positions, origin=origin, shape=shape)]
    # Beside the minimum a percentile, which no single pixel at a corner of the hull decides.
    return {
        "multiplicity_min": float(scored.min()),
        "multiplicity_p05": float(np.percentile(scored, 5)),
    }


def _check_neighbor_count(neighbor_count: int) -> None:
    if neighbor_count < 1:
        raise ValueError(f"neighbor_count must be at least 1, found {neighbor_count}")
