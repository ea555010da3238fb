"""Masks of a detector in a user's file: which key, which polarity, and what they mark."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ptychostudy.formats.mask_keys import BAD_KEYS, GOOD_KEYS, MASK_KEYS
from ptychostudy.intake.doubts import Doubts
from ptychostudy.io.mapped import blocks
from ptychostudy.io.spool import frames_first

AUTO, MARKS_BAD, MARKS_GOOD = "auto", "bad", "good"
# Of the pixels, and of the probe's own light: a mask that takes more leaves no scan.
_MOST_MASKED = 0.5


@dataclass(frozen=True)
class MaskFile:
    """A file of its own for the mask.

    Attributes
    ----------
    path : Path
    arrays : dict of str to ndarray
        What it holds, by key; one of another name than `MASK_KEYS` may mark either kind.
    """

    path: Path
    arrays: dict[str, np.ndarray]


def meaning(key: str, mask: np.ndarray, marks: str = AUTO) -> str:
    """Return whether marked pixels are bad or good.

    Of a key that programs understand in both ways the rarer value is the bad one, unless `marks`
    says which: where all are equal none is, for a detector without a good pixel has no frames.

    Parameters
    ----------
    key : str
        One of `MASK_KEYS`, or any other name.
    mask : array of numbers
    marks : {'auto', 'bad', 'good'}

    Returns
    -------
    {'bad', 'good'}
    """
    if key in BAD_KEYS:
        return MARKS_BAD
    if key in GOOD_KEYS:
        return MARKS_GOOD
    if marks != AUTO:
        return marks
    return MARKS_BAD if _share(mask) <= 0.5 else MARKS_GOOD


def _share(mask: np.ndarray) -> float:
    """Return which share of a mask is not 0."""
    if not mask.size:
        return np.nan
    return sum(int(np.count_nonzero(part)) for part in blocks(mask)) / mask.size


def bad_by(key: str, mask: np.ndarray, marks: str = AUTO) -> np.ndarray:
    """Return which elements of a mask are bad; see `meaning`."""
    return _bad_by_meaning(mask, meaning(key, mask, marks))


def _bad_by_meaning(mask: np.ndarray, wanted: str) -> np.ndarray:
    return np.asarray(mask != 0) if wanted == MARKS_BAD else np.asarray(mask == 0)


def given_mask(
    arrays: Mapping[str, np.ndarray], frames: tuple[int, ...], marks: str, doubts: Doubts
) -> np.ndarray:
    """Return the pixels (N, N) bool that the masks of a file mark as bad, and say which.

    What several of them mark is bad by any; so is what a stack of masks marks in any frame.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        What is in the file; keys that are none of `MASK_KEYS` are masks only of a `MaskFile`.
    frames : (k, N, N)
        Shape of the frames.
    marks : {'auto', 'bad', 'good'}
        What is marked under a key that programs understand in both ways.
    doubts : Doubts

    Raises
    ------
    DataError
        If one is no mask of such frames.
    """
    bad = np.zeros(frames[1:], dtype=bool)
    for key, mask in arrays.items():
        bad |= _marked(key, mask, frames, marks, doubts)
    return bad


def of_mask_keys(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return those arrays of a file that are masks by their names."""
    return {key: arrays[key] for key in MASK_KEYS if key in arrays}


def _marked(
    key: str, mask: np.ndarray, frames: tuple[int, ...], marks: str, doubts: Doubts
) -> np.ndarray:
    """Return the pixels (N, N) that one mask marks as bad in any frame."""
    stack = _in_order(key, mask, frames, doubts)
    _check_values(key, stack, doubts)
    _check_weights(key, stack, doubts)
    _check_halves(key, stack, marks, doubts)
    wanted = meaning(key, stack, marks)
    pixels = np.zeros(stack.shape[1:], dtype=bool)
    always = np.ones_like(pixels)
    for part in blocks(stack):
        each = _bad_by_meaning(part, wanted)
        pixels |= each.any(axis=0)
        always &= each.all(axis=0)
    if not pixels.any():
        doubts.say(f"key {key!r} marks no bad pixel")
        return pixels
    if (pixels & ~always).any():
        doubts.say(f"key {key!r} differs between frames: bad in any of them is bad in all")
    doubts.masked(pixels, f"key {key!r} marks bad pixels{_by_what(key, stack, marks)}")
    return pixels


def _by_what(key: str, stack: np.ndarray, marks: str) -> str:
    """Say how a mask was understood where it could have been understood otherwise."""
    if key in (*BAD_KEYS, *GOOD_KEYS):
        return ""
    bad = "those that are not 0" if meaning(key, stack, marks) == MARKS_BAD else "those that are 0"
    why = "as fewer are" if marks == AUTO else f"base.npz.mask_marks: {marks}"
    return f" ({bad}: {why})"


def _in_order(key: str, mask: np.ndarray, frames: tuple[int, ...], doubts: Doubts) -> np.ndarray:
    """Return a mask as a stack (1 or k, N, N)."""
    if mask.dtype.kind in "biuf":
        if mask.shape == frames[1:]:
            return mask[None]
        if mask.shape in (frames, (1, *frames[1:])):
            return mask
        # As the frames may stand in the file themselves.
        if mask.ndim == 3 and np.moveaxis(mask, -1, 0).shape == frames:
            return frames_first(np.moveaxis(mask, -1, 0))
        # On the grid of a scan, row by row, as the frames are.
        if (
            mask.ndim == 4
            and mask.shape[2:] == frames[1:]
            and len(mask) * mask.shape[1] == frames[0]
        ):
            return mask.reshape(frames)
    doubts.refuse(
        f"key {key!r} is {mask.dtype} of shape {mask.shape}, which is no mask of frames of "
        f"shape {frames}; needed: numbers of shape {frames[1:]}, or a file without that key"
    )
    return mask


def _check_values(key: str, stack: np.ndarray, doubts: Doubts) -> None:
    wrong = sum(int(np.count_nonzero(~np.isfinite(part))) for part in blocks(stack))
    if wrong:
        doubts.refuse(
            f"key {key!r} holds {wrong} values that are NaN or infinite; needed: a mask of "
            "numbers, 0 and others"
        )


def _check_weights(key: str, stack: np.ndarray, doubts: Doubts) -> None:
    """Refuse weights; what a key of bad pixels holds are their kinds, and all of them bad."""
    weighs = key in GOOD_KEYS or (key not in BAD_KEYS and stack.dtype.kind == "f")
    if not weighs:
        return
    values = np.unique(np.concatenate([np.unique(part) for part in blocks(stack)]))
    if np.count_nonzero(values) > 1:
        doubts.doubt(
            "weights",
            f"key {key!r} weighs pixels by {values[0]:.4g} to {values[-1]:.4g}, but pixels "
            "count or do not; needed: one weight for all that do (accepted, pixels of weight 0 "
            "are masked and all others count alike), or a file without that key",
        )


def _check_halves(key: str, stack: np.ndarray, marks: str, doubts: Doubts) -> None:
    """Refuse a mask of which nothing says which half is bad."""
    either = key not in (*BAD_KEYS, *GOOD_KEYS) and marks == AUTO
    if either and _share(stack) == 0.5:
        doubts.refuse(
            f"key {key!r} marks just half of the pixels, which may be the bad or the good ones; "
            "needed: base.npz.mask_marks: bad or good"
        )


def check_any(bad: np.ndarray, doubts: Doubts) -> None:
    """Refuse a mask (N, N) that leaves no pixel."""
    if bad.all():
        doubts.refuse(
            "the mask leaves no pixel; needed: pixels that count photons. If it marks what is "
            "good: base.npz.mask_marks: good; if what is bad: bad"
        )


def check_left(bad: np.ndarray, light: np.ndarray, doubts: Doubts) -> None:
    """Refuse a mask that leaves too little of a detector.

    Parameters
    ----------
    bad : (N, N) bool
    light : (N, N) float
        Intensity of the probe's far field, where that of the frames is.
    doubts : Doubts

    Raises
    ------
    DataError
    """
    check_any(bad, doubts)
    pixels = float(bad.mean())
    lost = float(light[bad].sum() / light.sum())
    if max(pixels, lost) > _MOST_MASKED:
        doubts.doubt(
            "mask",
            f"the mask takes {pixels:.0%} of the pixels, on which {lost:.0%} of the probe's light "
            f"falls; needed: at most {_MOST_MASKED:.0%} of each. If it marks what is good: "
            "base.npz.mask_marks: good; if what is bad: bad",
        )


def say_left(valid: np.ndarray, doubts: Doubts) -> None:
    """Say how many pixels have no weight, of those (N, N) that count photons."""
    if not valid.all():
        masked = int(np.sum(~valid))
        doubts.say(f"{masked} of {valid.size} pixels are masked; doses are of the others")
        doubts.done["masked_pixels"] = masked


def marked_pixels(
    arrays: Mapping[str, np.ndarray],
    frames: tuple[int, ...],
    marks: str,
    mask: MaskFile | None,
    doubts: Doubts,
) -> np.ndarray:
    """Return which pixels (h, w) are bad by the masks in a file, or by a mask file of its own.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        What is in the file.
    frames : (k, h, w)
        Shape of its frames.
    marks : {'auto', 'bad', 'good'}
        What is marked by a mask whose name does not say.
    mask : MaskFile or None
    doubts : Doubts

    Raises
    ------
    DataError
    """
    bad = given_mask(of_mask_keys(arrays), frames, marks, doubts)
    if mask is None:
        return bad
    # A file of its own is said by its own name, and changes the same scan.
    beside = Doubts(mask.path, doubts.accepted, doubts.done)
    bad |= given_mask(mask.arrays, frames, marks, beside)
    beside.log()
    return bad
