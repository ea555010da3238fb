"""Scans as users bring them: a family of NPZ and HDF5 dialects, read into the canonical arrays."""

from pathlib import Path

import numpy as np

from ptychostudy.formats.frames import FRAME_KEYS, frame_stack, in_order, squeeze, to_counts
from ptychostudy.formats.scan import REQUIRED, check_frames, check_scan
from ptychostudy.io.arrays import METADATA, member_names, read_metadata, read_npz
from ptychostudy.io.atomic import DataError, plain_size
from ptychostudy.io.hdf5 import find_dataset, open_hdf5, read_datasets

_HDF5 = (".h5", ".hdf5", ".hdf")


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
    arrays["probeGuess"] = squeeze(path, "probeGuess", arrays["probeGuess"], 2)
    arrays |= {key: _single(arrays[key]) for key in ("probeGuess", "objectGuess") if key in arrays}
    positions = check_scan(path, arrays, None)
    span = float(np.ptp(positions, axis=0).max())
    if len(positions) > 1 and span < 1:
        raise DataError(
            f"{path}: all positions lie within {span:.3g} pixels; needed: object pixels, not metres"
        )
    found = {"positions": positions, "probe": arrays["probeGuess"]}
    if "objectGuess" in arrays:
        found["object"] = arrays["objectGuess"]
    if frames:
        key, raw = frame_stack(path, arrays)
        stack = in_order(path, key, raw, len(positions), axes)
        check_frames(path, stack, len(positions), len(found["probe"]))
        found["counts"] = to_counts(path, key, stack, measurement)
    return found


def _single(field: np.ndarray) -> np.ndarray:
    """Return a complex field as complex64, anything else as it is; what overflows is refused as not finite."""
    with np.errstate(over="ignore"):
        return field.astype(np.complex64) if field.dtype.kind == "c" else field


def _load_any(path: str | Path) -> dict[str, np.ndarray]:
    known = (*FRAME_KEYS, *REQUIRED)
    if Path(path).suffix.lower() not in _HDF5:
        names = member_names(path)
        if METADATA in names:
            read_metadata(path)
        return read_npz(path, [name for name in names if name in known])
    size = plain_size(path)
    with open_hdf5(path, "a complete file") as file:
        items = {key: item for key in known if (item := find_dataset(path, file, key)) is not None}
        return read_datasets(path, items, size)
