"""Reader of Ptychodus' diffraction data (NPZ and HDF5) and of its training data (HDF5)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.user_file import UserFile
from ptychostudy.io.npz_stacks import open_npz

NAME = "Ptychodus diffraction"
_FRAMES = "patterns"
_NUMBERS = "indexes"
_BAD = "bad_pixels"
_PROBE = "probe"
_OBJECT = "object"
_POSITIONS = ("probe_position_y_px", "probe_position_x_px")
_ARRAYS = (_FRAMES, _NUMBERS, _BAD, _PROBE, _OBJECT, *_POSITIONS)
_SIDES = ("detector_pixel_height_m", "detector_pixel_width_m")
_OBJECT_SIDES = ("object_pixel_height_m", "object_pixel_width_m")
_STATED = {"photon_energy_ev": "photon_energy_eV", "distance_m": "detector_object_distance_m"}
# Pixels are counted from the middle of the first, and we count from its corner.
_ORIGIN_PX = [0.5, 0.5]


def recognises(file: Any) -> bool:
    """Whether a file has patterns with their numbers, or with what marks bad pixels."""
    there = item_at if isinstance(file, h5py.File) else _member
    beside = (_NUMBERS, _BAD)
    has_frames = there(file, _FRAMES) is not None
    return has_frames and any(there(file, name) is not None for name in beside)


def _member(names: Sequence[str], name: str) -> str | None:
    return name if name in names else None


def read(path: str | Path, file: Any) -> UserFile:
    """Read frames, their numbers and the bad pixels; of training data the rest as well.

    Parameters
    ----------
    path : str or Path
    file : h5py.File or sequence of str

    Raises
    ------
    DataError
    """
    if not isinstance(file, h5py.File):
        held = open_npz(path, [name for name in _ARRAYS if name in file])
        found = _gathered(path, {name: held.get(name) for name in _ARRAYS})
        return found.file(NAME, [name for name in file if name not in _ARRAYS])
    tree = Tree(path, file)
    found = _gathered(path, {name: tree.array(name) for name in _ARRAYS})
    sides = [_plain(tree.attribute(_FRAMES, key)) for key in _SIDES]
    found.state_pixel("detector_pixel_m", sides, "the detector's pixel")
    sides = [tree.number(key) for key in _OBJECT_SIDES]
    found.state_pixel("pixel_size_m", sides, "the object's pixel")
    for key, name in _STATED.items():
        found.state(key, tree.number(name))
    return found.file(NAME, tree.others())


def _gathered(path: str | Path, arrays: Mapping[str, np.ndarray | None]) -> Gathered:
    found = Gathered(path)
    found.put_frames(_FRAMES, arrays[_FRAMES])
    found.put(_BAD, _BAD, arrays[_BAD])
    found.put_probe(_PROBE, arrays[_PROBE])
    found.put_object(_OBJECT, arrays[_OBJECT])
    positions = [arrays[name] for name in _POSITIONS]
    found.put_positions(_POSITIONS, positions, "px")
    if all(values is not None for values in positions):
        found.declared["origin_px"] = _ORIGIN_PX
    if arrays[_NUMBERS] is not None:
        found.declared["frame_index"] = arrays[_NUMBERS]
    return found


def _plain(value: Any) -> float | None:
    """Return a number of an attribute, or None where it is none."""
    number = np.ndim(value) == 0 and np.asarray(value).dtype.kind in "fiu"
    return float(value) if value is not None and number else None
