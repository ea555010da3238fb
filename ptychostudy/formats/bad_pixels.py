"""Pixels of a detector that count no photons: type maxima, stuck, hot and dead ones."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ptychostudy.formats.doubts import Doubts, placed
from ptychostudy.formats.pixel_sums import PixelSums, blocks

# What can be done about them, today.
CURE = (
    "masks are not supported yet: crop the frames to a part without them, or fill them in by "
    "another program"
)
# Counters of detectors, by their bits: what they say when they are full, in any larger type.
_COUNTER_BITS = (10, 12, 14, 16, 20, 24, 31, 32)
# A largest count that is full by chance is so once or twice.
_OFTEN = 3
# Of the frames: what most of them have at one pixel is the pixel's.
_MOST = 0.5
# A stuck pixel: so many photons are never the same in so many frames.
_STUCK_COUNT, _STUCK_FRAMES = 30, 10
# How much sharper than the probe's own far field no mean frame of an object is.
_SHARPER = 10.0
# Photons: below, a bright pixel may be chance.
_BRIGHT = 30.0
# Of a run of dead pixels between lit ones.
_RUN_PX = 4
_LIT = 100.0
# Of the light beside it: a null of the probe's far field has less.
_NULL = 0.05
# The ring of pixels two away, which a cluster of hot pixels does not reach.
_RING = [(r, c) for r in range(-2, 3) for c in range(-2, 3) if max(abs(r), abs(c)) == 2]
_Ring = list[tuple[int, int]]
_Middle = Callable[..., Any]
_BESIDE = [(r, c) for r in range(-1, 2) for c in range(-1, 2) if r or c]


def full_count(stack: np.ndarray) -> float:
    """Return the number from which on a stack of a detector's numbers is saturated.

    That is the largest number of its type, or of a common counter where the largest number of the
    stack is that one, and more than once; infinite for any other.

    Parameters
    ----------
    stack : (k, N, N) real
    """
    if stack.dtype.kind in "iu" and stack.size:
        largest = int(stack.max())
        if largest == np.iinfo(stack.dtype).max:
            return float(largest)
    else:
        largest = int(np.nanmax(stack, initial=0, where=np.isfinite(stack)))
    full = largest in [2**bits - 1 for bits in _COUNTER_BITS]
    if full and np.count_nonzero(stack == largest) >= _OFTEN:
        return float(largest)
    return np.inf


def no_counts(stack: np.ndarray, full: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which pixels hold no count in most frames, and which frames do in other pixels.

    No count is what is not finite, negative, or full.

    Parameters
    ----------
    stack : (k, N, N) real
    full : float
        Saturated from this number on.

    Returns
    -------
    pixels : (N, N) bool
    frames : (k,) bool
        Those that are full, somewhere else than at these pixels.
    """
    bad = np.zeros(stack.shape[1:], dtype=np.int64)
    for part in blocks(stack):
        bad += np.sum(~np.isfinite(part) | (part < 0) | (part >= full), axis=0)
    # Of a single frame nothing can be said of its pixels.
    pixels = bad > _MOST * len(stack) if len(stack) > 1 else np.zeros(bad.shape, dtype=bool)
    saturated = [np.any((part >= full) & ~pixels, axis=(1, 2)) for part in blocks(stack)]
    return pixels, np.concatenate(saturated)


def stuck(sums: PixelSums) -> np.ndarray:
    """Return which pixels (N, N) say the same number of many photons in every frame."""
    same: np.ndarray = (sums.least == sums.most) & (sums.least >= _STUCK_COUNT)
    if sums.frames < _STUCK_FRAMES or same.all():
        return np.zeros_like(same)
    return same


def hot(total: np.ndarray, far_field: np.ndarray) -> np.ndarray:
    """Return which pixels (N, N) are brighter than light can be beside its neighbours.

    The mean frame is the intensity of the probe's far field, smeared by that of the object. So
    nothing in it is much sharper than the probe's far field, wherever the object scatters to.

    Parameters
    ----------
    total : (N, N) float
        Counts of each pixel over all frames.
    far_field : (N, N) float
        Intensity of the probe's far field, any scale and centre.
    """
    sharp = _sharper(total, far_field, _BESIDE, np.mean)
    # A cluster or a row of hot pixels hides its members from their next neighbours.
    return np.asarray(sharp | _sharper(total, far_field, _RING, _upper_quartile))


def _upper_quartile(each: list[np.ndarray], axis: int) -> np.ndarray:
    # Not the median: half of what is around the edge of a bright disc is dark.
    return np.asarray(np.quantile(each, 0.75, axis=axis))


def _sharper(total: np.ndarray, far_field: np.ndarray, ring: _Ring, middle: _Middle) -> np.ndarray:
    around = _around(total, ring, middle)
    reference = _around(far_field, ring, middle)
    bright = far_field > 1e-3 * far_field.max()
    # Below a part in 10^12 the reference is rounding: light in one pixel, of a plane wave.
    dark = 1e-12 * far_field.max()
    sharpest = float(np.max(far_field[bright] / np.maximum(reference[bright], dark)))
    limit = _SHARPER * max(sharpest, 1.0)
    # One photon more than was counted around: none may be chance.
    marked: np.ndarray = total > limit * (around + 1) + _BRIGHT
    return marked


def _around(image: np.ndarray, ring: _Ring, middle: _Middle) -> np.ndarray:
    """Return the middle of some neighbours of each pixel, mirrored at the edges."""
    padded = np.pad(image, 2, mode="reflect")
    rows, cols = image.shape
    each = [padded[2 + r : 2 + r + rows, 2 + c : 2 + c + cols] for r, c in ring]
    return np.asarray(middle(each, axis=0))


def dead(total: np.ndarray, far_field: np.ndarray) -> np.ndarray:
    """Return which pixels (N, N) counted nothing in all frames where light must have been.

    These are whole rows and columns between lit ones, and runs of a few pixels between lit ones
    where the probe's own far field is not dark.

    Parameters
    ----------
    total, far_field : (N, N) float
        As for `hot`; the far field with its zero frequency where that of the frames is.
    """
    dark = total == 0
    rows = _dark_lines(total)
    cols = _dark_lines(total.T)
    runs = _short_runs(total, far_field) | _short_runs(total.T, far_field.T).T
    return np.asarray(dark & (rows[:, None] | cols[None, :] | runs))


def _dark_lines(total: np.ndarray) -> np.ndarray:
    """Return which rows (N,) are dark and have lit rows on both sides."""
    light = total.sum(axis=1)
    lit = np.flatnonzero(light >= _LIT)
    between = np.zeros(len(light), dtype=bool)
    if len(lit):
        between[lit[0] : lit[-1]] = True
    return np.asarray(between & (light == 0))


def _short_runs(total: np.ndarray, far_field: np.ndarray) -> np.ndarray:
    """Return which pixels are in runs down the rows, dark between two lit ends and no null."""
    marked = np.zeros(total.shape, dtype=bool)
    for length in range(1, _RUN_PX + 1):
        for first in range(1, len(total) - length):
            run = slice(first, first + length)
            ends = [first - 1, first + length]
            dark = ~total[run].any(axis=0) & (total[ends].min(axis=0) >= _LIT)
            null = far_field[run].max(axis=0) < _NULL * far_field[ends].mean(axis=0)
            marked[run] |= dark & ~null
    return marked


def check_pixels(
    sums: PixelSums, far_field: np.ndarray, shift: tuple[int, int], key: str, doubts: Doubts
) -> None:
    """Refuse frames of a detector with stuck, hot or dead pixels.

    Parameters
    ----------
    sums : PixelSums
        Of the frames as they are in the file, so that pixels have the names they have there.
    far_field : (N, N) float
        Intensity of the probe's far field, zero frequency in the centre.
    shift : (int, int)
        By which these frames must be rolled for their zero frequency to be central.
    key : str
        Where the frames come from, for the message.
    doubts : Doubts

    Raises
    ------
    DataError
    """
    # Between the four corners all would be darkness amid light.
    total = np.roll(sums.total, shift, (0, 1))
    back = (-shift[0], -shift[1])
    kinds = {
        "stuck (the same count in every frame)": stuck(sums),
        "hot (brighter than light can be beside its neighbours)": np.roll(
            hot(total, far_field), back, (0, 1)
        ),
        "dead (no photon in any frame, amid light)": np.roll(dead(total, far_field), back, (0, 1)),
    }
    for kind, pixels in kinds.items():
        if pixels.any():
            doubts.doubt(
                "pixels", f"key {key!r} has pixels that are {kind}: {placed(pixels)}; {CURE}"
            )
