"""Masks of a detector in a user's file: which key, which polarity, and whether one is needed."""

from collections.abc import Mapping

import numpy as np

from ptychostudy.formats.bad_pixels import CURE
from ptychostudy.formats.doubts import Doubts, placed

# Marked pixels are bad.
_BAD = (
    "bad_pixels",
    "bad_pixel_mask",
    "badpixels",
    "pixel_mask",
    "hot_pixels",
    "dead_pixels",
    "detector_mask",
)
# Marked pixels are good.
_GOOD = ("valid_pixel_mask", "valid_pixels", "good_pixels", "weights", "weight", "weights2d")
# Programs do not agree on these.
_EITHER = ("mask", "masks", "Mask")
MASK_KEYS = (*_BAD, *_GOOD, *_EITHER)


def bad_by(key: str, mask: np.ndarray) -> np.ndarray:
    """Return which elements of a mask are bad.

    Of a key that programs understand in both ways the rarer value is the bad one: where all are
    equal none is, for a detector without a good pixel has no frames.

    Parameters
    ----------
    key : str
        One of `MASK_KEYS`.
    mask : array of numbers
    """
    marked = np.asarray(mask != 0)
    if key in _BAD:
        return marked
    if key in _GOOD:
        return np.asarray(~marked)
    return np.asarray(marked if marked.mean() <= 0.5 else ~marked)


def check_masks(arrays: Mapping[str, np.ndarray], frames: tuple[int, ...], doubts: Doubts) -> None:
    """Refuse a file with a mask that marks bad pixels; say that one without any is none.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        What is in the file.
    frames : (k, N, N)
        Shape of its frames.
    doubts : Doubts

    Raises
    ------
    DataError
    """
    for key in MASK_KEYS:
        if key in arrays:
            _check_mask(key, arrays[key], frames, doubts)


def _check_mask(key: str, mask: np.ndarray, frames: tuple[int, ...], doubts: Doubts) -> None:
    _check_fit(key, mask, frames, doubts)
    _check_weights(key, mask, doubts)
    bad = bad_by(key, mask)
    if not bad.any():
        doubts.say(f"key {key!r} marks no bad pixel")
        return
    pixels = np.any(bad.reshape(-1, *frames[1:]), axis=0)
    doubts.refuse(f"key {key!r} marks bad pixels: {placed(pixels)}; {CURE}, without that key")


def _check_fit(key: str, mask: np.ndarray, frames: tuple[int, ...], doubts: Doubts) -> None:
    one = frames[1:]
    fits = mask.shape in (frames, one, (1, *one))
    if not fits or mask.dtype.kind not in "biuf":
        doubts.refuse(
            f"key {key!r} is {mask.dtype} of shape {mask.shape}, which is no mask of frames of "
            f"shape {frames}; needed: numbers of shape {one}, or a file without that key"
        )


def _check_weights(key: str, mask: np.ndarray, doubts: Doubts) -> None:
    if key in _GOOD and len(np.unique(mask[mask != 0])) > 1:
        doubts.refuse(
            f"key {key!r} weighs pixels by {mask.min():.4g} to {mask.max():.4g}; weights are not "
            "supported yet; needed: one weight for all pixels, or a file without that key"
        )
