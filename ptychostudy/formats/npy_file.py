"""Files of one NPY array, which has no name."""

from pathlib import Path

import numpy as np

from ptychostudy.io.atomic import DataError, plain_size
from ptychostudy.io.npy import read_npy
from ptychostudy.io.zips import READ_ERRORS, first_line

_NPY = b"\x93NUMPY"


def is_npy(path: str | Path) -> bool:
    """Say whether a file holds one NPY array, by its first bytes."""
    plain_size(path)
    with open(path, "rb") as file:
        return file.read(len(_NPY)) == _NPY


def read_npy_file(path: str | Path, needed: str) -> np.ndarray:
    """Read the array of an NPY file.

    Parameters
    ----------
    path : str or Path
    needed : str
        What a message says is needed.

    Raises
    ------
    DataError
    """
    try:
        with open(path, "rb") as file:
            return read_npy(file, plain_size(path))
    except READ_ERRORS as error:
        raise DataError(
            f"{path}: not a readable NPY array ({first_line(error)}); needed: {needed}"
        ) from error
