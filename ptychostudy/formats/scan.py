"""Scans: the canonical NPZ of this package and the family of NPZ/HDF5 dialects users bring.

Their parts are checked against each other, so that a mistake is named before it is computed with.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.frames import check_finite
from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.io.arrays import open_frames, read_metadata, read_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.windows import corners, inside

REQUIRED = ("xcoords", "ycoords", "probeGuess", "objectGuess")
# 16384 pixels square, 2 GiB as complex64: more is a mistake of units.
_CANVAS_PX = 1 << 28


@dataclass(frozen=True)
class Scan:
    """A scan with its frames.

    Attributes
    ----------
    counts : (k, N, N) uint32, memory-mapped
        Detected photons, DC in the centre.
    positions : (k, 2) float64
        Window centres (row, col) in object pixels.
    probe : (N, N) complex64
        Probe in photons.
    truth : (H, W) complex64
        Object the arms are scored against.
    photons_requested, photons_measured : float
        Mean photons per frame.
    metadata : dict
        The file's JSON metadata.
    """

    counts: np.ndarray
    positions: np.ndarray
    probe: np.ndarray
    truth: np.ndarray
    photons_requested: float
    photons_measured: float
    metadata: dict[str, Any]


def open_scan(path: str | Path) -> Scan:
    """Open a scan written by the ``simulate`` stage; frames stay on disk until they are used."""
    keys = [*REQUIRED, "photons_requested", "photons_measured"]
    arrays = read_npz(path, keys)
    counts = open_frames(path, "counts")
    if counts.dtype != np.uint32:
        raise DataError(f"{path}: key 'counts' has type {counts.dtype}, needed uint32 photons")
    positions = check_scan(path, arrays, counts)
    return Scan(
        counts,
        positions,
        arrays["probeGuess"],
        arrays["objectGuess"],
        _photons(path, arrays, "photons_requested"),
        _photons(path, arrays, "photons_measured"),
        read_metadata(path),
    )


def _photons(path: str | Path, arrays: dict[str, np.ndarray], key: str) -> float:
    value = arrays[key]
    if value.shape != () or value.dtype.kind not in "fiu" or not np.isfinite(value) or value <= 0:
        raise DataError(
            f"{path}: key {key!r} is {value.dtype} of shape {value.shape}, needed one finite number > 0"
        )
    return float(value)


def check_scan(
    path: str | Path, arrays: dict[str, np.ndarray], frames: np.ndarray | None
) -> np.ndarray:
    """Check probe, object, coordinates and frames against each other; return positions (k, 2) (row, col).

    Raises
    ------
    DataError
        Naming the file, the key, what was found and what is needed.
    """
    probe = arrays["probeGuess"]
    if probe.ndim != 2 or probe.shape[0] != probe.shape[1] or not np.iscomplexobj(probe):
        raise DataError(
            f"{path}: key 'probeGuess' is {probe.dtype} of shape {probe.shape}, needed complex (N, N)"
        )
    check_finite(path, "probeGuess", probe)
    if not np.any(probe):
        raise DataError(
            f"{path}: key 'probeGuess' is all zero, needed a probe that carries photons"
        )
    positions = _positions(path, arrays)
    _check_extent(path, positions, len(probe))
    if frames is not None:
        check_frames(path, frames, len(positions), len(probe))
    if "objectGuess" in arrays:
        _check_object(path, arrays["objectGuess"], positions, len(probe))
    return positions


def _positions(path: str | Path, arrays: dict[str, np.ndarray]) -> np.ndarray:
    rows, cols = arrays["ycoords"], arrays["xcoords"]
    for key, value in zip(COORDINATES, (rows, cols), strict=True):
        if value.ndim != 1 or value.dtype.kind not in "fiu":
            raise DataError(
                f"{path}: key {key!r} is {value.dtype} of shape {value.shape}, needed real numbers of shape (k,)"
            )
        check_finite(path, key, value)
    if len(rows) != len(cols):
        raise DataError(
            f"{path}: 'xcoords' has {len(cols)} entries, 'ycoords' {len(rows)}; needed one pair per frame"
        )
    if len(rows) == 0:
        raise DataError(
            f"{path}: the scan is empty ('xcoords' has no entries), needed at least one frame"
        )
    positions = read_positions(arrays).astype(np.float64)
    repeated = len(positions) - len(np.unique(positions, axis=0))
    if repeated:
        raise DataError(
            f"{path}: {repeated} positions in 'xcoords', 'ycoords' occur more than once, needed distinct positions"
        )
    return positions


def _check_extent(path: str | Path, positions: np.ndarray, n: int) -> None:
    with np.errstate(over="ignore"):
        rows, cols = (float(span) + n for span in np.ptp(positions, axis=0))
    if rows * cols > _CANVAS_PX:
        raise DataError(
            f"{path}: 'ycoords' and 'xcoords' span {rows:.4g} x {cols:.4g} pixels; "
            f"needed: object pixels, and at most {_CANVAS_PX} of them"
        )


def check_frames(path: str | Path, frames: np.ndarray, k: int, n: int) -> None:
    """Check that there is one frame of (N, N) for each of k positions."""
    if frames.shape != (k, n, n):
        raise DataError(
            f"{path}: the frames have shape {frames.shape}, needed ({k}, {n}, {n}): one N x N frame per position, "
            "N that of 'probeGuess'"
        )


def _check_object(path: str | Path, object_: np.ndarray, positions: np.ndarray, n: int) -> None:
    if object_.ndim != 2 or not np.iscomplexobj(object_):
        raise DataError(
            f"{path}: key 'objectGuess' is {object_.dtype} of shape {object_.shape}, needed complex (H, W)"
        )
    check_finite(path, "objectGuess", object_)
    outside = int(np.sum(~inside(corners(positions, n), n, object_.shape)))
    if outside:
        low, high = positions.min(axis=0), positions.max(axis=0)
        raise DataError(
            f"{path}: {outside} of {len(positions)} windows leave 'objectGuess' of shape {object_.shape}: "
            f"'ycoords' span {low[0]:.1f} to {high[0]:.1f}, 'xcoords' {low[1]:.1f} to {high[1]:.1f}; "
            f"needed: window centres at least {n // 2} px inside"
        )
