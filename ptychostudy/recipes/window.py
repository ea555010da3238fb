"""The window of a cell's patches that is stitched: as the settings say, or as its scan needs it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.scan import Scan
from ptychostudy.sampling.groups import group_geometry
from ptychostudy.sampling.stitch_width import stitch_width_px

if TYPE_CHECKING:
    from ptychostudy.study.sections.infer import PatchSettings


@dataclass(frozen=True)
class StitchWindow:
    """What is stitched of each patch.

    Attributes
    ----------
    side_px : int
        Side M of the square in the middle of the patch.
    kind : str
        Its weights, see `stitch_window`.
    chosen : bool
        Whether the scan said so, and not the settings.
    """

    side_px: int
    kind: str
    chosen: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns."""
        return self.side_px, self.side_px

    @property
    def record(self) -> dict[str, dict[str, int | str]]:
        """Return what is recorded of it; nothing where the settings say it."""
        if not self.chosen:
            return {}
        return {"stitching": {"window_px": self.side_px, "window": self.kind}}


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
    if settings.window_px != "auto":
        _check_fits(settings.window_px, source)
        kind = "uniform" if settings.window == "auto" else settings.window
        return StitchWindow(settings.window_px, kind)
    # Whichever needs more: networks of single frames have their patches about each.
    both = [_needed(source, frames, members) for members in (frames[groups], frames[:, None])]
    # Its edges, where patches know the object least, must not count as much as their middle.
    kind = "hann" if settings.window == "auto" else settings.window
    return StitchWindow(max(both), kind, chosen=True)


def _check_fits(side_px: int, source: Scan) -> None:
    """Refuse a window larger than a frame: where N follows the file no earlier stage could."""
    n = source.counts.shape[-1]
    if side_px > n:
        raise ValueError(
            f"infer.window_px is {side_px}, the frames have {n} x {n} pixels; "
            "needed: window_px <= N, or auto"
        )


def _needed(source: Scan, frames: np.ndarray, members: np.ndarray) -> int:
    """Return the side that patches of groups (g, C) of frames need."""
    geometry = group_geometry(source.positions, members, source.counts.shape[-1])
    centres = geometry.corners + geometry.side // 2
    return stitch_width_px(source.positions[frames], centres, source.probe)
