"""Scans on a grid as they are stored: stacks (ny, nx, h, w), coordinates in two axes or columns."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ptychostudy.formats.frames import frame_stack, in_order
from ptychostudy.formats.positions import BOTH, COORDINATES
from ptychostudy.intake.doubts import Doubts
from ptychostudy.io.spool import frames_first

Grid = tuple[int, int]


def flat_coordinates(
    arrays: Mapping[str, np.ndarray], grid: Grid | None, doubts: Doubts
) -> dict[str, np.ndarray]:
    """Return the coordinates of a file with one axis each, row by row of the scan.

    What is none of the shapes below is returned as it is, to be refused by who checks it.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Holds the keys `COORDINATES`, of shape (k,), (k, 1), (1, k) or (ny, nx); or (ny,) and (nx,)
        for a grid of frames.
    grid : (int, int) or None
        Rows and columns (ny, nx) of a grid of frames.
    doubts : Doubts

    Raises
    ------
    DataError
        If coordinates and frames are on grids of other shapes.
    """
    values = {key: arrays[key] for key in COORDINATES}
    shapes = [value.shape for value in values.values()]
    if grid is not None and shapes == [(grid[0],), (grid[1],)]:
        doubts.say(f"{BOTH} are the rows and the columns of a grid of {grid[0]} x {grid[1]} frames")
        rows, cols = np.meshgrid(*values.values(), indexing="ij")
        return dict(zip(COORDINATES, (rows.ravel(), cols.ravel()), strict=True))
    if any(len(shape) not in (1, 2) for shape in shapes) or all(len(each) == 1 for each in shapes):
        return values
    _check_grids(shapes, grid, doubts)
    described = ", ".join(f"{key!r} {value.shape}" for key, value in values.items())
    doubts.say(f"coordinates taken row by row: {described}")
    return {key: value.ravel() for key, value in values.items()}


def _check_grids(shapes: list[tuple[int, ...]], grid: Grid | None, doubts: Doubts) -> None:
    """Refuse coordinates on grids that are not one, or not that of the frames."""
    # Of a column the order is the only one.
    grids = {shape for shape in shapes if len(shape) == 2 and 1 not in shape}
    if grid is not None and grids:
        grids.add(grid)
    if len(grids) > 1:
        frames = "" if grid is None else f", the frames lie on {grid[0]} x {grid[1]}"
        doubts.refuse(
            f"{BOTH} have shapes {shapes[0]} and {shapes[1]}{frames}; needed: the same rows and "
            "columns of the scan in all of them"
        )


def flat_scan(
    path: str | Path, arrays: Mapping[str, np.ndarray], axes: str, doubts: Doubts
) -> tuple[dict[str, np.ndarray], str, np.ndarray]:
    """Return coordinates, and key and stack (k, h, w) of the frames, row by row of a grid.

    Parameters
    ----------
    path : str or Path
    arrays : mapping of str to ndarray
        Coordinates, and one stack of frames of three axes, or of four for a grid: (ny, nx, h, w).
    axes : {'auto', 'NHW', 'HWN'}
        Whether the scan is first or last; ``auto`` refuses a stack that fits both.
    doubts : Doubts

    Raises
    ------
    DataError
    """
    key, stack = frame_stack(path, arrays, 4)
    if stack.ndim == 3:
        coordinates = flat_coordinates(arrays, None, doubts)
        return coordinates, key, in_order(path, key, stack, _positions(coordinates), axes)
    order = _order_of_grid(key, stack.shape, arrays, axes, doubts)
    ordered = frames_first(stack if order == "NHW" else np.moveaxis(stack, (2, 3), (0, 1)))
    ny, nx, *sides = ordered.shape
    coordinates = flat_coordinates(arrays, (ny, nx), doubts)
    doubts.say(f"key {key!r} {stack.shape} is a grid of {ny} x {nx} frames, taken row by row")
    return coordinates, key, ordered.reshape(ny * nx, *sides)


def _positions(coordinates: Mapping[str, np.ndarray]) -> int:
    """Return how many positions there are, as the longer of two coordinates has it."""
    return max(int(coordinates[key].size) for key in COORDINATES)


def _order_of_grid(
    key: str,
    shape: tuple[int, ...],
    arrays: Mapping[str, np.ndarray],
    axes: str,
    doubts: Doubts,
) -> str:
    """Return whether the scan has the first two axes of a stack (NHW) or the last two (HWN)."""
    rows, cols = (int(arrays[key].size) for key in COORDINATES)
    grids = {"NHW": shape[:2], "HWN": shape[2:]}
    fitting = [
        order
        for order, (ny, nx) in grids.items()
        if axes in ("auto", order) and (rows == cols == ny * nx or (rows, cols) == (ny, nx))
    ]
    if len(fitting) != 1:
        both = "both fit" if fitting else "neither fits"
        doubts.refuse(
            f"key {key!r} has shape {shape}, taken as (ny, nx, h, w) or (h, w, ny, nx), and there "
            f"are {rows} 'ycoords' and {cols} 'xcoords': {both} (base.npz.axes: {axes}); needed: "
            "one position per frame, and base.npz.axes set to NHW or HWN where both fit"
        )
    return fitting[0]
