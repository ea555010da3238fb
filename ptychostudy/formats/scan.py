"""Scans: the canonical NPZ of this package and the family of NPZ/HDF5 dialects users bring.

Their parts are checked against each other, so that a mistake is named before it is computed with.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.frames import check_finite, wrong_kind
from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.probe_modes import read_modes
from ptychostudy.formats.valid_pixels import read_valid
from ptychostudy.io.arrays import open_frames, read_metadata, read_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.windows import corners, inside

REQUIRED = ("xcoords", "ycoords", "probeGuess", "objectGuess")
# 16384 pixels square, 2 GiB as complex64: more is a mistake of units.
_CANVAS_PX = 1 << 28
# Beyond, neighbours among floating-point numbers are a pixel apart, and no length is as large.
_FARTHEST = 2.0**52
# Frames that a message names.
_NAMED = 10


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
    valid : (N, N) bool
        Pixels that count photons; the others hold 0 in all frames, and that says nothing.
    metadata : dict
        The file's JSON metadata.
    modes : (m, N, N) complex64, or None
        Modes of a probe of several, in photons; `probe` is the first with the power of all.
    """

    counts: np.ndarray
    positions: np.ndarray
    probe: np.ndarray
    truth: np.ndarray
    photons_requested: float
    photons_measured: float
    valid: np.ndarray
    metadata: dict[str, Any]
    modes: np.ndarray | None = None

    @property
    def whole_probe(self) -> np.ndarray:
        """All that is known of the probe: its modes (m, N, N), or (N, N) of one."""
        return self.probe if self.modes is None else self.modes


def open_scan(path: str | Path) -> Scan:
    """Open a scan written by the ``simulate`` stage; frames stay on disk until they are used."""
    arrays = read_npz(path, [*REQUIRED, "photons_requested", "photons_measured"])
    counts = open_frames(path, "counts")
    if counts.dtype != np.uint32:
        raise DataError(f"{path}: key 'counts' has type {counts.dtype}, needed uint32 photons")
    return Scan(
        counts=counts,
        positions=check_scan(path, arrays, counts),
        probe=arrays["probeGuess"],
        truth=arrays["objectGuess"],
        photons_requested=_photons(path, arrays, "photons_requested"),
        photons_measured=_photons(path, arrays, "photons_measured"),
        valid=read_valid(path, counts.shape[-1]),
        metadata=read_metadata(path),
        modes=read_modes(path, len(arrays["probeGuess"])),
    )


def _photons(path: str | Path, arrays: dict[str, np.ndarray], key: str) -> float:
    value = arrays[key]
    number = value.shape == () and value.dtype.kind in "fiu"
    if not number or not np.isfinite(value) or value <= 0:
        raise wrong_kind(path, key, value, "one finite number > 0")
    return float(value)


def check_scan(
    path: str | Path, arrays: dict[str, np.ndarray], frames: np.ndarray | None
) -> np.ndarray:
    """Check probe, object, coordinates and frames against each other.

    Returns
    -------
    (k, 2) float64
        Positions (row, col).

    Raises
    ------
    DataError
        Naming the file, the key, what was found and what is needed.
    """
    # The probe first: its side is the N of all the rest.
    probe = arrays["probeGuess"]
    check_probe(path, probe)
    n = len(probe)
    positions = check_coordinates(path, arrays)
    check_distinct(path, positions)
    _check_extent(path, positions, n)
    if frames is not None:
        check_frames(path, frames, len(positions), n)
    object_ = arrays.get("objectGuess")
    if object_ is not None:
        check_object(path, object_)
        _check_windows(path, object_.shape, positions, n)
    return positions


def check_probe(path: str | Path, probe: np.ndarray) -> None:
    """Check that there is one complex probe (N, N) with light in it."""
    square = probe.ndim == 2 and probe.shape[0] == probe.shape[1]
    if not square or not np.iscomplexobj(probe):
        raise wrong_kind(path, "probeGuess", probe, "complex (N, N)")
    check_finite(path, "probeGuess", probe)
    if not np.any(probe):
        raise DataError(
            f"{path}: key 'probeGuess' is all zero, needed a probe that carries photons"
        )


def check_coordinates(path: str | Path, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Check that there is one pair of finite coordinates for each frame; return them (k, 2)."""
    for key in COORDINATES:
        _check_coordinate(path, key, arrays[key])
    _check_pairs(path, len(arrays["ycoords"]), len(arrays["xcoords"]))
    return read_positions(arrays).astype(np.float64)


def check_distinct(path: str | Path, positions: np.ndarray) -> None:
    """Check that no position (k, 2) occurs twice."""
    _, first = np.unique(positions, axis=0, return_index=True)
    again = np.setdiff1d(np.arange(len(positions)), first).tolist()
    if again:
        named = ", ".join(map(str, again[:_NAMED])) + (", ..." if len(again) > _NAMED else "")
        raise DataError(
            f"{path}: {len(again)} positions in 'xcoords', 'ycoords' occur more than once (frames "
            f"{named} again), needed distinct positions: a file without these frames"
        )


def _check_coordinate(path: str | Path, key: str, value: np.ndarray) -> None:
    if value.ndim != 1 or value.dtype.kind not in "fiu":
        raise wrong_kind(path, key, value, "real numbers of shape (k,)")
    check_finite(path, key, value)
    farthest = max((abs(float(value.min())), abs(float(value.max())))) if value.size else 0.0
    if farthest > _FARTHEST:
        raise DataError(
            f"{path}: key {key!r} holds {farthest:.4g}; needed: positions, in pixels or a length"
        )


def _check_pairs(path: str | Path, rows: int, cols: int) -> None:
    if rows != cols:
        raise DataError(
            f"{path}: 'xcoords' has {cols} entries, 'ycoords' {rows}; needed one pair per frame"
        )
    if rows == 0:
        raise DataError(
            f"{path}: the scan is empty ('xcoords' has no entries), needed at least one frame"
        )


def _check_extent(path: str | Path, positions: np.ndarray, n: int) -> None:
    # The largest float64 less the smallest is infinite, and refused as such.
    with np.errstate(over="ignore"):
        rows, cols = (np.ptp(positions, axis=0) + n).tolist()
    if rows * cols > _CANVAS_PX:
        raise DataError(
            f"{path}: 'ycoords' and 'xcoords' span {rows:.4g} x {cols:.4g} pixels; "
            f"needed: object pixels, and at most {_CANVAS_PX} of them"
        )


def check_frames(path: str | Path, frames: np.ndarray, k: int, n: int) -> None:
    """Check that there is one frame of (N, N) for each of k positions."""
    if frames.shape != (k, n, n):
        raise DataError(
            f"{path}: the frames have shape {frames.shape}, needed ({k}, {n}, {n}): "
            "one N x N frame per position, N that of 'probeGuess'"
        )


def check_object(path: str | Path, object_: np.ndarray) -> None:
    """Check that an object is finite and complex (H, W)."""
    if object_.ndim != 2 or not np.iscomplexobj(object_):
        raise wrong_kind(path, "objectGuess", object_, "complex (H, W)")
    check_finite(path, "objectGuess", object_)


def _check_windows(path: str | Path, shape: tuple[int, ...], positions: np.ndarray, n: int) -> None:
    text = left_windows(shape, positions, n)
    if text:
        raise DataError(f"{path}: {text}")


def left_windows(shape: tuple[int, ...], positions: np.ndarray, n: int) -> str:
    """Say which windows of side n leave an object; nothing where none does.

    Parameters
    ----------
    shape : (int, int)
        Of the object.
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    n : int
    """
    outside = int(np.sum(~inside(corners(positions, n), n, shape)))
    if not outside:
        return ""
    # Both spans are said, for rows and columns exchanged are seen by them.
    return (
        f"{outside} of {len(positions)} windows leave 'objectGuess' of shape {shape}: "
        f"'ycoords' span {_span(positions[:, 0])}, 'xcoords' {_span(positions[:, 1])}; "
        f"needed: window centres at least {n // 2} px inside"
    )


def _span(values: np.ndarray) -> str:
    return f"{values.min():.1f} to {values.max():.1f}"
