"""Pairs of overlapping patches: not more of each than its phase needs, however dense the scan."""

import numpy as np
import scipy

MOST = 64
"""Partners that each patch chooses; it is chosen by others, too."""


def overlapping_pairs(
    corners: np.ndarray, side: int, *, apart: np.ndarray | None = None, most: int = MOST
) -> np.ndarray:
    """Return pairs of squares that overlap, each once.

    Of more than ``most`` partners a square chooses some of all distances: near ones, which it has
    most in common with, and far ones, by which a large scan holds together.

    Parameters
    ----------
    corners : (k, 2) int
        First pixel (row, col) of each square.
    side : int
        Their side.
    apart : (k,) int, optional
        A number for each square: partners have another one.
    most : int
        Partners that one square chooses.

    Returns
    -------
    (m, 2) int64
        Indices, the smaller first, in ascending order.
    """
    corners = np.asarray(corners, dtype=np.int64)
    tree = scipy.spatial.KDTree(corners)
    chosen = []
    for k in range(len(corners)):
        # Squares that only touch have no pixel in common.
        near = tree.query_ball_point(corners[k], side - 1, p=np.inf, return_sorted=False)
        chosen.append(_partners(corners, k, np.array(near, dtype=np.int64), apart, most))
    first = np.repeat(np.arange(len(corners)), [len(partners) for partners in chosen])
    other = np.concatenate([np.zeros(0, np.int64), *chosen])
    # One number for each pair, of which those that chose each other have the same.
    paired = np.unique(np.minimum(first, other) * len(corners) + np.maximum(first, other))
    return np.stack(np.divmod(paired, max(1, len(corners))), axis=1)


def _partners(
    corners: np.ndarray, k: int, near: np.ndarray, apart: np.ndarray | None, most: int
) -> np.ndarray:
    """Return the partners of one square among those near it."""
    strange = near != k if apart is None else apart[near] != apart[k]
    near = near[strange]
    distance = np.sum((corners[near] - corners[k]) ** 2, axis=1)
    # Of equal distances the smaller index: the same ones every time. One number of both is sorted
    # in a fraction of the time.
    ranked = np.sort(distance * len(corners) + near)
    kept = min(most, len(near))
    evenly = np.arange(kept) * len(near) // max(kept, 1)
    chosen: np.ndarray = ranked[evenly] % len(corners)
    return chosen
