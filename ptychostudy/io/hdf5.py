"""HDF5 files of others: datasets of numbers that lie in the file itself, and nothing else.

What they claim to be is looked at before anything is read.
"""

import contextlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.atomic import DataError, plain_size
from ptychostudy.io.hdf5_packing import check_filters, item_bytes, packing_of, unpacked_bytes
from ptychostudy.io.zips import READ_ERRORS, check_growth, first_line

_DEPTH = 16
_ITEMS = 10_000
_ENDLESS = f"holds over {_ITEMS} items or {_DEPTH} levels, or a group in itself; refused"
_NUMBERS = "biufc"
"""Kinds of NumPy's dtypes: booleans, integers and floating-point numbers, real or complex."""
# MATLAB writes a complex number as these two; (r, i) is what h5py itself takes for one.
_PAIR = ("real", "imag")


@contextlib.contextmanager
def open_hdf5(path: str | Path, wanted: str) -> Iterator[Any]:
    """Open an HDF5 file for reading; whatever the library says about damage becomes a `DataError`.

    Parameters
    ----------
    path : str or Path
    wanted : str
        What the file should have been, for the message.
    """
    plain_size(path)
    try:
        # Nobody writes a finished file, and network file systems may have no locks at all.
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except DataError:
        raise
    except READ_ERRORS as error:
        raise DataError(
            f"{path}: not a readable HDF5 file ({first_line(error)}); needed: {wanted}"
        ) from error


def find_dataset(path: str | Path, group: Any, key: str) -> Any:
    """Return a dataset of a group, or None where nothing has that name.

    Links are refused, never followed.

    Raises
    ------
    DataError
        If the name is a link or no dataset.
    """
    link = group.get(key, getlink=True)
    if link is None:
        return None
    # What a link leads to is not even looked up.
    if not isinstance(link, h5py.HardLink):
        raise DataError(f"{path}: key {key!r} is a link; needed: a dataset in this file")
    item = group[key]
    if not isinstance(item, h5py.Dataset):
        kind = "group" if isinstance(item, h5py.Group) else "type"
        raise DataError(f"{path}: key {key!r} is a {kind}; needed: a dataset")
    return item


def all_datasets(path: str | Path, root: Any) -> dict[str, Any]:
    """Return every dataset below a group by its name.

    Raises
    ------
    DataError
        If a link is among them, or if they are too many or too deep, as in a group that contains
        itself.
    """
    datasets: dict[str, Any] = {}
    pending = [("", root, 0)]
    visited = 0
    while pending:
        prefix, group, depth = pending.pop()
        visited += len(group)
        if visited > _ITEMS or depth > _DEPTH:
            raise DataError(f"{path}: {_ENDLESS}")
        for key in group:
            name = f"{prefix}{key}"
            item = _own(path, group, key, name)
            if isinstance(item, h5py.Dataset):
                datasets[name] = item
            elif isinstance(item, h5py.Group):
                pending.append((f"{name}/", item, depth + 1))
    return datasets


def _own(path: str | Path, group: Any, key: str, name: str) -> Any:
    """Return what a group itself holds under a key."""
    if not isinstance(group.get(key, getlink=True), h5py.HardLink):
        raise DataError(f"{path}: key {name!r} is a link; needed: a dataset in this file")
    return group[key]


def read_datasets(
    path: str | Path, items: Mapping[str, Any], file_bytes: int
) -> dict[str, np.ndarray]:
    """Read HDF5 datasets whole.

    Raises
    ------
    DataError
        If one of them, or all together, claim far more than the file holds; if data lie in another
        file, or are packed in a way that is not known here; or if one is no array of numbers.
    """
    check_total(path, items, file_bytes)
    return {key: read_dataset(path, key, item, file_bytes) for key, item in items.items()}


def check_total(path: str | Path, items: Mapping[str, Any], file_bytes: int) -> None:
    """Refuse datasets that all together claim far more than their file holds."""
    total = sum(_claimed(item) for item in items.values())
    # Each may pass where all together do not.
    check_growth(path, "all keys together", file_bytes, total)


def _claimed(item: Any) -> int:
    return int(math.prod(item.shape or ())) * int(item.dtype.itemsize)


def read_dataset(path: str | Path, key: str, item: Any, file_bytes: int) -> np.ndarray:
    """Read one HDF5 dataset whole; see `read_datasets`."""
    check_dataset(path, key, item, file_bytes)
    return _joined(np.asarray(item[()]))


def check_dataset(path: str | Path, key: str, item: Any, file_bytes: int) -> None:
    """Refuse a dataset that `read_datasets` refuses; nothing of it is kept."""
    _check_numbers(path, key, item)
    held = int(item.id.get_storage_size())
    check_growth(path, f"key {key!r}", min(file_bytes, held), _claimed(item))
    if item.chunks:
        _check_chunks(path, key, item, file_bytes)
    else:
        _check_contiguous(path, key, item, held)


def _is_pair(dtype: Any) -> bool:
    """Whether a type is a complex number written as two real ones of the same kind."""
    if dtype.names != _PAIR:
        return False
    real, imag = (dtype[name] for name in _PAIR)
    return bool(real == imag and real.kind == "f" and dtype.itemsize == 2 * real.itemsize)


def _joined(array: np.ndarray) -> np.ndarray:
    """Return pairs of real numbers as complex ones, anything else as it is."""
    if not _is_pair(array.dtype):
        return array
    real, imag = (array[name] for name in _PAIR)
    joined = np.empty(array.shape, np.result_type(real, np.complex64))
    joined.real = real
    joined.imag = imag
    return joined


def _check_numbers(path: str | Path, key: str, item: Any) -> None:
    if item.external or item.is_virtual:
        raise DataError(
            f"{path}: key {key!r} has its numbers in another file; needed: numbers in this one"
        )
    if item.dtype.kind not in _NUMBERS and not _is_pair(item.dtype):
        raise DataError(f"{path}: key {key!r} is {item.dtype}; needed: numbers")
    # An empty dataspace, which h5py reads as no array, has no shape.
    if item.shape is None:
        raise DataError(f"{path}: key {key!r} is empty; needed: numbers")


def _check_contiguous(path: str | Path, key: str, item: Any, held: int) -> None:
    claimed = math.prod(item.shape) * item_bytes(item)
    # A dataset that nobody has written takes no bytes and reads as zeros.
    if held not in (0, claimed):
        raise DataError(
            f"{path}: key {key!r} is stored in {held} bytes and claims {claimed}; "
            "needed: the same number"
        )


def _check_chunks(path: str | Path, key: str, item: Any, file_bytes: int) -> None:
    """Unpack and measure every chunk.

    libhdf5 does not ask how large it becomes, and crashes where it is too small.
    """
    packing = packing_of(item)
    check_filters(path, key, packing)
    check_growth(path, f"a chunk of key {key!r}", file_bytes, packing.chunk_bytes)
    chunks: list[Any] = []
    item.id.chunk_iter(chunks.append)
    for chunk in chunks:
        if chunk.byte_offset + chunk.size > file_bytes:
            raise DataError(
                f"{path}: key {key!r} reaches beyond the end of the file; needed: a complete file"
            )
        _check_unpacked(path, key, unpacked_bytes(item, chunk, packing), packing.chunk_bytes)


def _check_unpacked(path: str | Path, key: str, held: int, needed: int) -> None:
    if held != needed:
        size = f"more than {needed}" if held > needed else str(max(held, 0))
        raise DataError(
            f"{path}: a chunk of key {key!r} holds {size} bytes, needed {needed}; refused"
        )
