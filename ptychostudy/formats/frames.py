"""Stacks of frames in a user's file: which key, which axis order, and whole photons."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.atomic import DataError
from ptychostudy.io.mapped import blocks, parts_of
from ptychostudy.io.spool import frames_first, new_array

FRAME_KEYS = ("counts", "diffraction", "diff3d")
_MOST = int(np.iinfo(np.uint32).max)
# What a count may be off by, always.
_FRACTION = 1e-4
# And at most, where its own precision is coarse.
_GRAIN = 0.1


@dataclass(frozen=True)
class Scale:
    """What a detector's numbers are in photons: ``(number - background) / gain``.

    Attributes
    ----------
    gain : float
        Units of the detector for one photon.
    background : float
        What it says where there is no light.
    """

    gain: float = 1.0
    background: float = 0.0

    @property
    def is_photons(self) -> bool:
        """Whether the numbers are photons as they are."""
        return self.gain == 1.0 and self.background == 0.0


PHOTONS = Scale()


def check_finite(path: str | Path, key: str, value: np.ndarray) -> None:
    """Refuse NaN and infinity."""
    bad = int(np.size(value) - np.count_nonzero(np.isfinite(value)))
    if bad:
        raise DataError(
            f"{path}: key {key!r} holds {bad} values that are NaN or infinite, "
            "needed finite numbers"
        )


def wrong_kind(path: str | Path, key: str, value: np.ndarray, needed: str) -> DataError:
    """Return the error for an array of another type or shape than is needed."""
    return DataError(
        f"{path}: key {key!r} is {value.dtype} of shape {value.shape}, needed {needed}"
    )


def squeeze(path: str | Path, key: str, value: np.ndarray, rank: int, most: int = 0) -> np.ndarray:
    """Remove axes of length one in front and behind until ``rank`` axes are left, or ``most``."""
    while value.ndim > rank and 1 in (value.shape[0], value.shape[-1]):
        # A view, as a part of what lies in a file would be a copy of all of it.
        value = np.squeeze(value, 0 if value.shape[0] == 1 else -1)
    if not rank <= value.ndim <= max(rank, most):
        raise DataError(f"{path}: key {key!r} has shape {value.shape}, needed {rank} axes")
    return value


def frame_stack(
    path: str | Path, arrays: Mapping[str, np.ndarray], most: int = 3
) -> tuple[str, np.ndarray]:
    """Return the key and the raw stack, real, of the one stack that a file may hold.

    It has three axes, or up to ``most`` where it is a grid of frames.
    """
    key = _only_key(path, arrays)
    raw = arrays[key]
    if raw.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: key {key!r} is {raw.dtype}, "
            "needed real numbers (amplitudes, intensities or counts)"
        )
    return key, squeeze(path, key, raw, 3, most)


def _only_key(path: str | Path, arrays: Mapping[str, np.ndarray]) -> str:
    present = [key for key in FRAME_KEYS if key in arrays]
    if len(present) != 1:
        raise DataError(
            f"{path}: needed exactly one of {', '.join(FRAME_KEYS)} for the frames, "
            f"found {present or 'none'}"
        )
    return present[0]


def in_order(path: str | Path, key: str, stack: np.ndarray, k: int, axes: str) -> np.ndarray:
    """Return a stack with the frames along the first axis; ``auto`` refuses one that fits both."""
    order = _guessed_axes(path, key, stack, k) if axes == "auto" else axes
    if order == "HWN":
        stack = np.moveaxis(stack, -1, 0)
    if stack.shape[0] != k:
        raise DataError(
            f"{path}: key {key!r} has shape {stack.shape} but there are {k} positions; "
            f"needed one frame per position (base.npz.axes: {axes})"
        )
    return frames_first(stack)


def _guessed_axes(path: str | Path, key: str, stack: np.ndarray, k: int) -> str:
    nhw = stack.shape[0] == k
    hwn = stack.shape[-1] == k
    # With as many frames as pixels on a side nothing tells the orders apart, and a wrong one runs.
    if nhw and hwn:
        raise DataError(
            f"{path}: key {key!r} of shape {stack.shape} fits NHW and HWN for {k} positions; "
            "needed: base.npz.axes set to NHW or HWN"
        )
    return "HWN" if hwn else "NHW"


def to_counts(
    path: str | Path,
    key: str,
    stack: np.ndarray,
    measurement: str,
    scale: Scale = PHOTONS,
    *,
    bad: np.ndarray | None = None,
) -> np.ndarray:
    """Return photons (k, N, N) uint32; what cannot be whole photons is refused.

    Bad pixels (N, N) count none, whatever they hold.
    """
    _check_meaning(path, key, stack, measurement)
    good = np.ones(stack.shape[1:], dtype=bool) if bad is None else ~bad
    _check_negative(path, key, stack, good)
    counts = new_array(stack.shape, np.uint32)
    # So many frames at a time bound the memory of the conversion.
    for part in parts_of(stack):
        numbers = stack[part, good]
        check_finite(path, key, numbers)
        counts[part, good] = _whole(path, key, numbers, measurement, scale)
    _check_light(path, key, counts)
    return counts


def _check_light(path: str | Path, key: str, counts: np.ndarray) -> None:
    if not any(part.any() for part in blocks(counts)):
        raise DataError(
            f"{path}: key {key!r} has a largest count of 0, needed between 1 and {_MOST}"
        )


def _check_meaning(path: str | Path, key: str, stack: np.ndarray, measurement: str) -> None:
    """Refuse to guess: a square too much or too little changes the dose and its noise unseen."""
    # Of frames cut out of larger ones the name goes on with where they begin.
    counted = key.split()[0] == "counts" and stack.dtype.kind in "iu"
    if measurement == "auto" and not counted:
        raise DataError(
            f"{path}: key {key!r} ({stack.dtype}) may hold amplitudes, intensities or counts; "
            "needed: base.npz.measurement set to amplitude, intensity or counts"
        )


def _check_negative(path: str | Path, key: str, stack: np.ndarray, good: np.ndarray) -> None:
    """Refuse numbers below zero in any good pixel (N, N), and say where they are."""
    if stack.dtype.kind not in "if":
        return
    in_pixel = np.zeros(good.shape, np.int64)
    smallest = 0.0
    for part in blocks(stack):
        in_pixel += np.count_nonzero(part < 0, axis=0)
        smallest = min(smallest, float(part[:, good].min(initial=0)))
    in_pixel *= good
    # What is infinite is no number, and refused as such.
    if in_pixel.any() and np.isfinite(smallest):
        most = np.unravel_index(int(in_pixel.argmax()), good.shape)
        raise DataError(
            f"{path}: key {key!r} holds negative values (smallest {smallest:.6g}), "
            f"{in_pixel.sum()} of them in {np.count_nonzero(in_pixel)} pixels, most in pixel "
            f"({most[0]}, {most[1]}), in {in_pixel.max()} of {len(stack)} frames; needed photons "
            ">= 0: frames from which no background was taken, or a mask of pixels that count none "
            "(base.npz.mask)"
        )


def _whole(
    path: str | Path, key: str, part: np.ndarray, measurement: str, scale: Scale
) -> np.ndarray:
    """Return photons as whole numbers (float64); refuse fractions and what no uint32 holds."""
    squared = measurement == "amplitude"
    _check_largest(path, key, float(part.max()), squared, scale)
    photons = part.astype(np.float64) ** (2 if squared else 1)
    grain = _grain(part.dtype, photons, squared)
    if not scale.is_photons:
        photons = _scaled(path, key, photons, scale)
        grain = grain / scale.gain
    return _rounded(f"{path}: key {key!r} read as {measurement}", photons, grain)


def _rounded(what: str, photons: np.ndarray, grain: np.ndarray) -> np.ndarray:
    whole: np.ndarray = np.rint(photons)
    worst = np.max(np.abs(photons - whole) - grain)
    if worst > _FRACTION:
        raise DataError(
            f"{what} gives fractional photons "
            f"(off by {worst:.3g}); needed whole counts: undo any normalisation first"
            f"{_advice(photons)}"
        )
    return whole


def _scaled(path: str | Path, key: str, numbers: np.ndarray, scale: Scale) -> np.ndarray:
    """Return a detector's numbers as photons; what is below its background is none."""
    photons: np.ndarray = (numbers - scale.background) / scale.gain
    # Its own rounding, for numbers that were squared.
    below = int(np.count_nonzero(photons < -_FRACTION))
    if below:
        raise DataError(
            f"{path}: key {key!r} holds {below} values below base.npz.background "
            f"{scale.background:g} (smallest {numbers.min():.6g}), needed photons >= 0"
        )
    return photons


def _advice(photons: np.ndarray) -> str:
    """Say by which gain fractions would be whole photons, where there is one."""
    positive = photons[photons > 0]
    least = float(positive.min())
    multiples = positive / least
    # Half a unit in the sixth digit: what single precision leaves of a multiple.
    if np.abs(multiples - np.rint(multiples)).max() > 1e-6 * multiples.max():
        return ", or set base.npz.gain and base.npz.background"
    return f"; all values are multiples of {least:.6g}: if that is one photon, base.npz.gain: it"


def _check_largest(path: str | Path, key: str, value: float, squared: bool, scale: Scale) -> None:
    # Before anything is squared as an array: here a Python float, which does not warn.
    largest = value * value if squared else value
    if not scale.is_photons:
        largest = (largest - scale.background) / scale.gain
    if largest > _MOST:
        raise DataError(
            f"{path}: key {key!r} has a largest count of {largest:.4g}, "
            f"needed between 1 and {_MOST}"
        )


def _grain(kind: np.dtype[Any], photons: np.ndarray, squared: bool) -> np.ndarray:
    """Return by how much counts may be off because they were rounded to the type of the file."""
    if kind.kind != "f":
        return np.zeros(1)
    # A number rounded to its own precision is off by eps times itself or less; its square by twice
    # that.
    grain: np.ndarray = 2 * float(np.finfo(kind).eps) * photons
    return grain if squared else np.minimum(grain, _GRAIN)
