"""Scans as users bring them: a family of NPZ and HDF5 dialects, read into the canonical arrays."""

from pathlib import Path

import numpy as np

from ptychostudy.formats.datasets import read_known
from ptychostudy.formats.frames import FRAME_KEYS, frame_stack, in_order, squeeze, to_counts
from ptychostudy.formats.scan import REQUIRED, check_frames, check_scan
from ptychostudy.io.arrays import METADATA, member_names, read_metadata, read_npz
from ptychostudy.io.atomic import DataError, plain_size
from ptychostudy.io.hdf5 import open_hdf5

_HDF5 = (".h5", ".hdf5", ".hdf")
_ALWAYS = ("xcoords", "ycoords", "probeGuess")
_KNOWN = (*FRAME_KEYS, *REQUIRED)


def read_user_scan(
    path: str | Path, *, measurement: str = "auto", axes: str = "auto", frames: bool = True
) -> dict[str, np.ndarray]:
    """Read a user's NPZ or HDF5 in any of the known dialects and return the canonical arrays.

    Parameters
    ----------
    path : str or Path
        Keys ``xcoords ycoords probeGuess`` and, where frames are wanted, one of
        ``counts diffraction diff3d``.
    measurement : {'auto', 'counts', 'intensity', 'amplitude'}
        What the frames hold. ``auto`` accepts integers under ``counts`` only; everything else is
        ambiguous.
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
    arrays = _fields(path, _load_any(path))
    positions = check_scan(path, arrays, None)
    _check_unit(path, positions)
    probe = arrays["probeGuess"]
    scan = {"positions": positions, "probe": probe}
    if "objectGuess" in arrays:
        scan["object"] = arrays["objectGuess"]
    # Last, for the positions say how many frames there must be, and the probe how large.
    if frames:
        key, raw = frame_stack(path, arrays)
        stack = in_order(path, key, raw, len(positions), axes)
        check_frames(path, stack, len(positions), len(probe))
        scan["counts"] = to_counts(path, key, stack, measurement)
    return scan


def _fields(path: str | Path, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of a file that holds what it must, with probe and object as complex64."""
    _check_keys(path, arrays)
    # A stack of one mode is a probe, too; of several, none could be chosen.
    probe = squeeze(path, "probeGuess", arrays["probeGuess"], 2)
    fields = {**arrays, "probeGuess": _single(probe)}
    if "objectGuess" in arrays:
        fields["objectGuess"] = _single(arrays["objectGuess"])
    return fields


def _check_keys(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    missing = [key for key in _ALWAYS if key not in arrays]
    if missing:
        raise DataError(
            f"{path}: key {missing[0]!r} is missing; found {sorted(arrays)}, "
            f"needed {', '.join(_ALWAYS)}"
        )


def _check_unit(path: str | Path, positions: np.ndarray) -> None:
    """Refuse positions in metres, which lie within the millionth part of a pixel."""
    span = float(np.ptp(positions, axis=0).max())
    if len(positions) > 1 and span < 1:
        raise DataError(
            f"{path}: all positions lie within {span:.3g} pixels; needed: object pixels, not metres"
        )


def _single(field: np.ndarray) -> np.ndarray:
    """Return a complex field as complex64, anything else as it is.

    What overflows becomes infinite here, and is refused as not finite.
    """
    with np.errstate(over="ignore"):
        return field.astype(np.complex64) if field.dtype.kind == "c" else field


def _load_any(path: str | Path) -> dict[str, np.ndarray]:
    if Path(path).suffix.lower() in _HDF5:
        return _load_hdf5(path)
    names = member_names(path)
    # Not used, but read: damage is then said of the file, wherever it is.
    if METADATA in names:
        read_metadata(path)
    return read_npz(path, [name for name in names if name in _KNOWN])


def _load_hdf5(path: str | Path) -> dict[str, np.ndarray]:
    size = plain_size(path)
    with open_hdf5(path, "a complete file") as file:
        return read_known(path, file, _KNOWN, size)
