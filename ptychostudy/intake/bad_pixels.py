"""Pixels of a detector that count no photons: type maxima, stuck, hot and dead ones."""

from collections.abc import Callable

import numpy as np
import scipy

from ptychostudy.intake.pixel_sums import PixelSums
from ptychostudy.io.mapped import blocks

STUCK = "stuck (the same count in every frame)"
HOT = "hot (brighter than light can be beside its neighbours)"
DEAD = "dead (no photon in any frame, amid light)"
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
# Of the pixels around one, those that must count for it to be compared with them.
_FEWEST_AROUND = 3
_Ring = list[tuple[int, int]]
_Middle = Callable[[np.ndarray], np.ndarray]
_BESIDE = [(r, c) for r in range(-1, 2) for c in range(-1, 2) if r or c]


def full_count(stack: np.ndarray, bad: np.ndarray | None = None) -> float:
    """Return the number from which on a stack of a detector's numbers is saturated.

    That is the largest number of its type, or of a common counter where the largest number of the
    stack is that one, and more than once; infinite for any other.

    Parameters
    ----------
    stack : (k, N, N) real
    bad : (N, N) bool, optional
        Pixels that are not looked at.
    """
    good = _all_but(stack, bad)
    largest = _largest(stack, good)
    if stack.dtype.kind in "iu" and largest == np.iinfo(stack.dtype).max:
        return float(largest)
    counter = largest in [2**bits - 1 for bits in _COUNTER_BITS]
    times = (np.count_nonzero((part == largest) & good) for part in blocks(stack))
    return float(largest) if counter and sum(times) >= _OFTEN else np.inf


def _all_but(stack: np.ndarray, bad: np.ndarray | None) -> np.ndarray:
    """Return the pixels (N, N) bool that are not bad."""
    return np.ones(stack.shape[1:], dtype=bool) if bad is None else np.asarray(~bad)


def _largest(stack: np.ndarray, good: np.ndarray) -> int | float:
    """Return the largest finite number of some pixels of a stack, at least 0."""
    each = (np.max(part, initial=0, where=np.isfinite(part) & good) for part in blocks(stack))
    largest = max(each, default=0)
    return int(largest) if stack.dtype.kind in "iu" else float(largest)


def no_counts(
    stack: np.ndarray, full: float, bad: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return which pixels hold no count in most frames, and which frames do in other pixels.

    No count is what is not finite, negative, or full.

    Parameters
    ----------
    stack : (k, N, N) real
    full : float
        Saturated from this number on.
    bad : (N, N) bool, optional
        Pixels that are known to be, and not looked at.

    Returns
    -------
    pixels : (N, N) bool
    frames : (k,) bool
        Those that are full, somewhere else than at these pixels.
    """
    good = _all_but(stack, bad)
    empty = sum(np.sum(_is_none(part, full), axis=0) for part in blocks(stack))
    pixels = np.asarray((empty > _MOST * len(stack)) & good)
    # Of a single frame nothing can be said of its pixels.
    if len(stack) == 1:
        pixels = np.zeros_like(pixels)
    rest = good & ~pixels
    saturated = [np.any((part >= full) & rest, axis=(1, 2)) for part in blocks(stack)]
    return pixels, np.concatenate(saturated)


def _is_none(part: np.ndarray, full: float) -> np.ndarray:
    return np.asarray(~np.isfinite(part) | (part < 0) | (part >= full))


def stuck(sums: PixelSums) -> np.ndarray:
    """Return which pixels (N, N) say the same number of many photons in every frame."""
    same: np.ndarray = (sums.least == sums.most) & (sums.least >= _STUCK_COUNT)
    if sums.frames < _STUCK_FRAMES or same.all() or not same.any():
        return np.zeros_like(same)
    # The smallest number of all is a constant that was added, which darkness shows everywhere.
    floor = sums.least[sums.most > 0].min()
    return np.asarray(same & (sums.least > floor))


def hot(total: np.ndarray, far_field: np.ndarray, bad: np.ndarray | None = None) -> np.ndarray:
    """Return which pixels (N, N) are brighter than light can be beside its neighbours.

    The mean frame is the intensity of the probe's far field, smeared by that of the object. So
    nothing in it is much sharper than the probe's far field, wherever the object scatters to.

    Parameters
    ----------
    total : (N, N) float
        Counts of each pixel over all frames.
    far_field : (N, N) float
        Intensity of the probe's far field, any scale and centre.
    bad : (N, N) bool, optional
        Pixels that are known to be, with which none is compared.
    """
    if bad is not None:
        total = np.where(bad, np.nan, total)
    sharp = _sharper(total, far_field, _BESIDE, _mean)
    # A cluster or a row of hot pixels hides its members from their next neighbours.
    return np.asarray(sharp | _sharper(total, far_field, _RING, _upper_quartile))


def _mean(each: np.ndarray) -> np.ndarray:
    """Return the mean of the known neighbours (m, N, N) of each pixel."""
    known = np.isfinite(each)
    count = known.sum(axis=0)
    return np.asarray(np.where(known, each, 0.0).sum(axis=0) / np.maximum(count, 1))


def _upper_quartile(each: np.ndarray) -> np.ndarray:
    """Return the upper quartile of the known neighbours (m, N, N) of each pixel.

    Not the median: half of what is around the edge of a bright disc is dark.
    """
    # What is not known comes last.
    ordered = np.sort(each, axis=0)
    last = np.maximum(np.isfinite(each).sum(axis=0) - 1, 0)
    place = 0.75 * last
    below = np.floor(place).astype(int)
    low, high = (
        np.take_along_axis(ordered, index[None], axis=0)[0]
        for index in (below, np.minimum(below + 1, last))
    )
    return np.asarray(low + (place - below) * (high - low))


def _sharper(total: np.ndarray, far_field: np.ndarray, ring: _Ring, middle: _Middle) -> np.ndarray:
    around = _around(total, ring, middle)
    limit = _SHARPER * max(1.0, _sharpest(far_field, ring, middle))
    # One photon more than was counted around: none may be chance.
    return np.asarray(total > limit * (around + 1) + _BRIGHT)


def _sharpest(far_field: np.ndarray, ring: _Ring, middle: _Middle) -> float:
    """Return by how much the probe's own far field is brighter than around, at most."""
    peak = far_field.max()
    around = _around(far_field, ring, middle)
    # Less is rounding: the light of a plane wave is in one pixel.
    ratio = far_field / np.maximum(around, 1e-12 * peak)
    return float(np.max(ratio[far_field > 1e-3 * peak]))


def _around(image: np.ndarray, ring: _Ring, middle: _Middle) -> np.ndarray:
    """Return the middle of some neighbours of each pixel, mirrored at the edges."""
    padded = np.pad(image, 2, mode="reflect")
    rows, cols = image.shape
    each = np.array([padded[2 + r : 2 + r + rows, 2 + c : 2 + c + cols] for r, c in ring])
    known = np.isfinite(each).sum(axis=0)
    # Nothing is brighter than what is not known.
    return np.where(known >= _FEWEST_AROUND, middle(each), np.inf)


def dead(total: np.ndarray, far_field: np.ndarray, bad: np.ndarray | None = None) -> np.ndarray:
    """Return which pixels (N, N) counted nothing in all frames where light must have been.

    These are whole rows and columns between lit ones, runs of a few pixels between lit ones where
    the probe's own far field is not dark, and what lies within light where it is bright: a stop.

    Parameters
    ----------
    total, far_field : (N, N) float
        As for `hot`; the far field with its zero frequency where that of the frames is.
    bad : (N, N) bool, optional
        Pixels that are known to be: dark as dead ones are, and none of these.
    """
    if bad is not None:
        return np.asarray(dead(np.where(bad, 0.0, total), far_field) & ~bad)
    dark = total == 0
    rows = _dark_lines(total)
    cols = _dark_lines(total.T)
    lines = rows[:, None] | cols[None, :]
    runs = _short_runs(total, far_field) | _short_runs(total.T, far_field.T).T
    return np.asarray(dark & (lines | runs | _stopped(total, far_field)))


def _stopped(total: np.ndarray, far_field: np.ndarray) -> np.ndarray:
    """Return which pixels (N, N) are in dark regions within light, where the probe is bright."""
    marked = np.zeros(total.shape, dtype=bool)
    bright = far_field >= _NULL * far_field.max()
    # Of few photons many pixels are dark by chance.
    lit = total[bright & (total > 0)]
    if len(lit) == 0 or np.median(lit) < _LIT:
        return marked
    regions = _dark_regions(total)
    for number in np.unique(regions[bright & (regions > 0)]):
        region = regions == number
        if np.median(total[scipy.ndimage.binary_dilation(region) & ~region]) >= _LIT:
            marked |= region
    return marked


def _dark_regions(total: np.ndarray) -> np.ndarray:
    """Return the numbers (N, N) of the dark regions within light, from 1; 0 for all else."""
    # What is beyond the frame is dark as well: the first region, for it begins in the corner.
    numbers, _ = scipy.ndimage.label(np.pad(total == 0, 1, constant_values=True))
    inner = np.asarray(numbers)[1:-1, 1:-1]
    return np.maximum(inner - 1, 0)


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
            marked[run] |= _dark_between(total, run, ends) & ~_null(far_field, run, ends)
    return marked


def _dark_between(total: np.ndarray, run: slice, ends: list[int]) -> np.ndarray:
    """Return in which columns (N,) some rows are dark and those at their ends lit."""
    lit = total[ends].min(axis=0) >= _LIT
    return np.asarray(lit & ~total[run].any(axis=0))


def _null(far_field: np.ndarray, run: slice, ends: list[int]) -> np.ndarray:
    """Return in which columns (N,) the probe's far field is as good as dark in some rows."""
    return np.asarray(far_field[run].max(axis=0) < _NULL * far_field[ends].mean(axis=0))


def bad_pixels(
    sums: PixelSums, far_field: np.ndarray, shift: tuple[int, int], bad: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the stuck, hot and dead pixels (N, N) of a detector, by what they are.

    Parameters
    ----------
    sums : PixelSums
        Of the frames as they are in the file, so that pixels have the names they have there.
    far_field : (N, N) float
        Intensity of the probe's far field, zero frequency in the centre.
    shift : (int, int)
        By which these frames must be rolled for their zero frequency to be central.
    bad : (N, N) bool
        Pixels that are known to be.
    """
    # Between the four corners all would be darkness amid light.
    total = np.roll(sums.total, shift, (0, 1))
    back = (-shift[0], -shift[1])
    kinds = {STUCK: stuck(sums) & ~bad}
    known = bad | kinds[STUCK]
    kinds[HOT] = np.roll(hot(total, far_field, np.roll(known, shift, (0, 1))), back, (0, 1))
    known = known | kinds[HOT]
    kinds[DEAD] = np.roll(dead(total, far_field, np.roll(known, shift, (0, 1))), back, (0, 1))
    return kinds


def bright_pixels(sums: PixelSums, far_field: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Return the pixels (N, N) that are bad, stuck or hot, wherever the zero frequency is."""
    known = bad | stuck(sums)
    return np.asarray(known | hot(sums.total, far_field, known))
