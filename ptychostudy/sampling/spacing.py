"""Spacing of a scan: its distinct positions, the step of a lattice as dense, and what follows."""

import numpy as np

from ptychostudy.physics.illumination import frames_per_pixel

# The ancestor's cap on the share of accepted frames, and its smallest scan area in px^2.
_MOST_ACCEPTED = 0.10
_LEAST_AREA = 1e-6


def checked_positions(positions: np.ndarray) -> np.ndarray:
    """Return positions as (k, 2) float64.

    Raises
    ------
    ValueError
        If they have another shape or are not finite.
    """
    positions = np.asarray(positions, dtype=np.float64)
    if not _are_places(positions):
        raise ValueError(
            f"positions must be finite and of shape (k, 2), found shape {positions.shape}"
        )
    return positions


def _are_places(positions: np.ndarray) -> bool:
    """Say whether an array holds finite (row, col) pairs and nothing else."""
    pairs = positions.ndim == 2 and positions.shape[1] == 2
    return pairs and bool(np.all(np.isfinite(positions)))


def check_diameter(diameter: float) -> None:
    """Refuse the diameter of a probe, in pixels, that is not positive and finite.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not 0 < diameter < np.inf:
        raise ValueError(f"the probe diameter must be positive, found {diameter}")


def unique_positions(positions: np.ndarray) -> np.ndarray:
    """Return the distinct positions (u, 2), sorted by row, then column.

    Only exact duplicates are joined.
    """
    rows, cols = checked_positions(positions).T
    # Complex numbers sort by real, then imaginary part, much faster than rows of an array do.
    ordered = np.sort(rows + 1j * cols)
    # Not `numpy.unique`: of complex numbers it takes four times as long.
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    distinct = ordered[first]
    return np.stack([distinct.real, distinct.imag], axis=-1)


def lattice_step_px(positions: np.ndarray) -> float:
    """Return the step of a square lattice of the same density, in pixels.

    It is ``1 / sqrt(frames_per_pixel)``. Unlike a nearest-neighbour distance it does not shrink
    when the same number of positions is jittered. Exact duplicates count once; infinite when fewer
    than two distinct positions leave it undefined.
    """
    density = frames_per_pixel(unique_positions(positions))
    return float(density**-0.5) if density > 0 else np.inf


def linear_overlap(positions: np.ndarray, diameter: float) -> float:
    """Return ``1 - step / diameter`` at the `lattice_step_px`, but not below 0.

    It is the overlap that most papers quote.
    """
    return step_overlap(lattice_step_px(positions), diameter)


def step_overlap(step: float, diameter: float) -> float:
    """Return the `linear_overlap` of a lattice of a given step, both in pixels."""
    check_diameter(diameter)
    return max(0.0, 1.0 - step / diameter)


def geometry_acceptance_bound(positions: np.ndarray, diameter: float) -> float:
    """Return the share of frames that could keep a distance of one diameter.

    It is the area of the bounding box over that of all discs, at most 0.1.

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
    check_diameter(diameter)
    positions = checked_positions(positions)
    if len(positions) == 0:
        return 0.0
    discs = len(positions) * np.pi * (diameter / 2) ** 2
    return min(_box_area(positions) / discs, _MOST_ACCEPTED)


def _box_area(positions: np.ndarray) -> float:
    # A line of positions spans no area, but the bound stays above zero.
    return max(float(np.prod(np.ptp(positions, axis=0))), _LEAST_AREA)
