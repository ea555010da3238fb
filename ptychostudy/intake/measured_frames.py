"""Measured frames on their way in: each step refuses what is wrong, or says what it did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.frames import PHOTONS, Scale, to_counts
from ptychostudy.intake.bad_pixels import bad_pixels, bright_pixels, full_count, no_counts
from ptychostudy.intake.doubts import Doubts, placed
from ptychostudy.intake.far_field import centred, far_field
from ptychostudy.intake.frame_light import say_light
from ptychostudy.intake.masks import check_any, check_left
from ptychostudy.intake.odd_frames import judge_frames, kept_by_list, odd_frames
from ptychostudy.intake.photons import check_photons
from ptychostudy.intake.pixel_sums import pixel_sums
from ptychostudy.io.mapped import parts_of
from ptychostudy.io.spool import changed, taken

if TYPE_CHECKING:
    from ptychostudy.study.sections.npz import NpzSettings

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


@dataclass(frozen=True)
class Frames:
    """Photons of those frames that are frames.

    Attributes
    ----------
    counts : (m, N, N) uint32
        Zero frequency in the centre; 0 where pixels are not valid.
    kept : (m,) int
        Their indices in the file.
    valid : (N, N) bool
        Pixels that count photons.
    """

    counts: np.ndarray
    kept: np.ndarray
    valid: np.ndarray


def judged_frames(
    stack: Stack, scan: Mapping[str, np.ndarray], npz: "NpzSettings", doubts: Doubts
) -> Frames:
    """Return the photons of those frames that are frames, on those pixels that count.

    Parameters
    ----------
    stack : Stack
    scan : mapping of str to ndarray
        ``positions`` (k, 2) in object pixels, ``probe`` (N, N), and ``bad`` (N, N) bool: pixels
        that a mask marks or that lie ``beyond`` (N, N) the detector.
    npz : NpzSettings
    doubts : Doubts

    Raises
    ------
    DataError
    """
    k = len(stack.raw)
    named = kept_by_list(k, npz.drop_frames, doubts)
    left = stack.only(named)
    bad, saturated = _without_counts(left, scan["bad"], npz, doubts)
    check_any(bad, doubts)
    scale = _scale(npz, doubts)
    # Before frames are compared by what they hold, for until here they hold numbers.
    counts = to_counts(doubts.path, stack.key, left.raw, npz.measurement, scale, bad=bad)
    found = Frames(counts, named, ~bad)
    found = _sound(found, scan["positions"], saturated, npz, doubts)
    said = npz.centre is not None
    found, shift = _good_pixels(found, scan, said, (stack.key, scale), doubts)
    if (found.valid != ~bad).any():
        # What a hot pixel counts hides that a frame is empty, wild or a copy.
        clear = np.zeros(len(found.kept), dtype=bool)
        found = _sound(found, scan["positions"], clear, npz, doubts)
    _say_dropped(k, found.kept, doubts)
    say_light(found.counts, found.kept, doubts)
    return _rolled(found, shift)


def _sound(
    frames: Frames,
    positions: np.ndarray,
    saturated: np.ndarray,
    npz: "NpzSettings",
    doubts: Doubts,
) -> Frames:
    """Return those frames that are frames; `saturated` (m,) is known of them."""
    kinds = odd_frames(frames.counts, positions[frames.kept], saturated)
    wrong = judge_frames(kinds, frames.kept, npz.drop_frames == "auto", doubts)
    sound = np.flatnonzero(~wrong)
    return Frames(_only(frames.counts, sound), frames.kept[sound], frames.valid)


def _good_pixels(
    frames: Frames,
    scan: Mapping[str, np.ndarray],
    centre_said: bool,
    written: tuple[str, Scale],
    doubts: Doubts,
) -> tuple[Frames, tuple[int, int]]:
    """Return frames that are photons of good pixels, and how to put their centre in the middle.

    `written` is the key of the frames and what its numbers are in photons.
    """
    key, scale = written
    probe = scan["probe"]
    counts = frames.counts
    bad = ~frames.valid
    sums = pixel_sums(counts)
    check_photons((key, counts), sums, bad, scale, doubts)
    light = far_field(probe)
    loud = bright_pixels(sums, light, bad)
    shift = centred(sums.mean, probe, loud, doubts, as_said=centre_said)
    bad = bad | _found_pixels(bad_pixels(sums, light, shift, bad), key, doubts)
    # Of what lies beyond the detector was judged before: it is no mask.
    check_left(bad & ~scan["beyond"], np.roll(light, (-shift[0], -shift[1]), (0, 1)), doubts)
    if (bad != ~frames.valid).any():
        # A pixel that is no counter has no part in what all have in common.
        check_photons((key, counts), sums, bad, scale, doubts)
        for part in parts_of(counts):
            counts[part, bad] = 0
    return Frames(counts, frames.kept, ~bad), shift


def _found_pixels(kinds: Mapping[str, np.ndarray], key: str, doubts: Doubts) -> np.ndarray:
    """Return which pixels (N, N) lose their weight of those that are bad, by what they are."""
    lost = np.zeros_like(next(iter(kinds.values())))
    for kind, pixels in kinds.items():
        if pixels.any():
            lost |= _masked_or_accepted(pixels, f"key {key!r} has pixels that are {kind}", doubts)
    return lost


def _masked_or_accepted(pixels: np.ndarray, text: str, doubts: Doubts) -> np.ndarray:
    """Return which pixels (N, N) lose their weight: none that the user takes as they are."""
    if doubts.accepts("pixels"):
        doubts.doubt("pixels", f"{text}: {placed(pixels)}")
        return np.zeros_like(pixels)
    doubts.masked(pixels, text)
    return pixels


def _rolled(frames: Frames, shift: tuple[int, int]) -> Frames:
    """Return frames and their mask rolled together."""
    if not any(shift):
        return frames
    counts = changed(frames.counts, lambda part: np.roll(part, shift, axis=(1, 2)))
    return Frames(counts, frames.kept, np.roll(frames.valid, shift, (0, 1)))


def _without_counts(
    stack: Stack, bad: np.ndarray, npz: "NpzSettings", doubts: Doubts
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels (N, N) that are bad or hold no counts, and which frames (k,) are full.

    Once pixels are left out that hold the largest number of a type, others may hold that of a
    counter.
    """
    while True:
        full = npz.saturation or full_count(stack.raw, bad)
        pixels, saturated = no_counts(stack.raw, full, bad)
        if not pixels.any():
            return bad, saturated
        lost = _masked_or_accepted(pixels, _no_photons(stack, pixels, doubts), doubts)
        if not lost.any():
            return bad, saturated
        bad = bad | lost


def _no_photons(stack: Stack, pixels: np.ndarray, doubts: Doubts) -> str:
    """Say what pixels hold instead of photons; refuse numbers that are no sign of anything."""
    values = np.unique(stack.raw[0][pixels]).tolist()
    shown = ", ".join(f"{value:.10g}" for value in values[:_SHOWN])
    more = ", ..." if len(values) > _SHOWN else ""
    negative = sum(value < 0 for value in values)
    if negative > _SHOWN and not doubts.accepts("pixels"):
        doubts.refuse(
            f"key {stack.key!r} holds negative numbers of many sizes ({shown}{more}) in the same "
            f"pixels of most frames: {placed(pixels)}; needed: photons >= 0, so frames from which "
            "no background was taken, or a mask of these pixels (base.npz.mask)"
        )
    return (
        f"key {stack.key!r} holds no photons but {shown}{more} (saturated, negative or not a "
        "number) in the same pixels of most frames"
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
    return frames if len(indices) == len(frames) else taken(frames, indices)
