"""Overlap of a scan: three metrics over neighbours, bounds from its geometry, and the report of a view.

Two frames overlap by the shared area of two discs of the probe's diameter. Metric 1 looks inside groups, metric 2 at
neighbouring frames, metric 3 at neighbouring groups. Neighbours come from KD-trees, so cost grows as n log n.
"""

import numpy as np
from scipy.spatial import KDTree

from ptychostudy.physics.illumination import frames_per_pixel, hull_mask, multiplicity_map
from ptychostudy.physics.windows import scan_rectangle

_PAIR_CHUNK = 512


def disc_overlap(distance: np.ndarray | float, diameter: float) -> np.ndarray:
    """Return the shared area of two equal discs over the area of one.

    ``f = (2 / pi) (acos(u) - u sqrt(1 - u^2))`` with ``u = distance / diameter``, 0 from one diameter on (the lens of
    two circles, Weisstein, MathWorld, "Circle-Circle Intersection").

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
    if not 0 < diameter < np.inf:
        raise ValueError(f"the probe diameter must be positive, found {diameter}")
    u = np.clip(np.abs(np.asarray(distance, dtype=np.float64)) / diameter, 0.0, 1.0)
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
    rows, cols = _checked(positions)[groups].transpose(2, 0, 1)
    distance = np.hypot(rows[:, :, None] - rows[:, None, :], cols[:, :, None] - cols[:, None, :])
    own = np.arange(groups.shape[1])
    distance[:, own, own] = -1.0
    nearest = np.sort(distance, axis=-1)[..., 1 : neighbor_count + 1]
    return float(disc_overlap(nearest, diameter).mean())


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
    distance, _ = KDTree(unique).query(
        unique, k=np.arange(2, min(neighbor_count, len(unique) - 1) + 2)
    )
    return float(disc_overlap(distance, diameter).mean())


def mean_overlap_of_groups(positions: np.ndarray, groups: np.ndarray, diameter: float) -> float:
    """Metric 3: mean overlap of each group with all groups whose centre of mass is less than one diameter away.

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
    disc_overlap(0.0, diameter)
    centres = _checked(positions)[np.asarray(groups)].mean(axis=1)
    tree = KDTree(centres)
    total = 0.0
    for start in range(0, len(centres), _PAIR_CHUNK):
        chunk = KDTree(centres[start : start + _PAIR_CHUNK])
        pairs = chunk.sparse_distance_matrix(tree, diameter, output_type="ndarray")
        pairs = pairs[(pairs["i"] + start != pairs["j"]) & (pairs["v"] < diameter)]
        sums = np.bincount(pairs["i"], disc_overlap(pairs["v"], diameter), minlength=chunk.n)
        total += float(np.sum(sums / np.maximum(np.bincount(pairs["i"], minlength=chunk.n), 1)))
    return total / len(centres) if len(centres) else 0.0


def geometry_acceptance_bound(positions: np.ndarray, diameter: float) -> float:
    """Return the share of frames that could keep a distance of one diameter: bounding box over all discs, at most 0.1.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres in object pixels.
    diameter : float
        Required distance in pixels.

    Returns
    -------
    float
        ``min(area / (k pi (diameter / 2)^2), 0.1)``; 0 without positions.
    """
    disc_overlap(0.0, diameter)
    positions = _checked(positions)
    if len(positions) == 0:
        return 0.0
    area = max(float(np.prod(np.ptp(positions, axis=0))), 1e-6)
    return min(area / (len(positions) * np.pi * (diameter / 2) ** 2), 0.10)


def lattice_step_px(positions: np.ndarray) -> float:
    """Return the step of a square lattice of the same density, ``1 / sqrt(frames_per_pixel)``, in pixels.

    Unlike a nearest-neighbour distance it does not shrink when the same number of positions is jittered. Exact
    duplicates count once; infinite when fewer than two distinct positions leave it undefined.
    """
    density = frames_per_pixel(unique_positions(positions))
    return float(density**-0.5) if density > 0 else np.inf


def linear_overlap(positions: np.ndarray, diameter: float) -> float:
    """Return ``1 - step / diameter`` at the `lattice_step_px`, the overlap most papers quote, but not below 0."""
    disc_overlap(0.0, diameter)
    return max(0.0, 1.0 - lattice_step_px(positions) / diameter)


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
) -> dict[str, float | int | str]:
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
        Keys of the ancestor's ``metrics_version`` 1.0 (``metric_1_group_based_avg`` only for gridsize > 1) and
        ``linear_overlap`` and ``area_overlap`` of two discs one `lattice_step_px` apart, ``frames_per_pixel`` (times a
        dose: photons per object pixel), and the two multiplicities.

    Raises
    ------
    ValueError
        If there is no group, or groups do not have gridsize**2 members.
    """
    groups = np.asarray(groups)
    if groups.ndim != 2 or groups.shape[1] != gridsize**2:
        raise ValueError(
            f"gridsize must be the root of the group size: gridsize {gridsize}, groups of shape {groups.shape}"
        )
    if len(groups) == 0:
        raise ValueError("no groups found; an overlap report needs at least one")
    bound = geometry_acceptance_bound(positions, diameter)
    report: dict[str, float | int | str] = {
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
        "linear_overlap": linear_overlap(positions, diameter),
        "area_overlap": float(disc_overlap(lattice_step_px(positions), diameter)),
        "frames_per_pixel": frames_per_pixel(positions),
    }
    inside = mean_overlap_in_groups(positions, groups, diameter, neighbor_count=neighbor_count)
    if inside is not None:
        report["metric_1_group_based_avg"] = inside
    if probe is not None:
        report |= _multiplicity(probe, positions)
    return report


def _multiplicity(probe: np.ndarray, positions: np.ndarray) -> dict[str, float | int | str]:
    origin, shape = scan_rectangle(positions, 1)
    scored = multiplicity_map(probe, positions, origin=origin, shape=shape)[
        hull_mask(positions, origin=origin, shape=shape)
    ]
    return {
        "multiplicity_min": float(scored.min()),
        "multiplicity_p05": float(np.percentile(scored, 5)),
    }


def unique_positions(positions: np.ndarray) -> np.ndarray:
    """Return the distinct positions (u, 2), sorted by row, then column; only exact duplicates are joined."""
    rows, cols = _checked(positions).T
    distinct = np.unique(rows + 1j * cols)
    return np.stack([distinct.real, distinct.imag], axis=-1)


def _checked(positions: np.ndarray) -> np.ndarray:
    positions = np.asarray(positions, dtype=np.float64)
    if positions.ndim != 2 or positions.shape[1] != 2 or not np.all(np.isfinite(positions)):
        raise ValueError(
            f"positions must be finite and of shape (k, 2), found shape {positions.shape}"
        )
    return positions


def _check_neighbor_count(neighbor_count: int) -> None:
    if neighbor_count < 1:
        raise ValueError(f"neighbor_count must be at least 1, found {neighbor_count}")
