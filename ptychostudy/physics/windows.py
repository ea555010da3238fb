"""Windows: the N x N squares of an object under the probe; where they lie, cut out and added up.

A position is the ``(row, col)`` centre of its window, in object pixels.
"""

import numpy as np
from numpy.typing import ArrayLike


def scan_rectangle(positions: ArrayLike, margin: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return origin and shape of the rectangle of all scan positions, enlarged by a margin.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    margin : int
        Pixels added on every side.

    Returns
    -------
    origin, shape : (int, int), (int, int)
    """
    low = np.floor(np.min(positions, axis=0)).astype(int) - margin
    high = np.ceil(np.max(positions, axis=0)).astype(int) + margin
    return (int(low[0]), int(low[1])), (int(high[0] - low[0]), int(high[1] - low[1]))


def split_positions(positions: ArrayLike, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Split window centres into integer corners and sub-pixel fractions.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    n : int
        Window side in pixels.

    Returns
    -------
    corners : (k, 2) int64
        Top-left pixel of each window, ``round(position) - n // 2``.
    fractions : (k, 2) float64
        Rest in [-0.5, 0.5) pixels.
    """
    positions = np.asarray(positions, dtype=np.float64)
    centres = np.floor(positions + 0.5)
    return centres.astype(np.int64) - n // 2, positions - centres


def extract(object_: np.ndarray, corners: ArrayLike, n: int) -> np.ndarray:
    """Cut n x n windows out of an object.

    Parameters
    ----------
    object_ : (H, W) complex
        Object.
    corners : (k, 2) int
        Top-left pixels (row, col).
    n : int
        Window side.

    Returns
    -------
    (k, n, n) array
        The windows.

    Raises
    ------
    ValueError
        If a window leaves the object.
    """
    corners = np.asarray(corners)
    outside = np.any((corners < 0) | (corners + n > np.array(object_.shape)), axis=-1)
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        raise ValueError(
            f"window {first} at corner (row, col) = {tuple(int(v) for v in corners[first])} with side {n} leaves the "
            f"object of shape {object_.shape}; {int(outside.sum())} of {len(corners)} windows do"
        )
    rows = corners[:, 0, None] + np.arange(n)
    cols = corners[:, 1, None] + np.arange(n)
    return object_[rows[:, :, None], cols[:, None, :]]


def place(windows: np.ndarray, corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Add windows into an object-sized array; the adjoint of `extract`.

    Parameters
    ----------
    windows : (k, n, n) array
        Windows.
    corners : (k, 2) int
        Top-left pixels (row, col), inside ``shape``.
    shape : (int, int)
        Object shape.

    Returns
    -------
    (H, W) array
        Sum of the windows at their places.
    """
    total = np.zeros(shape, dtype=windows.dtype)
    n = windows.shape[-1]
    for window, (row, col) in zip(windows, corners, strict=True):
        total[row : row + n, col : col + n] += window
    return total


def enlarged(
    field: np.ndarray, origin: np.ndarray, positions: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pad a canvas with zeros until every window lies inside; return it and its new origin."""
    before = np.maximum(origin - np.floor(positions.min(axis=0) - n / 2).astype(int), 0)
    end = np.ceil(positions.max(axis=0) + n / 2).astype(int)
    after = np.maximum(end - (origin + np.array(field.shape)), 0)
    return np.pad(field, np.stack([before, after], axis=1)), origin - before
