"""HDF5 files of the same bytes for the same content, written whole or not at all."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.atomic import atomic


@contextmanager
def new_hdf5(path: str | Path) -> Iterator[Any]:
    """Yield an empty HDF5 file; it appears under its name once it is filled."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        yield file
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def put(file: Any, values: Mapping[str, Any]) -> None:
    """Write arrays, numbers and texts under their paths, in the order given."""
    for name, value in values.items():
        is_array = isinstance(value, np.ndarray) and value.size > 1
        # HDF5 has checksums for chunks only; it can keep the time of writing, too.
        options: dict[str, Any] = {"chunks": True, "fletcher32": True} if is_array else {}
        file.create_dataset(name, data=value, track_times=False, **options)
