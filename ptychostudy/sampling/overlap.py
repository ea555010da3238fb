"""The overlap of a view: the report of every number that says how much its frames overlap.

Metric 1 looks inside groups, metric 2 at neighbouring frames, metric 3 at neighbouring groups; the
names are the ancestor's.
"""

import numpy as np

from ptychostudy.physics.illumination import frames_per_pixel, hull_mask, multiplicity_map
from ptychostudy.physics.windows import scan_rectangle
from ptychostudy.sampling.neighbours import (
    disc_overlap,
    mean_overlap_in_groups,
    mean_overlap_of_frames,
    mean_overlap_of_groups,
)
from ptychostudy.sampling.spacing import (
    geometry_acceptance_bound,
    lattice_step_px,
    step_overlap,
    unique_positions,
)

Report = dict[str, float | int | str]


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
    acceptance = _acceptance(positions, diameter)
    report: Report = {
        "metrics_version": "1.0",
        "gridsize": int(gridsize),
        "s_img": float(s_img),
        "n_groups": int(n_groups),
        "neighbor_count": int(neighbor_count),
        "probe_diameter_px": float(diameter),
        "rng_seed_subsample": int(rng_seed_subsample),
    }
    report |= _between_neighbours(positions, groups, diameter, neighbor_count)
    report |= {"n_images_total": int(n_images_total)}
    report |= _counts(positions, groups)
    report |= acceptance
    report |= _lattice(positions, diameter)
    report |= _inside_groups(positions, groups, diameter, neighbor_count)
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


def _inside_groups(
    positions: np.ndarray, groups: np.ndarray, diameter: float, neighbor_count: int
) -> Report:
    inside = mean_overlap_in_groups(positions, groups, diameter, neighbor_count=neighbor_count)
    # As in the ancestor, the key is missing and not null where a group has one frame.
    return {} if inside is None else {"metric_1_group_based_avg": inside}


def _between_neighbours(
    positions: np.ndarray, groups: np.ndarray, diameter: float, neighbor_count: int
) -> Report:
    frames = mean_overlap_of_frames(positions, diameter, neighbor_count=neighbor_count)
    return {
        "metric_2_image_based_avg": frames,
        "metric_3_group_to_group_avg": mean_overlap_of_groups(positions, groups, diameter),
    }


def _counts(positions: np.ndarray, groups: np.ndarray) -> Report:
    return {
        "n_images_subsampled": len(positions),
        "n_unique_images": len(unique_positions(positions)),
        "n_groups_actual": len(groups),
    }


def _acceptance(positions: np.ndarray, diameter: float) -> Report:
    """Return the bound, and the bound that the ancestor used: never zero."""
    bound = geometry_acceptance_bound(positions, diameter)
    return {"geometry_acceptance_bound": bound, "effective_min_acceptance": max(bound, 1e-6)}


def _lattice(positions: np.ndarray, diameter: float) -> Report:
    """Return the overlaps that the mean step gives, and the density of all frames."""
    step = lattice_step_px(positions)
    return {
        "linear_overlap": step_overlap(step, diameter),
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
        # In place, as what was selected is a copy already.
        "multiplicity_p05": float(np.percentile(scored, 5, overwrite_input=True)),
    }
