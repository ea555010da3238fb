"""Reader of MATLAB's files since version 7.3: HDF5 with the axes of every array reversed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats import plain_hdf5
from ptychostudy.formats.user_file import KNOWN, UserFile

NAME = "MATLAB"
_MARK = "MATLAB_class"


def recognises(file: Any) -> bool:
    """Whether MATLAB wrote one of the arrays."""
    return isinstance(file, h5py.File) and bool(_written_by_matlab(file))


def read(path: str | Path, file: Any) -> UserFile:
    """Read the arrays of known names, with axes as MATLAB shows them where it wrote them.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
    """
    found = plain_hdf5.read(path, file)
    turned = [key for key in _written_by_matlab(file) if key in found.arrays]
    arrays = found.arrays | {key: _as_in_matlab(found.arrays[key]) for key in turned}
    return replace(found, arrays=arrays, reversed=turned)


def _written_by_matlab(file: Any) -> list[str]:
    # Links are not followed: what they lead to was looked at by nobody.
    own = [key for key in KNOWN if isinstance(file.get(key, getlink=True), h5py.HardLink)]
    return [key for key in own if _MARK in file[key].attrs]


def _as_in_matlab(array: np.ndarray) -> np.ndarray:
    """Return an array as MATLAB shows it, whose first axis runs fastest and stands last in HDF5.

    Vectors have two axes there.
    """
    turned = array.T
    return turned.ravel() if turned.ndim == 2 and 1 in turned.shape else turned
