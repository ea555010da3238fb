"""Reader of Ptychodus products in CXI files: probe and object as images, positions unturned."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.cxi import put_frames
from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.product_file import CENTRE, ENERGY, INDEXES, SIDES, X, Y
from ptychostudy.formats.ptychodus_product import gather
from ptychostudy.formats.user_file import UserFile
from ptychostudy.io.atomic import DataError

NAME = "Ptychodus product (CXI)"
_OWN = "entry_1/ptychodus"
_PROBE = "entry_1/image_1/data"
_OBJECT = "entry_1/image_2/data"
_TRANSLATION = "entry_1/sample_1/geometry_1/translation"
_ENERGY = "entry_1/instrument_1/source_1/energy"
_DISTANCE = "entry_1/instrument_1/detector_1/distance"
_JOULES_PER_EV = 1.602176634e-19


def recognises(file: Any) -> bool:
    """Whether an HDF5 file has a probe and Ptychodus' own group where its products have them."""
    return isinstance(file, h5py.File) and all(
        item_at(file, name) is not None for name in (_PROBE, _OWN)
    )


def read(path: str | Path, file: Any) -> UserFile:
    """Read a product, with frames and mask where the file has them, too.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
    """
    tree = Tree(path, file)
    rows, cols = _positions_m(tree)
    arrays = {
        "probe": tree.array(_PROBE),
        "object": tree.array(_OBJECT),
        Y: rows,
        X: cols,
        INDEXES: tree.array(f"{_OWN}/{INDEXES}"),
    }
    own = [f"object_{key}" for key in (*SIDES, *CENTRE)]
    own += [f"probe_{key}" for key in SIDES]
    numbers: dict[str, Any] = {key: tree.number(f"{_OWN}/{key}") for key in own}
    joules = tree.number(_ENERGY)
    numbers[ENERGY[1]] = None if joules is None else joules / _JOULES_PER_EV
    numbers["detector_object_distance_m"] = tree.number(_DISTANCE)
    found = gather(path, arrays, numbers)
    # A file can be product and measurement at once.
    put_frames(tree, found)
    return _placed(found).file(NAME, tree.others())


def _positions_m(tree: Tree) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return rows and columns; x is to the right and y down, as in Ptychodus' other products."""
    translation = tree.array(_TRANSLATION)
    if translation is None:
        return None, None
    if translation.ndim != 2 or translation.shape[1] not in (2, 3):
        raise DataError(
            f"{tree.path}: key {_TRANSLATION!r} has shape {translation.shape}; "
            "needed: metres along x, y, z, of shape (k, 3)"
        )
    return translation[:, 1], translation[:, 0]


def _placed(found: Gathered) -> Gathered:
    """Return what was gathered with the places of this kind of file."""
    names = {Y: f"{_TRANSLATION}[:, 1]", X: f"{_TRANSLATION}[:, 0]"}
    names |= {"probe": _PROBE, "object": _OBJECT}
    for key, place in found.places.items():
        found.places[key] = names.get(place, place)
    return found
