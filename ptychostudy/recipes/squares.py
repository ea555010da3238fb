"""Squares of patches that are stitched: where they lie in the object, what their pixels weigh."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ptychostudy.formats.scan import Scan
from ptychostudy.physics.canvas import PartialCanvas, stitch_window
from ptychostudy.physics.windows import light, scan_rectangle
from ptychostudy.recipes.window import LIGHT, StitchWindow
from ptychostudy.sampling.groups import GroupGeometry, group_geometry

_DARK = 1e-3
"""Of the brightest pixel of one frame: what is lit less is not known, and weighs nothing."""


def members_of(size: int, frames: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the frames (g, C) of each group as a network takes them: grouped, or one by one.

    Parameters
    ----------
    size : int
        Frames that the network sees together.
    frames : (m,) int
        Those of the view.
    groups : (g, C) int
        Indices into `frames`.
    """
    # A network of single frames sees each frame of the view once, whatever its groups are.
    return frames[groups] if size > 1 else frames[:, None]


@dataclass(frozen=True)
class Squares:
    """The stitched squares of all patches of a cell.

    Attributes
    ----------
    positions : (k, 2) float
        Window centres (row, col) of all frames of the split.
    probe : (N, N) or (m, N, N) complex
        Probe, or its modes.
    geometry : GroupGeometry
        All groups of the cell.
    window : StitchWindow
    """

    positions: np.ndarray
    probe: np.ndarray
    geometry: GroupGeometry
    window: StitchWindow

    @classmethod
    def of(cls, source: Scan, members: np.ndarray, window: StitchWindow) -> "Squares":
        """Return the squares of the groups (g, C) of a scan's frames."""
        geometry = group_geometry(source.positions, members, source.counts.shape[-1])
        return cls(source.positions, source.whole_probe, geometry, window)

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.geometry.members)

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of a square."""
        return self.window.shape

    @property
    def inset(self) -> int:
        """Return how many pixels of a patch lie before its square, on each axis."""
        return (self.geometry.side - self.window.window_px) // 2

    @property
    def corners(self) -> np.ndarray:
        """Return the first pixel (g, 2) of each square in the object."""
        corners: np.ndarray = self.geometry.corners + self.inset
        return corners

    def canvas(self) -> PartialCanvas:
        """Return an empty canvas of the whole scan, the same for all arms of a cell."""
        # Groups are centred among their frames: half a square beyond the scan holds every patch.
        origin, shape = scan_rectangle(self.positions, self.window.window_px // 2 + 1)
        return PartialCanvas(origin, shape)

    def cut(self, patches: np.ndarray) -> np.ndarray:
        """Return the squares (..., M, M) of patches (..., P, P)."""
        along = slice(self.inset, self.inset + self.window.window_px)
        return patches[..., along, along]

    def weights(self, groups: np.ndarray) -> np.ndarray:
        """Return the weights (k, M, M) float32 of the squares of groups (k,), in [0, 1]."""
        if self.window.window != LIGHT:
            square = stitch_window(self.window.window_px, self.window.window)
            return np.broadcast_to(square.astype(np.float32), (len(groups), *self.shape))
        relative = self._light(groups) / self._brightest
        # At most 1, however its frames lie.
        lit = np.where(relative < _DARK, 0.0, relative / self.geometry.members.shape[1])
        return lit.astype(np.float32)

    def _light(self, groups: np.ndarray) -> np.ndarray:
        """Return the light (k, M, M) that the frames of groups (k,) put on their squares."""
        # A square further down or right sees the frame further up or left. Windows of one frame are
        # cut sooner than the frame is placed in each.
        seen = sliding_window_view(self._surrounded, self.shape)
        first = self.geometry.side + self.inset - self.geometry.offsets[groups]
        total = np.zeros((len(groups), *self.shape), dtype=seen.dtype)
        for rows, cols in np.moveaxis(first, (1, 2), (0, 1)):
            total += seen[rows, cols]
        return total

    @cached_property
    def _frame(self) -> np.ndarray:
        """Return the light (N, N) of one frame."""
        n = self.probe.shape[-1]
        return light(self.probe, np.array([[n // 2, n // 2]]), (n, n))

    @cached_property
    def _surrounded(self) -> np.ndarray:
        """Return the light of one frame with nothing around it, a patch's side wide."""
        return np.pad(self._frame, self.geometry.side)

    @cached_property
    def _brightest(self) -> float:
        """Return the light on the brightest pixel of one frame."""
        return float(self._frame.max())
