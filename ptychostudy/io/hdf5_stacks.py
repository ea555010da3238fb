"""HDF5 datasets that are too long for memory: mapped where they lie, or copied by blocks."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.hdf5 import check_dataset, check_total, read_dataset
from ptychostudy.io.mapped import Mapped
from ptychostudy.io.spool import is_long_stack, new_array, put_part

_BLOCK_BYTES = 1 << 20


def open_datasets(
    path: str | Path, items: Mapping[str, Any], file_bytes: int
) -> dict[str, np.ndarray]:
    """Read HDF5 datasets as `read_datasets` does; stacks of frames too long for memory are mapped.

    Parameters
    ----------
    path : str or Path
    items : mapping of str to h5py.Dataset
    file_bytes : int
        Size of the file.

    Returns
    -------
    dict of str to ndarray
        `Mapped` where one lies in a file: in this one where it lies there in one piece, copied into
        a temporary one where it is packed or lies in chunks.

    Raises
    ------
    DataError
        As by `read_datasets`, and where there is no room for what is copied.
    """
    check_total(path, items, file_bytes)
    return {key: _opened(path, key, item, file_bytes) for key, item in items.items()}


def _opened(path: str | Path, key: str, item: Any, file_bytes: int) -> np.ndarray:
    if item.shape is None or not is_long_stack(item.shape, item.dtype):
        return read_dataset(path, key, item, file_bytes)
    check_dataset(path, key, item, file_bytes)
    if _lies_as_it_is(item):
        offset = item.id.get_offset()
        return Mapped(path, dtype=item.dtype, mode="r", offset=offset, shape=item.shape)
    whole = new_array(item.shape, item.dtype)
    for place in _boxes(item):
        put_part(whole, place, item[place])
    return whole


def _lies_as_it_is(item: Any) -> bool:
    """Whether the numbers lie in one piece in the file, as NumPy has them in memory."""
    if item.chunks or item.dtype.kind == "b" or item.id.get_offset() is None:
        return False
    return bool(item.id.get_type() == h5py.h5t.py_create(item.dtype))


def _boxes(item: Any) -> Iterator[tuple[slice, ...]]:
    """Yield parts of a dataset, of whole chunks, so that each chunk is unpacked once.

    A chunk is the least: it is unpacked whole, however large it is.
    """
    sides = _box(item.shape, item.chunks or (1,) * item.ndim, item.dtype.itemsize)
    counts = [math.ceil(length / side) for length, side in zip(item.shape, sides, strict=True)]
    for index in np.ndindex(*counts):
        yield tuple(
            slice(number * side, min((number + 1) * side, length))
            for number, side, length in zip(index, sides, item.shape, strict=True)
        )


def _box(shape: tuple[int, ...], chunk: tuple[int, ...], item_bytes: int) -> list[int]:
    """Return the sides of a box of chunks of a few MB, grown from the last axis on."""
    box = [min(side, length) for side, length in zip(chunk, shape, strict=True)]
    for axis in reversed(range(len(shape))):
        room = max(1, _BLOCK_BYTES // (math.prod(box) * item_bytes))
        box[axis] = min(shape[axis], box[axis] * room)
        if box[axis] < shape[axis]:
            break
    return box
