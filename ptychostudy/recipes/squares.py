"""Squares of patches that are stitched: where they lie in the object, what their pixels weigh."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

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
        lit = np.array([self._light(group) for group in groups]).reshape(-1, *self.shape)
        return lit.astype(np.float32)

    def _light(self, group: int) -> np.ndarray:
        """Return the light (M, M) that the frames of a group put on its square, at most 1."""
        n = self.probe.shape[-1]
        side = self.geometry.side
        centres = self.geometry.offsets[group] + n // 2
        power = self.cut(light(self.probe, centres, (side, side)))
        relative = power / self._brightest
        # At most 1, however its frames lie.
        return np.where(relative < _DARK, 0.0, relative / len(centres))

    @cached_property
    def _brightest(self) -> float:
        """Return the light on the brightest pixel of one frame."""
        n = self.probe.shape[-1]
        middle = np.array([[n // 2, n // 2]])
        return float(light(self.probe, middle, (n, n)).max())
