"""Measured frames on their way in: each step refuses what is wrong, or says what it did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.bad_pixels import CURE, check_pixels, full_count, no_counts
from ptychostudy.formats.doubts import Doubts, placed
from ptychostudy.formats.far_field import centred, far_field
from ptychostudy.formats.frame_light import say_light
from ptychostudy.formats.frames import PHOTONS, Scale, to_counts
from ptychostudy.formats.odd_frames import dropped_by_list, judge_frames, odd_frames
from ptychostudy.formats.photons import check_photons
from ptychostudy.formats.pixel_sums import pixel_sums

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import NpzSettings

# Different numbers that a message shows of pixels that count nothing.
_SHOWN = 3


@dataclass(frozen=True)
class Stack:
    """Frames as they are in the file.

    Attributes
    ----------
    key : str
        Where they are, for messages.
    raw : (k, N, N) array
        Numbers of the detector, frames first.
    """

    key: str
    raw: np.ndarray

    def only(self, indices: np.ndarray) -> "Stack":
        """Return some of the frames."""
        return Stack(self.key, _only(self.raw, indices))


def judged_frames(
    stack: Stack, scan: Mapping[str, np.ndarray], npz: "NpzSettings", doubts: Doubts
) -> tuple[np.ndarray, np.ndarray]:
    """Return the photons of those frames that are frames, and their indices in the file.

    Parameters
    ----------
    stack : Stack
    scan : mapping of str to ndarray
        ``positions`` (k, 2) in object pixels, and ``probe`` (N, N).
    npz : NpzSettings
    doubts : Doubts

    Returns
    -------
    counts : (m, N, N) uint32
        Zero frequency in the centre.
    kept : (m,) int

    Raises
    ------
    DataError
    """
    k = len(stack.raw)
    named = _kept_by_list(k, npz, doubts)
    left = stack.only(named)
    saturated = _saturated(left, npz, doubts)
    scale = _scale(npz, doubts)
    # Before frames are compared by what they hold, for until here they hold numbers.
    counts = to_counts(doubts.path, stack.key, left.raw, npz.measurement, scale)
    kinds = odd_frames(counts, scan["positions"][named], saturated)
    wrong = judge_frames(kinds, named, npz.drop_frames == "auto", doubts)
    sound = np.flatnonzero(~wrong)
    kept = named[sound]
    _say_dropped(k, kept, doubts)
    photons = _photons(_only(counts, sound), scan["probe"], stack.key, scale, doubts)
    say_light(photons, kept, doubts)
    return photons, kept


def _photons(
    counts: np.ndarray, probe: np.ndarray, key: str, scale: Scale, doubts: Doubts
) -> np.ndarray:
    """Return frames that are photons of good pixels, with their zero frequency in the centre."""
    sums = pixel_sums(counts)
    check_photons(counts, sums, key, scale, doubts)
    frames, shift = centred(counts, sums.mean, probe, doubts)
    check_pixels(sums, far_field(probe), shift, key, doubts)
    return frames


def _kept_by_list(k: int, npz: "NpzSettings", doubts: Doubts) -> np.ndarray:
    """Return the indices of the frames that the user does not leave out."""
    wanted = [] if npz.drop_frames == "auto" else npz.drop_frames
    kept = np.flatnonzero(~dropped_by_list(wanted, k, doubts))
    if len(kept) == 0:
        doubts.refuse(f"base.npz.drop_frames drops all {k} frames; needed: some that stay")
    return kept


def _saturated(stack: Stack, npz: "NpzSettings", doubts: Doubts) -> np.ndarray:
    """Return which frames (k,) are full somewhere; refuse pixels that always are."""
    full = npz.saturation or full_count(stack.raw)
    pixels, saturated = no_counts(stack.raw, full)
    if pixels.any():
        _doubt_pixels(stack, pixels, doubts)
    return saturated


def _doubt_pixels(stack: Stack, pixels: np.ndarray, doubts: Doubts) -> None:
    values = np.unique(stack.raw[0][pixels]).tolist()
    shown = ", ".join(f"{value:.10g}" for value in values[:_SHOWN])
    more = ", ..." if len(values) > _SHOWN else ""
    doubts.doubt(
        "pixels",
        f"key {stack.key!r} holds no photons but {shown}{more} (saturated, negative or not a "
        f"number) in the same pixels of most frames: {placed(pixels)}; {CURE}",
    )


def _scale(npz: "NpzSettings", doubts: Doubts) -> Scale:
    scale = Scale(npz.gain, npz.background)
    if scale != PHOTONS:
        doubts.say(f"photons are (number - {scale.background:g}) / {scale.gain:g}")
        doubts.done["photons"] = {"gain": scale.gain, "background": scale.background}
    return scale


def _say_dropped(k: int, kept: np.ndarray, doubts: Doubts) -> None:
    dropped = np.setdiff1d(np.arange(k), kept).tolist()
    if dropped:
        doubts.say(f"{len(dropped)} of {k} frames are left out, {len(kept)} stay")
        doubts.done["dropped_frames"] = dropped


def _only(frames: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return some frames; without a copy where these are all."""
    return frames if len(indices) == len(frames) else frames[indices]
