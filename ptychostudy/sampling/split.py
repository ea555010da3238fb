"""Cut a scan into a training and a test part that share no illuminated object pixel."""

import numpy as np
from scipy.spatial import KDTree


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
    cut = along.min() + fraction * (along.max() - along.min())
    half = (diameter_px if guard_px is None else guard_px) / 2
    parts = {
        "train": np.flatnonzero(along < cut - half),
        "test": np.flatnonzero(along > cut + half),
    }
    for name, index in parts.items():
        if len(index) == 0:
            raise ValueError(
                f"the {name} part is empty: the scan spans {np.ptp(along):.1f} px along {axis}, "
                f"cut at fraction {fraction} with a guard band of {2 * half:.1f} px; "
                "needed: frames on both sides (split.fraction, split.guard_px)"
            )
    return parts


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
    points = np.concatenate([first, second])
    low, high = (
        np.floor(points.min(axis=0) - diameter_px),
        np.ceil(points.max(axis=0) + diameter_px),
    )
    rows, cols = np.meshgrid(
        *(np.arange(a, b + 1) for a, b in zip(low, high, strict=True)), indexing="ij"
    )
    grid = np.stack([rows.ravel(), cols.ravel()], axis=1)
    near = [
        KDTree(part).query(grid, distance_upper_bound=diameter_px / 2)[0] < np.inf
        for part in (first, second)
    ]
    return int(np.count_nonzero(near[0] & near[1]))
