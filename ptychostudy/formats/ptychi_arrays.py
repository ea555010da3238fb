"""Reader of pty-chi's arrays, saved under the names of its task: NPZ, or HDF5."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.user_file import OBJECT, PROBE, UserFile
from ptychostudy.io.npz_stacks import open_npz

NAME = "pty-chi arrays"
_POSITIONS = ("probe_position_y_px", "probe_position_x_px")
# What its task calls them, and what files do.
_FRAMES = ("diffraction_data", "dp")
_PROBES = ("probe_data", "probe")
_OBJECTS = ("object_data", "object")
_MASK = "valid_pixel_mask"
_ARRAYS = (*_FRAMES, *_POSITIONS, *_PROBES, *_OBJECTS, _MASK)


def recognises(file: Any) -> bool:
    """Whether a file has frames or positions by pty-chi's names."""
    if isinstance(file, h5py.File):
        held = [name for name in _ARRAYS if item_at(file, name) is not None]
    else:
        held = [name for name in _ARRAYS if name in file]
    return any(name in held for name in _FRAMES) or all(name in held for name in _POSITIONS)


def read(path: str | Path, file: Any) -> UserFile:
    """Read frames, mask, positions, probe and object.

    Parameters
    ----------
    path : str or Path
    file : h5py.File or sequence of str

    Raises
    ------
    DataError
    """
    if isinstance(file, h5py.File):
        tree = Tree(path, file)
        held = {name: tree.array(name) for name in _ARRAYS}
        return _gathered(path, held).file(NAME, tree.others())
    members = open_npz(path, [name for name in _ARRAYS if name in file])
    found = _gathered(path, {name: members.get(name) for name in _ARRAYS})
    return found.file(NAME, [name for name in file if name not in _ARRAYS])


def _gathered(path: str | Path, arrays: Mapping[str, np.ndarray | None]) -> Gathered:
    found = Gathered(path)
    found.put_frames(*_first(arrays, _FRAMES))
    found.put_probe(*_first(arrays, _PROBES))
    probe = found.arrays.get(PROBE)
    if probe is not None and probe.dtype.kind == "c" and probe.ndim:
        # Its Fourier transform is not normalised: sum |P|^2 N^2 = sum counts.
        found.arrays[PROBE] = probe * probe.shape[-1]
    found.put_object(*_first(arrays, _OBJECTS))
    found.put(_MASK, _MASK, arrays[_MASK])
    found.put_positions(_POSITIONS, [arrays[name] for name in _POSITIONS], "px")
    shape = found.arrays.get(OBJECT, np.zeros(())).shape
    if len(shape) == 2:
        found.declared["origin_px"] = _origin_px(shape)
    return found


def _first(
    arrays: Mapping[str, np.ndarray | None], names: tuple[str, ...]
) -> tuple[str, np.ndarray | None]:
    name = next((name for name in names if arrays[name] is not None), names[0])
    return name, arrays[name]


def _origin_px(shape: tuple[int, ...]) -> list[float]:
    """Return where its positions of zero lie on an object of some shape.

    A window begins at ``position + round(S / 2) - N / 2``; Python rounds halves to the even number.
    """
    return [float(round(side / 2)) for side in shape]
