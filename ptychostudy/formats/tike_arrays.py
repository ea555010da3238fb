"""Reader of tike's arrays, in NPZ or HDF5: data, scan, probe and psi.

Read of tike 0.26.0: frames have their zero frequency in the corner; ``scan`` is the first pixel of
each window (row, col), with fractions; the probe is (1, 1, modes, N, N), the object ``psi``
(slices, H, W).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.reader_fields import one_layer, pairs, probe_modes, real_stack
from ptychostudy.formats.user_file import OBJECT, PROBE, UserFile
from ptychostudy.io.arrays import METADATA
from ptychostudy.io.npz_stacks import open_npz
from ptychostudy.io.spool import changed

NAME = "tike arrays"
_NAMES = ("data", "scan", "probe", "psi")


def recognises(file: Any) -> bool:
    """Whether a file has scan and probe by the names of tike, and what they are of."""
    if isinstance(file, h5py.File):
        held = [name for name in _NAMES if isinstance(item_at(file, name), h5py.Dataset)]
    else:
        held = list(file)
    return {"scan", "probe"} <= set(held) and bool({"data", "psi"} & set(held))


def read(path: str | Path, file: Any) -> UserFile:
    """Read frames, positions, probe and object, as far as they are there.

    Parameters
    ----------
    path : str or Path
    file : h5py.File or list of str
        Open, or the names of an NPZ.

    Raises
    ------
    DataError
    """
    if isinstance(file, h5py.File):
        tree = Tree(path, file)
        found = {name: tree.array(name) for name in _NAMES}
        arrays = {name: array for name, array in found.items() if array is not None}
        return _gathered(path, arrays).file(NAME, tree.others())
    arrays = open_npz(path, [name for name in _NAMES if name in file])
    return _gathered(path, arrays).file(NAME, sorted({*file} - {*_NAMES, METADATA}))


def _gathered(path: str | Path, arrays: Mapping[str, np.ndarray]) -> Gathered:
    found = Gathered(path)
    probe = probe_modes(path, "probe", arrays["probe"])
    found.put(PROBE, "probe", probe)
    scan = arrays["scan"]
    corners = pairs(path, "scan", scan[0] if scan.ndim == 3 and len(scan) == 1 else scan)
    rows, cols = (corners + probe.shape[-1] / 2).T
    found.put_positions(["scan", "scan"], [rows, cols], "px")
    found.declared["origin_px"] = [0.0, 0.0]
    if "psi" in arrays:
        found.put(OBJECT, "psi", one_layer(path, "psi", arrays["psi"]))
    if "data" in arrays:
        frames = real_stack(path, "data", arrays["data"])
        found.put_frames("data", changed(frames, _turned))
        found.notes.append(
            "frames turned by half their side: tike's zero frequency is in the corner"
        )
    return found


def _turned(frames: np.ndarray) -> np.ndarray:
    return np.fft.fftshift(frames, axes=(1, 2))
