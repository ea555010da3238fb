"""The canvas that holds all windows of a scan, and how much of its light each pixel gets."""

import numpy as np

from ptychostudy.physics import windows

COVERED = 0.02
"""A pixel is covered where the scan puts at least this share of the brightest pixel's light."""

MARGIN_PX = 2
"""Pixels around the outermost windows of the scan."""


def scan_canvas(positions: np.ndarray, n: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return origin and shape of the canvas that holds all windows of a scan.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) of all frames of the split.
    n : int
        Window side.
    """
    # The nearest pixels bound the windows exactly; fractions would add a row or a column.
    centres = windows.corners(positions, 0)
    first, end = windows.extent(centres, n, MARGIN_PX)
    # A scan at the edge of its object has no room for the margin: pixels begin at 0.
    row, col = (int(pixel) for pixel in np.maximum(first, 0))
    return (row, col), (int(end[0]) - row, int(end[1]) - col)


def relative_light(probe: np.ndarray, positions: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the coverage (H, W) float32: light by that of the brightest pixel, 0 where too little.

    Parameters
    ----------
    probe : (N, N) or (k, N, N) complex
    positions : (m, 2) float
        Window centres (row, col) on the canvas.
    shape : (int, int)
        Of the canvas.
    """
    # Relative, so that the same pixels are covered at every dose.
    light = windows.light(probe, positions, shape)
    covered = light > COVERED * light.max()
    return np.where(covered, light / light.max(), 0.0).astype(np.float32)
