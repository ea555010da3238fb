"""Reader of Ptychodus products (HDF5 and NPZ, releases 1.2 to 1.7): probe, object and positions.

What is gathered of its files here is checked like any user's; ``ptychodus.py`` writes products, and
reads back what it wrote.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.product_file import CENTRE, ENERGY, INDEXES, SIDES, X, Y
from ptychostudy.formats.user_file import OBJECT, PROBE, UserFile
from ptychostudy.io.arrays import read_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.photon_energy import wavelength_m

NAME = "Ptychodus product"
_DISTANCE = "detector_object_distance_m"
_FAR_FIELD = "far_field"
_ARRAYS = ("object", "probe", X, Y, INDEXES)
# Of these the NPZ has members, and the HDF5 file attributes: of itself, of object and of probe.
_ROOT = (*ENERGY, _DISTANCE, _FAR_FIELD)
_OBJECT = (*SIDES, *CENTRE)
# Below, the two ways to write a probe differ by nothing that counts.
_CURVED_RAD = 0.1
_LEAST_M2 = 1e-30


def recognises(file: Any) -> bool:
    """Whether a file has positions in metres and a probe, by Ptychodus' names."""
    if isinstance(file, h5py.File):
        return all(isinstance(item_at(file, name), h5py.Dataset) for name in (X, "probe"))
    return X in file and "probe" in file


def read(path: str | Path, file: Any) -> UserFile:
    """Read a product.

    Parameters
    ----------
    path : str or Path
    file : h5py.File or sequence of str

    Raises
    ------
    DataError
    """
    if not isinstance(file, h5py.File):
        return _read_npz(path, file)
    tree = Tree(path, file)
    arrays = {name: tree.array(name) for name in _ARRAYS}
    numbers = {key: tree.attribute("", key) for key in _ROOT}
    numbers |= {f"object_{key}": tree.attribute("object", key) for key in _OBJECT}
    found = gather(path, arrays, numbers)
    return found.file(NAME, tree.others())


def _read_npz(path: str | Path, names: Sequence[str]) -> UserFile:
    members = (*_ROOT, *(f"object_{key}" for key in _OBJECT))
    arrays: dict[str, np.ndarray | None] = dict.fromkeys(_ARRAYS)
    arrays |= read_npz(path, [name for name in _ARRAYS if name in names])
    numbers: dict[str, Any] = dict.fromkeys(members)
    numbers |= read_npz(path, [name for name in members if name in names])
    found = gather(path, arrays, numbers)
    return found.file(NAME, [name for name in names if name not in (*_ARRAYS, *members)])


def gather(
    path: str | Path, arrays: Mapping[str, np.ndarray | None], numbers: Mapping[str, Any]
) -> Gathered:
    """Return what a product holds, by its keys in the NPZ.

    Parameters
    ----------
    path : str or Path
    arrays : mapping of str to ndarray or None
        ``object probe probe_position_y_m probe_position_x_m probe_position_indexes``.
    numbers : mapping of str to number or None

    Raises
    ------
    DataError
    """
    known = {key: _number(path, key, value) for key, value in numbers.items() if value is not None}
    if known.get(_FAR_FIELD) == 0:
        raise DataError(f"{path}: key {_FAR_FIELD!r} is false; needed: a detector in the far field")
    found = Gathered(path)
    found.put_probe("probe", arrays["probe"])
    found.put_object("object", arrays["object"])
    found.put_positions([Y, X], [arrays[Y], arrays[X]], "m")
    if arrays[INDEXES] is not None:
        found.declared["position_index"] = arrays[INDEXES]
    found.state("photon_energy_ev", next((known[key] for key in ENERGY if key in known), None))
    found.state("distance_m", known.get(_DISTANCE))
    # Without an object the probe says it, which has the same pixels.
    pixels = [[known.get(f"{what}_{key}") for key in SIDES] for what in ("object", "probe")]
    sides = next((each for each in pixels if None not in each), pixels[0])
    found.state_pixel("pixel_size_m", sides, "the object's pixel")
    _put_origin(found, known)
    _say_curvature(found)
    return found


def _put_origin(found: Gathered, known: Mapping[str, float]) -> None:
    """Note where zero metres lie: the middle of an object is at its centre's coordinates.

    Ptychodus counts pixel centres from ``(W - 1) / 2``, so that the window of a position ``x``
    begins at ``(x - centre) / pixel + W / 2 - N / 2``.
    """
    centre = [known.get(f"object_{key}") for key in CENTRE]
    shape = found.arrays.get(OBJECT, np.zeros(())).shape
    if len(shape) != 2 or "pixel_size_m" not in found.declared:
        return
    if None in centre:
        raise DataError(
            f"{found.path}: the object has no {' and '.join(CENTRE)}; "
            "needed: both, to know where on it the positions are"
        )
    middle = np.array(shape) / 2
    with np.errstate(over="ignore"):  # what becomes infinite is refused with the positions
        pixels = np.array(centre, dtype=np.float64) / found.declared["pixel_size_m"]
    found.declared["origin_px"] = (middle - pixels).tolist()


def _say_curvature(found: Gathered) -> None:
    """Say how a probe is taken where the two ways of Ptychodus differ.

    Its simulator multiplies the exit wave by ``exp(i pi r^2 / (lambda z))``, its engines do not,
    and a product does not say of which it is.
    """
    parts = ("photon_energy_ev", "distance_m", "pixel_size_m")
    probe = found.arrays.get(PROBE, np.zeros(()))
    if probe.ndim < 2 or any(key not in found.declared for key in parts):
        return
    energy, distance, pixel = (found.declared[key] for key in parts)
    radius = probe.shape[-1] / 2 * pixel
    # Lengths that are none, of which others speak, must not divide by zero here.
    edge_rad = math.pi * radius * radius / max(wavelength_m(energy) * distance, _LEAST_M2)
    if edge_rad > _CURVED_RAD:
        found.notes.append(
            f"the probe is taken as an engine of Ptychodus writes it; for its simulator a phase of "
            f"{edge_rad:.3g} rad at the edge of the window would be in it"
        )


def _number(path: str | Path, key: str, value: Any) -> float:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "fiub" or not np.isfinite(array).all():
        raise DataError(
            f"{path}: key {key!r} is {array.dtype} of shape {array.shape}; "
            "needed: one finite number"
        )
    return float(array.ravel()[0])
