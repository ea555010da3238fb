"""Scans: the canonical NPZ of this package and the family of NPZ/HDF5 dialects users bring.

On disk the contract keeps ``ycoords`` and ``xcoords``; in memory a position is ``(row, col)``. Only this module
knows both.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.arrays import METADATA, READ_ERRORS, member_names, open_frames, read_metadata, read_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.io.hdf5 import read_dataset

FRAME_KEYS = ("counts", "diffraction", "diff3d")
REQUIRED = ("xcoords", "ycoords", "probeGuess", "objectGuess")
_HDF5 = (".h5", ".hdf5", ".hdf")


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
        float(arrays["photons_requested"]),
        float(arrays["photons_measured"]),
        read_metadata(path),
    )


def check_scan(path: str | Path, arrays: dict[str, np.ndarray], frames: np.ndarray | None) -> np.ndarray:
    """Check probe, object, coordinates and frames against each other; return positions (k, 2) (row, col).

    Raises
    ------
    DataError
        Naming the file, the key, what was found and what is needed.
    """
    probe = arrays["probeGuess"]
    if probe.ndim != 2 or probe.shape[0] != probe.shape[1] or not np.iscomplexobj(probe):
        raise DataError(f"{path}: key 'probeGuess' is {probe.dtype} of shape {probe.shape}, needed complex (N, N)")
    _finite(path, "probeGuess", probe)
    if not np.any(probe):
        raise DataError(f"{path}: key 'probeGuess' is all zero, needed a probe that carries photons")
    positions = _positions(path, arrays)
    if frames is not None:
        _check_frames(path, frames, len(positions), len(probe))
    if "objectGuess" in arrays:
        _check_object(path, arrays["objectGuess"], positions, len(probe))
    return positions


def _finite(path: str | Path, key: str, value: np.ndarray) -> None:
    bad = int(np.size(value) - np.count_nonzero(np.isfinite(value)))
    if bad:
        raise DataError(f"{path}: key {key!r} holds {bad} values that are NaN or infinite, needed finite numbers")


def _positions(path: str | Path, arrays: dict[str, np.ndarray]) -> np.ndarray:
    rows, cols = arrays["ycoords"], arrays["xcoords"]
    for key, value in (("ycoords", rows), ("xcoords", cols)):
        if value.ndim != 1 or value.dtype.kind not in "fiu":
            raise DataError(
                f"{path}: key {key!r} is {value.dtype} of shape {value.shape}, needed real numbers of shape (k,)"
            )
        _finite(path, key, value)
    if len(rows) != len(cols):
        raise DataError(f"{path}: 'xcoords' has {len(cols)} entries, 'ycoords' {len(rows)}; needed one pair per frame")
    if len(rows) == 0:
        raise DataError(f"{path}: the scan is empty ('xcoords' has no entries), needed at least one frame")
    positions = np.stack([rows, cols], axis=1).astype(np.float64)
    repeated = len(positions) - len(np.unique(positions, axis=0))
    if repeated:
        raise DataError(
            f"{path}: {repeated} positions in 'xcoords', 'ycoords' occur more than once, needed distinct positions"
        )
    return positions


def _check_frames(path: str | Path, frames: np.ndarray, k: int, n: int) -> None:
    if frames.shape != (k, n, n):
        raise DataError(
            f"{path}: the frames have shape {frames.shape}, needed ({k}, {n}, {n}): one N x N frame per position, "
            "N that of 'probeGuess'"
        )


def _check_object(path: str | Path, object_: np.ndarray, positions: np.ndarray, n: int) -> None:
    if object_.ndim != 2 or not np.iscomplexobj(object_):
        raise DataError(f"{path}: key 'objectGuess' is {object_.dtype} of shape {object_.shape}, needed complex (H, W)")
    _finite(path, "objectGuess", object_)
    corners = np.floor(positions + 0.5) - n // 2
    outside = int(np.any((corners < 0) | (corners + n > np.array(object_.shape)), axis=1).sum())
    if outside:
        low, high = positions.min(axis=0), positions.max(axis=0)
        raise DataError(
            f"{path}: {outside} of {len(positions)} windows leave 'objectGuess' of shape {object_.shape}: "
            f"'ycoords' span {low[0]:.1f} to {high[0]:.1f}, 'xcoords' {low[1]:.1f} to {high[1]:.1f}; "
            f"needed: window centres at least {n // 2} px inside"
        )


def read_user_scan(
    path: str | Path, *, measurement: str = "auto", axes: str = "auto", frames: bool = True
) -> dict[str, np.ndarray]:
    """Read a user's NPZ or HDF5 in any of the known dialects and return the canonical arrays.

    Parameters
    ----------
    path : str or Path
        Keys ``xcoords ycoords probeGuess`` and, where frames are wanted, one of ``counts diffraction diff3d``.
    measurement : {'auto', 'counts', 'intensity', 'amplitude'}
        What the frames hold. ``auto`` accepts integers under ``counts`` only; everything else is ambiguous.
    axes : {'auto', 'NHW', 'HWN'}
        Axis order of the frames. ``auto`` refuses a stack that fits both.
    frames : bool
        Whether frames are needed.

    Returns
    -------
    dict of str to ndarray
        ``positions``, ``probe`` and, where present, ``object`` and ``counts`` (uint32, NHW).

    Raises
    ------
    DataError
        Naming the key and the setting that resolves the doubt.
    """
    arrays = _load_any(path)
    missing = [key for key in ("xcoords", "ycoords", "probeGuess") if key not in arrays]
    if missing:
        raise DataError(
            f"{path}: key {missing[0]!r} is missing; found {sorted(arrays)}, needed xcoords, ycoords, probeGuess"
        )
    arrays["probeGuess"] = _squeeze(path, "probeGuess", arrays["probeGuess"], 2)
    positions = check_scan(path, arrays, None)
    found = {"positions": positions, "probe": arrays["probeGuess"].astype(np.complex64)}
    if "objectGuess" in arrays:
        found["object"] = arrays["objectGuess"].astype(np.complex64)
    if frames:
        key, raw = _frame_stack(path, arrays)
        stack = _ordered(path, key, raw, len(positions), axes)
        _check_frames(path, stack, len(positions), len(found["probe"]))
        found["counts"] = _to_counts(path, key, stack, measurement)
    return found


def _load_any(path: str | Path) -> dict[str, np.ndarray]:
    known = (*FRAME_KEYS, *REQUIRED)
    if Path(path).suffix.lower() not in _HDF5:
        names = member_names(path)
        if METADATA in names:
            read_metadata(path)
        return read_npz(path, [name for name in names if name in known])
    try:
        size = Path(path).stat().st_size
        with h5py.File(path, "r") as file:
            items = {key: file[key] for key in known if isinstance(file.get(key), h5py.Dataset)}
            return {key: read_dataset(path, key, item, size) for key, item in items.items()}
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except READ_ERRORS as error:
        raise DataError(f"{path}: not a readable HDF5 file ({error}); needed: a complete file") from error


def _squeeze(path: str | Path, key: str, value: np.ndarray, rank: int) -> np.ndarray:
    while value.ndim > rank and 1 in (value.shape[0], value.shape[-1]):
        value = value[0] if value.shape[0] == 1 else value[..., 0]
    if value.ndim != rank:
        raise DataError(f"{path}: key {key!r} has shape {value.shape}, needed {rank} axes")
    return value


def _frame_stack(path: str | Path, arrays: dict[str, np.ndarray]) -> tuple[str, np.ndarray]:
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
    return present[0], _squeeze(path, present[0], raw, 3)


def _ordered(path: str | Path, key: str, stack: np.ndarray, k: int, axes: str) -> np.ndarray:
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


def _to_counts(path: str | Path, key: str, stack: np.ndarray, measurement: str) -> np.ndarray:
    if measurement == "auto" and not (key == "counts" and stack.dtype.kind in "iu"):
        raise DataError(
            f"{path}: key {key!r} ({stack.dtype}) may hold amplitudes, intensities or counts; "
            "needed: base.npz.measurement set to amplitude, intensity or counts"
        )
    _finite(path, key, stack)
    if stack.min() < 0:
        raise DataError(f"{path}: key {key!r} holds negative values (smallest {stack.min():.4g}), needed photons >= 0")
    photons = stack.astype(np.float64) ** (2 if measurement == "amplitude" else 1)
    whole = np.rint(photons)
    # A float32 amplitude squared is off by about 1e-7 of the count; 1e-4 + 1e-6 x is beyond that, far below 1/2.
    worst = float(np.max(np.abs(photons - whole) - 1e-6 * photons))
    if worst > 1e-4:
        raise DataError(
            f"{path}: key {key!r} read as {measurement} gives fractional photons (off by {worst:.3g}); "
            "needed whole counts: undo any normalisation first"
        )
    if whole.max() > np.iinfo(np.uint32).max or not whole.any():
        raise DataError(
            f"{path}: key {key!r} has a largest count of {whole.max():.4g}, "
            f"needed between 1 and {np.iinfo(np.uint32).max}"
        )
    return whole.astype(np.uint32)
