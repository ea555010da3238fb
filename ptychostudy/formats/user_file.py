"""A user's file, whatever it is called: its arrays that are known, and the names of the others."""

import contextlib
import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.hdf5_sources import read_linked, read_virtual
from ptychostudy.io.arrays import METADATA, member_names, read_metadata, read_npz
from ptychostudy.io.atomic import DataError, plain_size
from ptychostudy.io.hdf5 import find_dataset, open_hdf5, read_datasets
from ptychostudy.io.zips import READ_ERRORS

_HDF5_NAMES = (".h5", ".hdf5", ".hdf")
_ZIP_NAMES = (".npz", ".zip")
# Files begin with these; HDF5 also after 512 bytes or a power of two more, as MATLAB's do.
_ZIP = b"PK"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_FIRST_USER_BLOCK, _LAST_USER_BLOCK = 512, 1 << 20
# What is listed of a file for a message.
_LISTED = 30
_LEVELS = 8
_MATLAB = "MATLAB_class"

DECLARED = {
    "measurement": "what the frames hold: counts, intensity or amplitude",
    "position_unit": "of xcoords and ycoords: px, m, um or nm",
    "pixel_size_m": "object pixel",
    "origin_px": "object pixel (row, col) in which a position of zero lies, where it is known",
    "photon_energy_ev": "of the beam",
    "distance_m": "sample to detector",
    "detector_pixel_m": "of the detector",
}
"""What a file can state of the measurement, beside its arrays."""


@dataclass(frozen=True)
class UserFile:
    """What was read of a file.

    Attributes
    ----------
    arrays : dict of str to ndarray
        Those of the keys asked for that are there.
    others : list of str
        What else is there, with shapes where these are known without reading.
    reversed : list of str
        Keys that MATLAB wrote, whose axes were put in MATLAB's own order.
    format : str
        What wrote it, in words.
    places : dict of str to str
        Where in the file an array of another name was, for messages.
    notes : list of str
        What was done to put its conventions into ours, each to be said.
    declared : dict
        What it states of the measurement: see `DECLARED`.
    """

    arrays: dict[str, np.ndarray]
    others: list[str]
    reversed: list[str]
    format: str = "NPZ or HDF5"
    places: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    declared: dict[str, Any] = field(default_factory=dict)


def load_user_file(path: str | Path, keys: Iterable[str]) -> UserFile:
    """Read the arrays of some keys of an NPZ or HDF5 file, told apart by their first bytes.

    Parameters
    ----------
    path : str or Path
    keys : iterable of str
        Wanted; those that are not there are left out.

    Raises
    ------
    DataError
    """
    kind = _kind(path)
    if kind == "hdf5":
        return _load_hdf5(path, list(keys))
    if kind == "npz":
        return _load_npz(path, list(keys))
    raise DataError(f"{path}: is neither an NPZ nor an HDF5 file; needed: a complete file of one")


def _kind(path: str | Path) -> str:
    """Return what a file is by its first bytes, or by its name where these say nothing."""
    with contextlib.suppress(OSError):
        if _starts_with(path, 0, _ZIP):
            return "npz"
        if any(_starts_with(path, place, _HDF5) for place in _user_blocks(plain_size(path))):
            return "hdf5"
    # Damaged, perhaps: its reader says in what way.
    suffix = Path(path).suffix.lower()
    if suffix in _HDF5_NAMES:
        return "hdf5"
    return "npz" if suffix in _ZIP_NAMES or not Path(path).is_file() else "unknown"


def _user_blocks(size: int) -> Iterator[int]:
    yield 0
    place = _FIRST_USER_BLOCK
    while place < min(size, _LAST_USER_BLOCK):
        yield place
        place *= 2


def _starts_with(path: str | Path, place: int, signature: bytes) -> bool:
    plain_size(path)
    with open(path, "rb") as file:
        file.seek(place)
        return file.read(len(signature)) == signature


def _load_npz(path: str | Path, keys: list[str]) -> UserFile:
    names = member_names(path)
    # Not used, but read: damage is then said of the file, wherever it is.
    if METADATA in names:
        read_metadata(path)
    arrays = read_npz(path, [name for name in names if name in keys])
    others = [name for name in names if name not in arrays and name != METADATA]
    return UserFile(arrays, sorted(others), [])


def _load_hdf5(path: str | Path, keys: list[str]) -> UserFile:
    # It registers the filters of detectors with HDF5; without it their files are refused.
    with contextlib.suppress(ImportError):
        importlib.import_module("hdf5plugin")
    size = plain_size(path)
    with open_hdf5(path, "a complete file") as file:
        links = _links(file, keys)
        items = _items(path, file, [key for key in keys if key not in links])
        arrays = _read_own(path, items, size)
        arrays |= {key: read_linked(path, key, link) for key, link in links.items()}
        turned = [key for key, item in items.items() if _MATLAB in item.attrs]
        others = _others(file, arrays)
    arrays |= {key: _as_in_matlab(arrays[key]) for key in turned}
    return UserFile(arrays, others, turned)


def _others(file: Any, used: Iterable[str]) -> list[str]:
    """Return what else the file holds, described."""
    return [text for name, text in _listed(file) if name not in used]


def _links(file: Any, keys: list[str]) -> dict[str, Any]:
    """Return those of the keys that lead to other files."""
    links = {key: file.get(key, getlink=True) for key in keys}
    return {key: link for key, link in links.items() if isinstance(link, h5py.ExternalLink)}


def _items(path: str | Path, file: Any, keys: list[str]) -> dict[str, Any]:
    """Return the datasets of those of the keys that are in the file."""
    items = {key: find_dataset(path, file, key) for key in keys}
    return {key: item for key, item in items.items() if item is not None}


def _read_own(path: str | Path, items: dict[str, Any], size: int) -> dict[str, np.ndarray]:
    virtual = {key: item for key, item in items.items() if item.is_virtual}
    own = {key: item for key, item in items.items() if key not in virtual}
    arrays = read_datasets(path, own, size)
    for key, item in virtual.items():
        arrays[key] = read_virtual(path, key, item)
    return arrays


def _as_in_matlab(array: np.ndarray) -> np.ndarray:
    """Return an array as MATLAB shows it, whose first axis runs fastest and stands last in HDF5.

    Vectors have two axes there.
    """
    turned = array.T
    return turned.ravel() if turned.ndim == 2 and 1 in turned.shape else turned


def _listed(group: Any, prefix: str = "", level: int = 0) -> list[tuple[str, str]]:
    """Return names and descriptions of what an HDF5 file holds; links are named, not followed."""
    entries: list[tuple[str, str]] = []
    for key in group:
        if len(entries) >= _LISTED:
            return [*entries, ("...", "...")]
        name = f"{prefix}{key}"
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            entries.append((name, f"{name} (a link)"))
        elif isinstance(group[key], h5py.Group) and level < _LEVELS:
            # Each group gives an entry at least, so that the walk ends, however they are nested.
            inner = _listed(group[key], f"{name}/", level + 1)
            entries += inner or [(name, f"{name} (an empty group)")]
        else:
            entries.append((name, _described(name, group[key])))
    return entries


def _described(name: str, item: Any) -> str:
    # What it is matters to nobody who does not use it, and may be no type of NumPy's.
    with contextlib.suppress(*READ_ERRORS):
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            return f"{name} {item.shape} {item.dtype}"
    return name
