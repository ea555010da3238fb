"""Windows: the N x N squares of an object under the probe; where they lie, cut out and added up.

A position is the ``(row, col)`` centre of its window, in object pixels. All arithmetic of where a
window lies is here.
"""

import numpy as np
from numpy.typing import ArrayLike

# Whole numbers up to here survive the way from float64 to int64 with room for a window beside them.
_FARTHEST = 2.0**62


def corners(positions: ArrayLike, n: int) -> np.ndarray:
    """Return the top-left pixel of each window, ``round(position) - n // 2``.

    Halves are rounded up on either side of the origin (`numpy.rint` would take them to the even
    neighbour), so that the fractions that are left lie in [-0.5, 0.5).

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    n : int
        Window side in pixels.

    Returns
    -------
    (k, 2) int64
        First pixel (row, col). Positions too far off for an integer are brought in to 2**62, which
        is outside every object, as is one that is no number.
    """
    centres = np.floor(np.asarray(positions, dtype=np.float64) + 0.5)
    near: np.ndarray = np.nan_to_num(np.clip(centres, -_FARTHEST, _FARTHEST), nan=-_FARTHEST)
    return near.astype(np.int64) - n // 2


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
        Top-left pixel of each window, as from `corners`.
    fractions : (k, 2) float64
        Rest in [-0.5, 0.5) pixels.
    """
    positions = np.asarray(positions, dtype=np.float64)
    return corners(positions, n), positions - np.floor(positions + 0.5)


def inside(corners: np.ndarray, n: int, shape: tuple[int, ...]) -> np.ndarray:
    """Return for each window whether it lies inside an array.

    Parameters
    ----------
    corners : (k, 2) int
        Top-left pixels (row, col).
    n : int
        Window side.
    shape : (int, int)
        Rows and columns of the array.

    Returns
    -------
    (k,) bool
    """
    fits: np.ndarray = np.all((corners >= 0) & (corners + n <= np.array(shape)), axis=-1)
    return fits


def extent(positions: ArrayLike, n: int, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first pixel of the rectangle of all windows with a margin, and the pixel past it.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    n : int
        Window side; 0 for the positions themselves.
    margin : int
        Pixels added on every side.

    Returns
    -------
    first, end : (2,) int64
        (row, col). Fractions count outwards, so that windows fit however they are rounded; the
        rectangle can begin below 0.
    """
    low = np.floor(np.min(positions, axis=0)).astype(np.int64)
    high = np.ceil(np.max(positions, axis=0)).astype(np.int64)
    # An odd window has its centre in its middle: as many pixels before it as behind.
    before = n // 2
    return low - before - margin, high + (n - before) + margin


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
    first, end = extent(positions, 0, margin)
    # Plain integers, because records of a canvas are written as JSON.
    top, left = first.tolist()
    rows, cols = (end - first).tolist()
    return (top, left), (rows, cols)


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
    check_inside(corners, n, object_.shape)
    steps = np.arange(n)
    rows = corners[:, 0, None] + steps
    cols = corners[:, 1, None] + steps
    return object_[rows[:, :, None], cols[:, None, :]]


def check_inside(corners: np.ndarray, n: int, shape: tuple[int, ...]) -> None:
    """Refuse windows that leave the object: NumPy would read its other end for a negative index.

    Parameters
    ----------
    corners : (k, 2) int
        Top-left pixels (row, col).
    n : int
        Window side.
    shape : (int, int)
        Rows and columns of the object.

    Raises
    ------
    ValueError
        If a window leaves the object; which is the first, and how many do.
    """
    outside = ~inside(corners, n, shape)
    if not outside.any():
        return
    first = int(np.flatnonzero(outside)[0])
    corner = tuple(int(v) for v in corners[first])
    raise ValueError(
        f"window {first} at corner (row, col) = {corner} with side {n} leaves the object of shape "
        f"{shape}; {int(outside.sum())} of {len(corners)} windows do"
    )


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
    # In the order of the frames: a sum of floats depends on it, and results are compared by bytes.
    n = windows.shape[-1]
    for window, (row, col) in zip(windows, corners, strict=True):
        total[row : row + n, col : col + n] += window
    return total


def light(probe: np.ndarray, positions: ArrayLike, shape: tuple[int, int]) -> np.ndarray:
    """Return the light that a scan puts on each pixel: the probe's intensity over all windows.

    The probe stays on the whole pixels of its window; fractions of positions do not move it.

    Parameters
    ----------
    probe : (N, N) or (m, N, N) complex
        Probe in the window's centre, or its modes, whose intensities add.
    positions : (k, 2) float
        Window centres (row, col) in object pixels, windows inside ``shape``.
    shape : (int, int)
        Object shape.

    Returns
    -------
    (H, W) float
        Sum of ``|probe|^2``, in the precision of the probe.
    """
    n = probe.shape[-1]
    first = corners(positions, n)
    intensity = np.abs(probe) ** 2
    if probe.ndim > 2:
        intensity = intensity.sum(axis=0)
    # One intensity for all frames: a view, which takes no memory for each.
    return place(np.broadcast_to(intensity, (len(first), n, n)), first, shape)


def enlarged(
    field: np.ndarray, origin: np.ndarray, positions: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pad a canvas with zeros until every window lies inside; return it and its new origin."""
    first, end = extent(positions, n, 0)
    field_end = origin + np.array(field.shape)
    before = np.maximum(origin - first, 0)
    after = np.maximum(end - field_end, 0)
    return np.pad(field, np.stack([before, after], axis=1)), origin - before
