"""Cut a scan into a training and a test part that share no illuminated object pixel."""

import numpy as np
import scipy

from ptychostudy.study.names import TEST_SPLIT, TRAINING_SPLIT


def split_scan(
    positions: np.ndarray,
    diameter_px: float,
    *,
    axis: str = "y",
    fraction: float = 0.5,
    guard_px: float | None = None,
) -> dict[str, np.ndarray]:
    """Split frames along one axis and discard a guard band between the parts.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col).
    diameter_px : float
        Probe diameter; the default width of the guard band.
    axis : {'y', 'x'}
        Axis along which the scan is cut.
    fraction : float
        Position of the cut as a fraction of the scan's range; what lies before it trains.
    guard_px : float, optional
        Frames within half of this distance of the cut belong to neither part.

    Returns
    -------
    dict of str to (k_i,) int64
        Sorted frame indices of ``train`` and ``test``.

    Raises
    ------
    ValueError
        If a part would be empty.
    """
    along = np.asarray(positions)[:, 0 if axis == "y" else 1]
    cut = _cut_at(along, fraction)
    # Probes of one diameter whose centres are one diameter apart light no common pixel.
    half = (diameter_px if guard_px is None else guard_px) / 2
    parts = {
        TRAINING_SPLIT: np.flatnonzero(along < cut - half),
        TEST_SPLIT: np.flatnonzero(along > cut + half),
    }
    empty = [name for name, frames in parts.items() if len(frames) == 0]
    if empty:
        raise ValueError(
            f"the {empty[0]} part is empty: the scan spans {np.ptp(along):.1f} px along {axis}, "
            f"cut at fraction {fraction} with a guard band of {2 * half:.1f} px; "
            "needed: frames on both sides (split.fraction, split.guard_px)"
        )
    return parts


def _cut_at(along: np.ndarray, fraction: float) -> float:
    """Return the coordinate of the cut; a fraction of the range, not of the number of frames."""
    first = along.min()
    return float(first + fraction * (along.max() - first))


def shared_pixels(first: np.ndarray, second: np.ndarray, diameter_px: float) -> int:
    """Count object pixels that lie within half a diameter of a position of both parts.

    Parameters
    ----------
    first, second : (k, 2) float
        Window centres of the two parts.
    diameter_px : float
        Probe diameter.

    Returns
    -------
    int
    """
    pixels = _pixels_around(np.concatenate([first, second]), diameter_px)
    reached = _near(pixels, first, diameter_px / 2) & _near(pixels, second, diameter_px / 2)
    return int(np.count_nonzero(reached))


def _pixels_around(points: np.ndarray, margin: float) -> np.ndarray:
    """Return every whole (row, col) of the points' rectangle with a margin, (p, 2)."""
    rows, cols = (_whole_range(along, margin) for along in points.T)
    grid = np.meshgrid(rows, cols, indexing="ij")
    return np.stack(grid, axis=-1).reshape(-1, 2)


def _whole_range(values: np.ndarray, margin: float) -> np.ndarray:
    low = np.floor(values.min() - margin)
    high = np.ceil(values.max() + margin)
    return np.arange(low, high + 1)


def _near(pixels: np.ndarray, positions: np.ndarray, radius: float) -> np.ndarray:
    """Tell the pixels that lie closer than a radius to one of the positions."""
    # Where none is that close the tree reports an infinite distance.
    distance, _ = scipy.spatial.KDTree(positions).query(pixels, distance_upper_bound=radius)
    return np.asarray(distance < np.inf)
