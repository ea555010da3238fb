"""HDF5 files of others: datasets of numbers that lie in the file itself, and nothing else.

What they claim to be is looked at before anything is read.
"""

import contextlib
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.atomic import DataError, plain_size
from ptychostudy.io.zips import READ_ERRORS, check_growth, first_line

# Filters of libhdf5 by their numbers.
_DEFLATE = 1
_SHUFFLE = 2
_FLETCHER32 = 3
# One order only: after gzip a checksum makes sense and nothing else, and twice gzip is a bomb.
_ORDER = (_SHUFFLE, _DEFLATE, _FLETCHER32)
_KNOWN = "shuffle, gzip, fletcher32, in this order,"
_FLETCHER32_BYTES = 4
_DEPTH = 16
_ITEMS = 10_000
_ENDLESS = f"holds over {_ITEMS} items or {_DEPTH} levels, or a group in itself; refused"
_NUMBERS = "biufc"
"""Kinds of NumPy's dtypes: booleans, integers and floating-point numbers, real or complex."""


@dataclass(frozen=True)
class _Packing:
    """How the chunks of a dataset are packed.

    Attributes
    ----------
    codes : list of int
        Its filters in the order in which they were applied.
    names : list of bytes
    shuffled_in : list of tuple of int
        What each filter that shuffles was told; its first number is the size of a piece.
    item_bytes : int
    chunk_bytes : int
        Of a chunk unpacked.
    """

    codes: list[int]
    names: list[bytes]
    shuffled_in: list[tuple[int, ...]]
    item_bytes: int
    chunk_bytes: int

    def applied(self, mask: int) -> list[int]:
        """Return the filters of one chunk; a bit of its mask says that one was left out."""
        return [code for place, code in enumerate(self.codes) if not mask >> place & 1]


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
    if isinstance(link, h5py.HardLink) and isinstance(group[key], h5py.Dataset):
        return group[key]
    raise DataError(
        f"{path}: key {key!r} is missing or no dataset but a link or group; "
        "needed: a dataset in this file"
    )


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
    total = sum(_claimed(item) for item in items.values())
    # Each may pass where all together do not.
    check_growth(path, "all keys together", file_bytes, total)
    return {key: _read_dataset(path, key, item, file_bytes) for key, item in items.items()}


def _claimed(item: Any) -> int:
    return int(math.prod(item.shape or ())) * int(item.dtype.itemsize)


def _read_dataset(path: str | Path, key: str, item: Any, file_bytes: int) -> np.ndarray:
    _check_numbers(path, key, item)
    held = int(item.id.get_storage_size())
    check_growth(path, f"key {key!r}", min(file_bytes, held), _claimed(item))
    if item.chunks:
        _check_chunks(path, key, item, file_bytes)
    else:
        _check_contiguous(path, key, item, held)
    return np.asarray(item[()])


def _check_numbers(path: str | Path, key: str, item: Any) -> None:
    elsewhere = item.external or item.is_virtual
    # An empty dataspace, which h5py reads as no array, has no shape.
    if elsewhere or item.dtype.kind not in _NUMBERS or item.shape is None:
        raise DataError(
            f"{path}: key {key!r} is {item.dtype} or lies in another file; "
            "needed: numbers in this one"
        )


def _check_contiguous(path: str | Path, key: str, item: Any, held: int) -> None:
    claimed = math.prod(item.shape) * _item_bytes(item)
    # A dataset that nobody has written takes no bytes and reads as zeros.
    if held not in (0, claimed):
        raise DataError(
            f"{path}: key {key!r} is stored in {held} bytes and claims {claimed}; "
            "needed: the same number"
        )


def _item_bytes(item: Any) -> int:
    # By the type as it stands in the file, which need not be as long as NumPy's.
    return int(item.id.get_type().get_size())


def _check_chunks(path: str | Path, key: str, item: Any, file_bytes: int) -> None:
    """Unpack and measure every chunk.

    libhdf5 does not ask how large it becomes, and crashes where it is too small.
    """
    packing = _packing(item)
    _check_filters(path, key, packing)
    check_growth(path, f"a chunk of key {key!r}", file_bytes, packing.chunk_bytes)
    chunks: list[Any] = []
    item.id.chunk_iter(chunks.append)
    for chunk in chunks:
        if chunk.byte_offset + chunk.size > file_bytes:
            raise DataError(
                f"{path}: key {key!r} reaches beyond the end of the file; needed: a complete file"
            )
        _check_unpacked(path, key, _unpacked_bytes(item, chunk, packing), packing.chunk_bytes)


def _check_unpacked(path: str | Path, key: str, held: int, needed: int) -> None:
    if held != needed:
        size = f"more than {needed}" if held > needed else str(max(held, 0))
        raise DataError(
            f"{path}: a chunk of key {key!r} holds {size} bytes, needed {needed}; refused"
        )


def _packing(item: Any) -> _Packing:
    plan = item.id.get_create_plist()
    filters = [plan.get_filter(place) for place in range(plan.get_nfilters())]
    item_bytes = _item_bytes(item)
    return _Packing(
        codes=[code for code, _, _, _ in filters],
        names=[name for _, _, _, name in filters],
        shuffled_in=[values for code, _, values, _ in filters if code == _SHUFFLE],
        item_bytes=item_bytes,
        chunk_bytes=math.prod(item.chunks) * item_bytes,
    )


def _check_filters(path: str | Path, key: str, packing: _Packing) -> None:
    if packing.codes != [code for code in _ORDER if code in packing.codes]:
        raise DataError(
            f"{path}: key {key!r} is packed by {packing.names}; needed: {_KNOWN} or nothing"
        )
    if any(values[:1] != (packing.item_bytes,) for values in packing.shuffled_in):
        raise DataError(
            f"{path}: key {key!r} is shuffled in pieces of another size; needed: an undamaged file"
        )


def _unpacked_bytes(item: Any, chunk: Any, packing: _Packing) -> int:
    """Return the size of a chunk once it is unpacked; what is too large is cut one byte later."""
    applied = packing.applied(chunk.filter_mask)
    checksum = _FLETCHER32_BYTES if _FLETCHER32 in applied else 0
    packed_bytes = int(chunk.size) - checksum
    if _DEFLATE not in applied or packed_bytes <= 0:
        return packed_bytes
    _, packed = item.id.read_direct_chunk(chunk.chunk_offset)
    unpacker = zlib.decompressobj()
    return len(unpacker.decompress(packed[:packed_bytes], packing.chunk_bytes + 1))
