"""HDF5 datasets from files of others: read whole, after a look at what they claim to be."""

from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.arrays import check_growth
from ptychostudy.io.atomic import DataError


def read_dataset(path: str | Path, key: str, item: Any, file_bytes: int) -> np.ndarray:
    """Read one HDF5 dataset whole.

    Raises
    ------
    DataError
        If it claims far more than the file holds, keeps its data in another file, or is no array of numbers.
    """
    check_growth(path, f"key {key!r}", file_bytes, item.size * item.dtype.itemsize)
    if item.external or item.is_virtual or item.dtype.hasobject:
        raise DataError(f"{path}: key {key!r} is {item.dtype} or lies in another file; needed: numbers in this one")
    return np.asarray(item[()])
