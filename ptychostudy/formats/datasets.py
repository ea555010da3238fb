"""The datasets of an HDF5 file that are known by name; whatever else it holds is left alone."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.hdf5 import find_dataset, read_datasets


def read_known(
    path: str | Path, file: Any, keys: Iterable[str], held: int
) -> dict[str, np.ndarray]:
    """Read those of the datasets that are there.

    Parameters
    ----------
    path : str or Path
        For messages.
    file : h5py.File
    keys : iterable of str
    held : int
        Bytes of the file, which bound what its datasets may claim to hold.
    """
    present = {}
    for key in keys:
        dataset = find_dataset(path, file, key)
        if dataset is not None:
            present[key] = dataset
    return read_datasets(path, present, held)
