"""How far patches that overlap are from each other: what they say of their own error."""

import numpy as np

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

    def add(self, weighted: np.ndarray, corner: np.ndarray, weights: np.ndarray) -> None:
        """Take in a patch, as it was stitched.

        Parameters
        ----------
        weighted : (n, n) complex
            The patch times its weights.
        corner : (2,) int
            Object pixel (row, col) of its element [0, 0].
        weights : (n, n) float
        """
        n = len(weighted)
        row, col = np.asarray(corner) - np.array(self.canvas.origin)
        place = np.s_[row : row + n, col : col + n]
        lit = weights > 0
        # w (p - m): its square over the weight is w |p - m|^2.
        apart = np.abs(weighted - weights * self.canvas.field[place]) ** 2
        self._squares[place] += np.where(lit, apart / np.where(lit, weights, 1.0), 0.0)
        self._patches[place] += lit

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
