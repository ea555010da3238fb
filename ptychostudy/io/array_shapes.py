"""Shapes and types of the arrays in a file, told by its headers alone."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from ptychostudy.io.atomic import DataError
from ptychostudy.io.hdf5 import open_hdf5
from ptychostudy.io.npz_headers import member_headers
from ptychostudy.io.zips import READ_ERRORS, check_zip

_NPY = ".npy"


class Shape(NamedTuple):
    """What a file says of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def array_shapes(path: Path) -> dict[str, Shape]:
    """Return what an NPZ or HDF5 file says of its arrays, links not followed.

    Nothing of a file of another kind, or of one that cannot be read: who reads it says what is
    wrong with it.

    Parameters
    ----------
    path : Path
    """
    try:
        if zipfile.is_zipfile(path):
            return dict(_of_zip(path))
        return _of_hdf5(path) if h5py.is_hdf5(path) else {}
    except (DataError, *READ_ERRORS):
        return {}


def _of_zip(path: Path) -> Iterator[tuple[str, Shape]]:
    names = [name.removesuffix(_NPY) for name in check_zip(path) if name.endswith(_NPY)]
    for name, header in member_headers(path, names).items():
        yield name, Shape(header.shape, header.dtype)


def _of_hdf5(path: Path) -> dict[str, Shape]:
    arrays: dict[str, Shape] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.shape:
            arrays[name] = Shape(item.shape, item.dtype)

    # Each item is seen once, in whatever groups it is.
    with open_hdf5(path, "a scan") as file:
        file.visititems(note)
    return arrays
