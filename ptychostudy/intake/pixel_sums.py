"""What the pixels of a detector counted over a whole scan, gathered without a second copy of it."""

from dataclasses import dataclass

import numpy as np

from ptychostudy.io.mapped import blocks


@dataclass(frozen=True)
class PixelSums:
    """Each pixel over all frames.

    Attributes
    ----------
    frames : int
        How many.
    total, squares : (N, N) float64
        Sum of the counts, and of their squares.
    least, most : (N, N) uint32
        Smallest and largest count.
    """

    frames: int
    total: np.ndarray
    squares: np.ndarray
    least: np.ndarray
    most: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Mean frame, (N, N) float64."""
        return self.total / self.frames

    @property
    def variance(self) -> np.ndarray:
        """Variance of each pixel about its mean, (N, N) float64."""
        # Rounding can leave less than nothing of two equal numbers.
        return np.asarray(np.maximum(self.squares / self.frames - self.mean**2, 0.0))

    def of(self, pixels: np.ndarray) -> "PixelSums":
        """Return the sums of some pixels (N, N) bool, in one row."""
        return PixelSums(
            self.frames,
            self.total[pixels],
            self.squares[pixels],
            self.least[pixels],
            self.most[pixels],
        )


def pixel_sums(counts: np.ndarray) -> PixelSums:
    """Return the sums of frames (k, N, N)."""
    total = np.zeros(counts.shape[1:])
    squares = np.zeros(counts.shape[1:])
    least = most = np.asarray(counts[0])
    for part in blocks(counts):
        exact = part.astype(np.float64)
        total += exact.sum(axis=0)
        squares += (exact**2).sum(axis=0)
        least = np.minimum(least, part.min(axis=0))
        most = np.maximum(most, part.max(axis=0))
    return PixelSums(len(counts), total, squares, least, most)


def frame_totals(counts: np.ndarray) -> np.ndarray:
    """Return the counts of each frame (k,) float64 of frames (k, N, N)."""
    return np.concatenate([part.sum(axis=(1, 2), dtype=np.float64) for part in blocks(counts)])
