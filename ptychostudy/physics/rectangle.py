"""Rectangles of the object: a part of a field that knows where it begins."""

from collections.abc import Sequence

import numpy as np


def cut(
    field: np.ndarray,
    origin: tuple[int, int],
    rectangle_origin: tuple[int, int],
    shape: tuple[int, int],
) -> np.ndarray:
    """Cut a rectangle out of a field that knows its origin.

    Raises
    ------
    ValueError
        If the rectangle leaves the field.
    """
    row, col = (int(a) - int(b) for a, b in zip(rectangle_origin, origin, strict=True))
    if not _fits((row, col), shape, field.shape):
        raise ValueError(
            f"rectangle at {tuple(rectangle_origin)} of shape {tuple(shape)} leaves the field at "
            f"{tuple(origin)} of shape {field.shape}"
        )
    rows, cols = shape
    return field[row : row + rows, col : col + cols]


def _fits(corner: tuple[int, int], shape: tuple[int, int], whole: tuple[int, ...]) -> bool:
    """Say whether a rectangle lies inside a whole; a slice would shrink or wrap in silence."""
    row, col = corner
    rows, cols = shape
    return min(corner) >= 0 and row + rows <= whole[0] and col + cols <= whole[1]


def common(
    places: Sequence[tuple[tuple[int, int], tuple[int, ...]]],
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return origin and shape of what several rectangles, by their origins and shapes, share.

    Raises
    ------
    ValueError
        If they share nothing.
    """
    first = np.max([origin for origin, _ in places], axis=0)
    end = np.min([np.add(origin, shape) for origin, shape in places], axis=0)
    row, col = first.tolist()
    rows, cols = (end - first).tolist()
    if min(rows, cols) < 1:
        raise ValueError(f"rectangles {list(places)} share no pixel")
    return (row, col), (rows, cols)
