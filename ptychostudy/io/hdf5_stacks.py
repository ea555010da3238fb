"""HDF5 datasets that are too long for memory: mapped where they lie, or copied by blocks."""

import math
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.mapped import Mapped
from ptychostudy.io.spool import new_array, put_part

_BLOCK_BYTES = 1 << 20


def mapped_dataset(item: Any) -> np.ndarray:
    """Return a dataset that has been checked as an array that stays in a file.

    Parameters
    ----------
    item : h5py.Dataset
        Of real numbers.

    Returns
    -------
    Mapped

    Raises
    ------
    DataError
        If there is no room for a copy.
    """
    if _lies_as_it_is(item):
        name, offset = item.file.filename, item.id.get_offset()
        return Mapped(name, dtype=item.dtype, mode="r", offset=offset, shape=item.shape)
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
