"""What the cut into a training and a test part has left of a user's own scan."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ptychostudy.study.sections.split import CutSettings


def cut_record(
    frames: int, parts: Mapping[str, np.ndarray], diameter_px: float, settings: "CutSettings"
) -> dict[str, Any]:
    """Return how many frames are in neither part, and why; nothing of scans made for a study.

    Parameters
    ----------
    frames : int
        Of the whole scan.
    parts : mapping of str to (k_i,) int
        Frames of each part.
    diameter_px : float
        Of the probe, the default of the guard band.
    settings : CutSettings
    """
    # Where a scan was made for its study nobody has lost what cost beam time.
    if settings.probe_width == "power":
        return {}
    guard = settings.split.guard_px
    return {
        "n_images_scan": frames,
        "n_images_in_neither_part": frames - sum(len(part) for part in parts.values()),
        "guard_px": float(diameter_px if guard is None else guard),
    }


def cut_text(record: Mapping[str, Any]) -> str:
    """Return a `cut_record` in words."""
    neither = record["n_images_in_neither_part"]
    guard = record["guard_px"]
    of_all = f"of the scan's {record['n_images_scan']} frames"
    return f"{of_all} {neither} lie in the guard band of {guard:.4g} px, in neither part"
