"""Reader of plain HDF5 files, whose datasets have our own names and lie at the top."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.hdf5_sources import read_linked, read_virtual
from ptychostudy.formats.hdf5_tree import listed
from ptychostudy.formats.plain_npz import with_modes
from ptychostudy.formats.probe_modes import MODES
from ptychostudy.formats.stated_unit import stated_unit
from ptychostudy.formats.user_file import KNOWN, UserFile
from ptychostudy.io.atomic import plain_size
from ptychostudy.io.hdf5 import find_dataset
from ptychostudy.io.hdf5_stacks import open_datasets

NAME = "NPZ or HDF5"


def recognises(file: Any) -> bool:
    """Whether this is the open format: any HDF5 file that is of no other."""
    return isinstance(file, h5py.File)


def read(path: str | Path, file: Any) -> UserFile:
    """Read the datasets of known names.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
    """
    known = (*KNOWN, MODES)
    links = _links(file, known)
    items = _items(path, file, [key for key in known if key not in links])
    arrays = _read_own(path, items)
    arrays |= {key: read_linked(path, key, link) for key, link in links.items()}
    others = [text for name, text in listed(file) if name not in arrays]
    declared, notes = stated_unit(path, items)
    return with_modes(UserFile(arrays, others, declared=declared, notes=notes, format=NAME))


def _links(file: Any, keys: Iterable[str]) -> dict[str, Any]:
    """Return those of the keys that lead to other files."""
    links = {key: file.get(key, getlink=True) for key in keys}
    return {key: link for key, link in links.items() if isinstance(link, h5py.ExternalLink)}


def _items(path: str | Path, file: Any, keys: list[str]) -> dict[str, Any]:
    """Return the datasets of those of the keys that are in the file."""
    items = {key: find_dataset(path, file, key) for key in keys}
    return {key: item for key, item in items.items() if item is not None}


def _read_own(path: str | Path, items: dict[str, Any]) -> dict[str, np.ndarray]:
    virtual = {key: item for key, item in items.items() if item.is_virtual}
    own = {key: item for key, item in items.items() if key not in virtual}
    arrays = open_datasets(path, own, plain_size(path))
    for key, item in virtual.items():
        arrays[key] = read_virtual(path, key, item)
    return arrays
