"""Stacks of frames in a user's file: which key, which axis order, and whole photons from what was measured."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ptychostudy.io.atomic import DataError

FRAME_KEYS = ("counts", "diffraction", "diff3d")
_MOST = int(np.iinfo(np.uint32).max)
# What a count may be off by: always, and at most where its own precision is coarse.
_FRACTION, _GRAIN = 1e-4, 0.1
# Frames looked at in one go: bounds the memory of the conversion.
_FRAMES = 256


def check_finite(path: str | Path, key: str, value: np.ndarray) -> None:
    """Refuse NaN and infinity."""
    bad = int(np.size(value) - np.count_nonzero(np.isfinite(value)))
    if bad:
        raise DataError(
            f"{path}: key {key!r} holds {bad} values that are NaN or infinite, needed finite numbers"
        )


def squeeze(path: str | Path, key: str, value: np.ndarray, rank: int) -> np.ndarray:
    """Remove axes of length one in front and behind until ``rank`` axes are left."""
    while value.ndim > rank and 1 in (value.shape[0], value.shape[-1]):
        value = value[0] if value.shape[0] == 1 else value[..., 0]
    if value.ndim != rank:
        raise DataError(f"{path}: key {key!r} has shape {value.shape}, needed {rank} axes")
    return value


def frame_stack(path: str | Path, arrays: Mapping[str, np.ndarray]) -> tuple[str, np.ndarray]:
    """Return the key and the raw stack (three axes, real) of the one stack that a file may hold."""
    present = [key for key in FRAME_KEYS if key in arrays]
    if len(present) != 1:
        raise DataError(
            f"{path}: needed exactly one of {', '.join(FRAME_KEYS)} for the frames, found {present or 'none'}"
        )
    raw = arrays[present[0]]
    if raw.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: key {present[0]!r} is {raw.dtype}, needed real numbers (amplitudes, intensities or counts)"
        )
    return present[0], squeeze(path, present[0], raw, 3)


def in_order(path: str | Path, key: str, stack: np.ndarray, k: int, axes: str) -> np.ndarray:
    """Return a stack with the frames along the first axis; ``auto`` refuses one that fits two orders."""
    nhw, hwn = stack.shape[0] == k, stack.shape[-1] == k
    if axes == "auto" and nhw and hwn:
        raise DataError(
            f"{path}: key {key!r} of shape {stack.shape} fits NHW and HWN for {k} positions; "
            "needed: base.npz.axes set to NHW or HWN"
        )
    if axes == "HWN" or (axes == "auto" and hwn):
        stack = np.moveaxis(stack, -1, 0)
    if stack.shape[0] != k:
        raise DataError(
            f"{path}: key {key!r} has shape {stack.shape} but there are {k} positions; "
            f"needed one frame per position (base.npz.axes: {axes})"
        )
    return stack


def to_counts(path: str | Path, key: str, stack: np.ndarray, measurement: str) -> np.ndarray:
    """Return photons (k, N, N) uint32; what cannot be whole photons is refused."""
    if measurement == "auto" and not (key == "counts" and stack.dtype.kind in "iu"):
        raise DataError(
            f"{path}: key {key!r} ({stack.dtype}) may hold amplitudes, intensities or counts; "
            "needed: base.npz.measurement set to amplitude, intensity or counts"
        )
    counts = np.empty(stack.shape, np.uint32)
    for start in range(0, len(stack), _FRAMES):
        part = stack[start : start + _FRAMES]
        check_finite(path, key, part)
        if part.min() < 0:
            raise DataError(
                f"{path}: key {key!r} holds negative values (smallest {part.min():.4g}), needed photons >= 0"
            )
        counts[start : start + _FRAMES] = _whole(path, key, part, measurement)
    if not counts.any():
        raise DataError(
            f"{path}: key {key!r} has a largest count of 0, needed between 1 and {_MOST}"
        )
    return counts


def _whole(path: str | Path, key: str, part: np.ndarray, measurement: str) -> np.ndarray:
    """Return photons as whole numbers (float64); refuse fractions and what no uint32 holds."""
    squared, largest = measurement == "amplitude", float(part.max())
    largest = largest * largest if squared else largest
    if largest > _MOST:
        raise DataError(
            f"{path}: key {key!r} has a largest count of {largest:.4g}, needed between 1 and {_MOST}"
        )
    photons = part.astype(np.float64) ** (2 if squared else 1)
    whole = np.rint(photons)
    # A number rounded to its own precision is off by eps times itself or less; its square by twice that.
    grain = 2 * float(np.finfo(part.dtype).eps) * photons if part.dtype.kind == "f" else np.zeros(1)
    worst = float(
        np.max(np.abs(photons - whole) - (grain if squared else np.minimum(grain, _GRAIN)))
    )
    if worst > _FRACTION:
        raise DataError(
            f"{path}: key {key!r} read as {measurement} gives fractional photons (off by {worst:.3g}); "
            "needed whole counts: undo any normalisation first"
        )
    return whole
