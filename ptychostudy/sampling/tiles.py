"""Tiles of a canvas: its cores lie side by side, and each is seen with a margin about it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# Cores of a canvas that is larger; multiples of what networks halve, as the margin is.
_CORE_PX = 384
_MARGIN_PX = 64
# A canvas up to here is one tile: what a network sees of it takes some hundred megabytes.
_WHOLE_PX = 512


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
    def whole(self) -> bool:
        """Whether one tile is all of the canvas."""
        return max(self.shape) <= _WHOLE_PX

    @property
    def core(self) -> tuple[int, int]:
        """Return rows and columns of a core; the last ones may reach beyond the canvas."""
        return self.shape if self.whole else (_CORE_PX, _CORE_PX)

    @property
    def margin(self) -> int:
        """Return the pixels about a core that are seen, too."""
        return 0 if self.whole else _MARGIN_PX

    @property
    def seen(self) -> tuple[int, int]:
        """Return rows and columns of what is seen of a tile."""
        rows, cols = self.core
        return rows + 2 * self.margin, cols + 2 * self.margin

    @property
    def corners(self) -> np.ndarray:
        """Return the first pixel (t, 2) of each core on the canvas, row by row."""
        first = [np.arange(0, side, core) for side, core in zip(self.shape, self.core, strict=True)]
        return np.stack(np.meshgrid(*first, indexing="ij"), axis=-1).reshape(-1, 2)

    def cut(self, image: np.ndarray) -> Iterator[np.ndarray]:
        """Yield what is seen of each tile in an image (H, W, k); beyond its edge the edge goes on.

        In the order of `corners`.
        """
        rows, cols = self.seen
        for row, col in self.corners:
            down = np.clip(np.arange(row, row + rows) - self.margin, 0, self.shape[0] - 1)
            right = np.clip(np.arange(col, col + cols) - self.margin, 0, self.shape[1] - 1)
            yield image[down[:, None], right]

    def core_of(self, seen: np.ndarray) -> np.ndarray:
        """Return the core (r, c, ...) of what is seen of a tile."""
        rows, cols = self.core
        return seen[self.margin : self.margin + rows, self.margin : self.margin + cols]

    def joined(self, cores: np.ndarray) -> np.ndarray:
        """Return the canvas (H, W) of the cores (t, r, c) of all tiles."""
        canvas = np.zeros(self.shape, dtype=cores.dtype)
        for (row, col), core in zip(self.corners, cores, strict=True):
            place = canvas[row : row + core.shape[0], col : col + core.shape[1]]
            place[...] = core[: place.shape[0], : place.shape[1]]
        return canvas
