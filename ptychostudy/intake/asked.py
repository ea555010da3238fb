"""What a study asks of a scan that it is given: frames on both sides of the cut, and photons."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.intake.doubts import Doubts
from ptychostudy.physics.counts import mean_counts
from ptychostudy.physics.probe_width import bright_diameter_px
from ptychostudy.sampling.split import split_scan

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import SourceSettings
    from ptychostudy.study.sections.split import SplitSettings

# Of the frames: more than these have no reason to be thrown away.
_MOST_DROPPED = 0.5
# The study cuts by the probe that explains the frames best, which is not known yet.
_GIVEN = ", as wide as the given probe; the study's is as wide as that of the reference"


def check_asked(
    scan: dict[str, np.ndarray],
    settings: "SourceSettings",
    source: str | Path,
    doubts: Doubts | None = None,
) -> None:
    """Say how a scan will be cut, and refuse what later stages could not do with it.

    Parameters
    ----------
    scan : dict of str to ndarray
        ``positions`` (k, 2), ``probe`` (N, N) and, where they are measured, ``counts`` (k, N, N).
    settings : SourceSettings
        ``split``, and the ``doses`` that measured frames are thinned to.
    source : str or Path
        The file that it was read from.
    doubts : Doubts, optional
        To be filled with what is said; default refuses what ``base.npz.accept`` does not name.

    Raises
    ------
    DataError
        If a part is empty, most frames are dropped, or a part holds fewer photons than a dose.
    """
    split = settings.split
    if split is None:
        return
    doubts = doubts or Doubts(source, tuple(settings.npz.accept))
    width = bright_diameter_px(scan["probe"])
    try:
        parts = split_scan(scan["positions"], width, **dict(split))
    except ValueError as error:
        doubts.refuse(str(error))
    frames = len(scan["positions"])
    text = _dropped_text(parts, frames, width, split)
    if settings.frames == "measured" and split.guard_px is None:
        text += _GIVEN
    _check_dropped(parts, frames, text, doubts)
    if settings.doses and "counts" in scan:
        _check_doses(scan["counts"], parts, settings.doses, doubts)
    doubts.log()


def _dropped_text(
    parts: dict[str, np.ndarray], frames: int, width: float, split: "SplitSettings"
) -> str:
    """Say how many frames each part has, and how wide the guard band is between them."""
    kept = {name: len(index) for name, index in parts.items()}
    dropped = frames - sum(kept.values())
    shares = ", ".join(f"{name} {number}" for name, number in kept.items())
    guard = width if split.guard_px is None else split.guard_px
    return (
        f"of {frames} frames {shares}, and {dropped} ({dropped / frames:.0%}) in neither part: "
        f"they lie in the guard band of {guard:.4g} px about the cut along {split.axis}"
    )


def _check_dropped(parts: dict[str, np.ndarray], frames: int, text: str, doubts: Doubts) -> None:
    """Say how many frames are dropped; refuse a guard band that takes most of them."""
    dropped = frames - sum(len(index) for index in parts.values())
    if dropped > _MOST_DROPPED * frames:
        doubts.doubt("guard", f"{text}; needed: at most half of them there (split.guard_px)")
    else:
        doubts.say(text)


def _check_doses(
    counts: np.ndarray, parts: dict[str, np.ndarray], doses: list[int], doubts: Doubts
) -> None:
    """Refuse doses above what was measured, before anything is made of the frames."""
    measured = {name: mean_counts(counts, index) for name, index in parts.items()}
    least = min(measured.values())
    if max(doses) > least:
        held = ", ".join(f"{photons:.6g} in {name}" for name, photons in measured.items())
        doubts.refuse(
            f"holds {held} photons per frame, but simulate.doses asks for {max(doses)}; "
            f"needed: at most {int(least)}"
        )
