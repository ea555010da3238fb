"""Reader of PtychoPINN's NPZ files: amplitudes under ``diff3d``, all else under our own names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats import plain_npz
from ptychostudy.formats.user_file import UserFile

NAME = "NPZ of PtychoPINN"
_FRAMES = "diff3d"
_COORDINATES = ("xcoords", "ycoords")
# Ptychodus, which exports under these names, writes all of them, and PtychoPINN never the last.
_OF_PTYCHODUS = ("xcoords_start", "ycoords_start", "scan_index", "bad_pixels")


def recognises(file: Any) -> bool:
    """Whether an NPZ has frames and positions by PtychoPINN's names."""
    return not isinstance(file, h5py.File) and all(
        name in file for name in (_FRAMES, *_COORDINATES)
    )


def read(path: str | Path, file: Sequence[str]) -> UserFile:
    """Read frames, positions, probe and object.

    Parameters
    ----------
    path : str or Path
    file : sequence of str
        Names of its members.

    Raises
    ------
    DataError
    """
    found = plain_npz.read(path, file)
    declared: dict[str, Any] = {"position_unit": "px", "axes": _axes(found.arrays)}
    notes = [*found.notes]
    if all(name in file for name in _OF_PTYCHODUS):
        # Intensities, as they were measured, and pixels counted from the middle of the first.
        declared |= {"measurement": "intensity", "origin_px": [0.5, 0.5]}
        notes.append(
            f"written by Ptychodus: {_FRAMES} holds intensities and not amplitudes, and positions "
            "count from the middle of the first pixel and not from its corner"
        )
    elif _are_amplitudes(found.arrays[_FRAMES]):
        declared["measurement"] = "amplitude"
    else:
        # Some exporters write counts under this name.
        notes.append(f"{_FRAMES} holds whole numbers, which amplitudes of photons are not")
    return replace(found, format=NAME, declared=declared, notes=notes)


def _axes(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the order of axes by its own loader's rule: of two that fit, frames come first."""
    shape = arrays[_FRAMES].shape
    positions = arrays[_COORDINATES[0]].size
    oldest = len(shape) == 3 and shape[0] != positions == shape[-1]
    return "HWN" if oldest else "NHW"


def _are_amplitudes(frames: np.ndarray) -> bool:
    """Whether frames can be square roots of counts: not all of them squares of whole numbers."""
    if frames.dtype.kind != "f":
        return False
    # Part by part: the whole, rounded, would be as large again.
    return any(not np.array_equal(frame, np.rint(frame)) for frame in np.atleast_1d(frames))
