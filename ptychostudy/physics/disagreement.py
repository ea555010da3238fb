"""How far patches that overlap are from each other: what they say of their own error."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ptychostudy.physics.canvas import Canvas


class Disagreement:
    """Spread of weighted patches about the canvas that they were stitched to, pixel by pixel.

    Parameters
    ----------
    canvas : Canvas
        Their weighted mean.
    """

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self._squares = np.zeros(canvas.field.shape)
        self._patches = np.zeros(canvas.field.shape, np.int32)

    def add(self, weighted: np.ndarray, corners: np.ndarray, weights: np.ndarray) -> None:
        """Take in patches, as they were stitched.

        Parameters
        ----------
        weighted : (k, n, n) complex
            Patches times their weights.
        corners : (k, 2) int
            Object pixel (row, col) of their elements [0, 0].
        weights : (k, n, n) float
        """
        n = weighted.shape[-1]
        places = corners - np.array(self.canvas.origin)
        mean = sliding_window_view(self.canvas.field, (n, n))[places[:, 0], places[:, 1]]
        lit = weights > 0
        # w (p - m): its square over the weight is w |p - m|^2.
        apart = np.abs(weighted - weights * mean) ** 2
        squares = np.where(lit, apart / np.where(lit, weights, 1.0), 0.0)
        # One by one, for patches overlap.
        for (row, col), square, seen in zip(places.tolist(), squares, lit, strict=True):
            place = np.s_[row : row + n, col : col + n]
            self._squares[place] += square
            self._patches[place] += seen

    def finish(self) -> np.ndarray:
        """Return the weighted standard deviation (H, W) float32; 0 where one patch lies alone."""
        several = self._patches > 1
        weight = np.where(several, self.canvas.coverage, 1.0)
        spread = np.sqrt(self._squares / weight)
        return np.where(several, spread, 0.0).astype(np.float32)


def root_mean_square(spread: np.ndarray, weight: np.ndarray, mask: np.ndarray) -> float:
    """Return the root mean square (rms) of a spread (H, W) on a mask, pixels weighted."""
    inside = weight[mask].astype(np.float64)
    squares = spread[mask].astype(np.float64) ** 2
    total = inside.sum()
    return float(np.sqrt(np.sum(inside * squares) / total)) if total > 0 else 0.0
