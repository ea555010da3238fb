"""The window of a cell's patches that is stitched: as the settings say, or as its scan needs it."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.scan import Scan
from ptychostudy.sampling.groups import group_geometry
from ptychostudy.sampling.stitch_width import lit_width_px, stitch_width_px

if TYPE_CHECKING:
    from ptychostudy.study.sections.infer import PatchSettings

LIGHT = "light"
"""Pixels of a patch weigh as much as its frames have lit them."""


@dataclass(frozen=True)
class StitchWindow:
    """What is stitched of each patch.

    Attributes
    ----------
    window_px : int
        Side M of the square in the middle of the patch.
    window : str
        Its weights: ``light``, or a kind of `stitch_window`.
    """

    window_px: int
    window: str

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of the square."""
        return self.window_px, self.window_px

    @property
    def record(self) -> dict[str, int | str]:
        """Return what is recorded of it, by the names of the settings."""
        return asdict(self)


def choose_window(
    settings: "PatchSettings", source: Scan, frames: np.ndarray, groups: np.ndarray
) -> StitchWindow:
    """Return the window of a cell: the same for all networks, which are compared.

    Parameters
    ----------
    settings : PatchSettings
        With ``auto`` where the scan is to say it.
    source : Scan
        Frames of the split.
    frames : (m,) int
        Those of the view.
    groups : (g, C) int
        Indices into `frames`.

    Raises
    ------
    ValueError
        If the settings name a window larger than a frame.
    """
    kind = LIGHT if settings.window == "auto" else settings.window
    if settings.window_px != "auto":
        _check_fits(settings.window_px, source)
        return StitchWindow(settings.window_px, kind)
    needed = _lit if kind == LIGHT else _needed
    # Whichever needs more: networks of single frames have their patches about each.
    both = [needed(source, frames, members) for members in (frames[groups], frames[:, None])]
    return StitchWindow(max(both), kind)


def _check_fits(side_px: int, source: Scan) -> None:
    """Refuse a window larger than a frame: where N follows the file no earlier stage could."""
    n = source.counts.shape[-1]
    if side_px > n:
        raise ValueError(
            f"infer.window_px is {side_px}, the frames have {n} x {n} pixels; "
            "needed: window_px <= N, or auto"
        )


def _lit(source: Scan, frames: np.ndarray, members: np.ndarray) -> int:
    """Return the side that holds the light of groups (g, C) of frames; of the view are ``frames``.

    At least what covers the view, for there a network may know something where light is weak.
    """
    geometry = group_geometry(source.positions, members, source.counts.shape[-1])
    lit = lit_width_px(source.whole_probe, geometry.offsets, geometry.side)
    return max(lit, _needed(source, frames, members))


def _needed(source: Scan, frames: np.ndarray, members: np.ndarray) -> int:
    """Return the side that patches of groups (g, C) of frames need."""
    geometry = group_geometry(source.positions, members, source.counts.shape[-1])
    centres = geometry.corners + geometry.side // 2
    return stitch_width_px(source.positions[frames], centres, source.probe)
