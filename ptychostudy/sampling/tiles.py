"""Tiles of a canvas: its cores lie side by side, and each is seen with a margin about it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# Of a side that is longer: its cores, and what is seen about each.
_CORE_PX = 384
_MARGIN_PX = 64
# A side up to here is not cut: what a network sees of so many squared takes some hundred megabytes.
_WHOLE_PX = 512
# What networks halve three times: else the pixels of another grid would be averaged.
_GRID_PX = 8


@dataclass(frozen=True)
class Tiles:
    """How a canvas is cut: by its shape alone, in however many jobs the tiles are computed.

    Attributes
    ----------
    shape : (int, int)
        Of the canvas.
    """

    shape: tuple[int, int]

    @property
    def core(self) -> tuple[int, int]:
        """Return rows and columns of a core; the last ones may reach beyond the canvas."""
        rows, cols = (_core_of(side) for side in self.shape)
        return rows, cols

    @property
    def margins(self) -> tuple[int, int]:
        """Return the pixels above and below, and beside a core that are seen, too."""
        rows, cols = (0 if side <= _WHOLE_PX else _MARGIN_PX for side in self.shape)
        return rows, cols

    @property
    def seen(self) -> tuple[int, int]:
        """Return rows and columns of what is seen of a tile."""
        (rows, cols), (above, beside) = self.core, self.margins
        return rows + 2 * above, cols + 2 * beside

    @property
    def corners(self) -> np.ndarray:
        """Return the first pixel (t, 2) of each core on the canvas, row by row."""
        first = [np.arange(0, side, core) for side, core in zip(self.shape, self.core, strict=True)]
        return np.stack(np.meshgrid(*first, indexing="ij"), axis=-1).reshape(-1, 2)

    def cut(self, image: np.ndarray) -> Iterator[np.ndarray]:
        """Yield what is seen of each tile in an image (H, W, k); beyond its edge the edge goes on.

        In the order of `corners`.
        """
        (rows, cols), (above, beside) = self.seen, self.margins
        for row, col in self.corners:
            down = np.clip(np.arange(row, row + rows) - above, 0, self.shape[0] - 1)
            right = np.clip(np.arange(col, col + cols) - beside, 0, self.shape[1] - 1)
            yield image[down[:, None], right]

    def core_of(self, seen: np.ndarray) -> np.ndarray:
        """Return the core (r, c, ...) of what is seen of a tile."""
        (rows, cols), (above, beside) = self.core, self.margins
        return seen[above : above + rows, beside : beside + cols]

    def joined(self, cores: np.ndarray) -> np.ndarray:
        """Return the canvas (H, W) of the cores (t, r, c) of all tiles."""
        canvas = np.zeros(self.shape, dtype=cores.dtype)
        for (row, col), core in zip(self.corners, cores, strict=True):
            place = canvas[row : row + core.shape[0], col : col + core.shape[1]]
            place[...] = core[: place.shape[0], : place.shape[1]]
        return canvas


def _core_of(side: int) -> int:
    """Return how long the cores of a side are: all alike, and as few as there can be."""
    if side <= _WHOLE_PX:
        return side
    cores = math.ceil(side / _CORE_PX)
    return _GRID_PX * math.ceil(side / cores / _GRID_PX)
