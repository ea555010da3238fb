"""What readers of other programs' files ask of single arrays: one layer, probe modes, pairs."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.io.atomic import DataError

# A name, a unit: what is longer is neither.
_TEXT_BYTES = 1 << 10


def has_all(file: Any, *names: str) -> bool:
    """Whether an HDF5 file has all of some paths; nothing is read, no link to a file followed."""
    return isinstance(file, h5py.File) and all(item_at(file, name) is not None for name in names)


def needed_array(tree: Tree, name: str) -> np.ndarray:
    """Return the dataset of a path that must be there.

    Raises
    ------
    DataError
    """
    array = tree.array(name)
    if array is None:
        raise DataError(f"{tree.path}: key {name!r} is missing; needed: a complete file")
    return array


def text_at(tree: Tree, name: str) -> str:
    """Return the text of a path; nothing where there is none."""
    item = item_at(tree.file, name)
    if not isinstance(item, h5py.Dataset) or item.shape != () or item.is_virtual or item.external:
        return ""
    tree.used.add(name.strip("/"))
    kind = h5py.check_string_dtype(item.dtype)
    if kind is None or (kind.length or 0) > _TEXT_BYTES:
        return ""
    text = item[()]
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)


def number_if_any(tree: Tree, name: str) -> float | None:
    """Return the number or switch of a path; None where there is none, or a text in its place.

    Programs write a text, such as ``_None``, for what nobody has set.

    Raises
    ------
    DataError
    """
    item = item_at(tree.file, name)
    if isinstance(item, h5py.Dataset) and h5py.check_string_dtype(item.dtype) is not None:
        tree.used.add(name.strip("/"))
        return None
    if isinstance(item, h5py.Dataset) and item.dtype == bool and item.shape == ():
        return float(needed_array(tree, name))
    return tree.number(name)


def one_layer(path: str | Path, key: str, field: np.ndarray) -> np.ndarray:
    """Return an object (H, W) without the axes of layers, modes and wavelengths, each of one.

    Raises
    ------
    DataError
        If one of them is longer: of several layers none is the object.
    """
    while field.ndim > 2 and field.shape[0] == 1:
        field = field[0]
    if field.ndim != 2:
        raise DataError(
            f"{path}: key {key!r} has shape {field.shape}; needed: one layer and one mode, "
            "for of several none is the object"
        )
    return field


def probe_modes(path: str | Path, key: str, probe: np.ndarray) -> np.ndarray:
    """Return a probe (N, N), or its modes (modes, N, N) where there are several.

    Raises
    ------
    DataError
        If another axis is longer than one: of several probes none is that of all frames.
    """
    wanted = [side for side in probe.shape[:-2] if side != 1]
    if probe.ndim < 2 or len(wanted) > 1:
        raise DataError(
            f"{path}: key {key!r} has shape {probe.shape}; needed: one probe of one or more modes"
        )
    return np.asarray(probe.reshape(*wanted, *probe.shape[-2:]))


def pairs(path: str | Path, key: str, array: np.ndarray) -> np.ndarray:
    """Return coordinates (k, 2) as float64.

    Raises
    ------
    DataError
        If they are no pairs of real numbers.
    """
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: key {key!r} is {array.dtype} of shape {array.shape}; "
            "needed: real numbers of shape (k, 2)"
        )
    return array.astype(np.float64)


def real_stack(path: str | Path, key: str, array: np.ndarray, rank: int = 3) -> np.ndarray:
    """Return frames (k, N, N), or (rows, columns, N, N) for rank 4, if they are real numbers.

    Raises
    ------
    DataError
    """
    if array.ndim != rank or array.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: key {key!r} is {array.dtype} of shape {array.shape}; "
            f"needed: real numbers with {rank} axes"
        )
    return array
