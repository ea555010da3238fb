"""HDF5 files of others: only datasets of numbers that lie in the file itself, after a look at what they claim to be."""

import contextlib
import math
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.atomic import DataError, plain_size
from ptychostudy.io.zips import READ_ERRORS, check_growth, first_line

_DEFLATE, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_ORDER, _KNOWN = (_SHUFFLE, _DEFLATE, _FLETCHER32), "shuffle, gzip, fletcher32, in this order,"
_FLETCHER32_BYTES = 4
_DEPTH, _ITEMS = 16, 10_000


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
    """Return a dataset of a group, or None where nothing has that name; links are refused, never followed.

    Raises
    ------
    DataError
        If the name is a link or no dataset.
    """
    link = group.get(key, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink) or not isinstance(group[key], h5py.Dataset):
        raise DataError(
            f"{path}: key {key!r} is missing or no dataset but a link or group; needed: a dataset in this file"
        )
    return group[key]


def all_datasets(path: str | Path, root: Any) -> dict[str, Any]:
    """Return every dataset below a group by its name.

    Raises
    ------
    DataError
        If a link is among them, or if they are too many or too deep, as in a group that contains itself.
    """
    found: dict[str, Any] = {}
    pending, visited = [("", root, 0)], 0
    while pending:
        prefix, group, depth = pending.pop()
        visited += len(group)
        if visited > _ITEMS or depth > _DEPTH:
            raise DataError(
                f"{path}: holds over {_ITEMS} items or {_DEPTH} levels, or a group in itself; refused"
            )
        for key in group:
            name = f"{prefix}{key}"
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise DataError(f"{path}: key {name!r} is a link; needed: a dataset in this file")
            item = group[key]
            if isinstance(item, h5py.Dataset):
                found[name] = item
            elif isinstance(item, h5py.Group):
                pending.append((f"{name}/", item, depth + 1))
    return found


def read_datasets(
    path: str | Path, items: Mapping[str, Any], file_bytes: int
) -> dict[str, np.ndarray]:
    """Read HDF5 datasets whole.

    Raises
    ------
    DataError
        If one of them, or all together, claim far more than the file holds; if data lie in another file, or are packed
        in a way that is not known here; or if one is no array of numbers.
    """
    total = sum(_claimed(item) for item in items.values())
    check_growth(path, "all keys together", file_bytes, total)
    return {key: _read_dataset(path, key, item, file_bytes) for key, item in items.items()}


def _claimed(item: Any) -> int:
    return int(math.prod(item.shape or ())) * int(item.dtype.itemsize)


def _read_dataset(path: str | Path, key: str, item: Any, file_bytes: int) -> np.ndarray:
    if item.external or item.is_virtual or item.dtype.kind not in "biufc" or item.shape is None:
        raise DataError(
            f"{path}: key {key!r} is {item.dtype} or lies in another file; needed: numbers in this one"
        )
    held, claimed = (
        int(item.id.get_storage_size()),
        math.prod(item.shape) * item.id.get_type().get_size(),
    )
    check_growth(path, f"key {key!r}", min(file_bytes, held), _claimed(item))
    if item.chunks:
        _check_chunks(path, key, item, file_bytes)
    elif held not in (0, claimed):
        raise DataError(
            f"{path}: key {key!r} is stored in {held} bytes and claims {claimed}; needed: the same number"
        )
    return np.asarray(item[()])


def _check_chunks(path: str | Path, key: str, item: Any, file_bytes: int) -> None:
    """Unpack and measure every chunk: libhdf5 does not ask how large it becomes, and crashes where it is too small."""
    plan = item.id.get_create_plist()
    filters = [plan.get_filter(k) for k in range(plan.get_nfilters())]
    each = item.id.get_type().get_size()
    codes, whole = [found[0] for found in filters], math.prod(item.chunks) * each
    # One order only: after gzip a checksum makes sense and nothing else, and twice gzip is a bomb.
    if codes != [code for code in _ORDER if code in codes]:
        raise DataError(
            f"{path}: key {key!r} is packed by {[found[3] for found in filters]}; needed: {_KNOWN} or nothing"
        )
    if any(code == _SHUFFLE and values[:1] != (each,) for code, _, values, _ in filters):
        raise DataError(
            f"{path}: key {key!r} is shuffled in pieces of another size; needed: an undamaged file"
        )
    check_growth(path, f"a chunk of key {key!r}", file_bytes, whole)
    chunks: list[Any] = []
    item.id.chunk_iter(chunks.append)
    for chunk in chunks:
        if chunk.byte_offset + chunk.size > file_bytes:
            raise DataError(
                f"{path}: key {key!r} reaches beyond the end of the file; needed: a complete file"
            )
        applied = [code for k, code in enumerate(codes) if not chunk.filter_mask >> k & 1]
        checksum = _FLETCHER32_BYTES if _FLETCHER32 in applied else 0
        found = chunk.size - checksum
        if _DEFLATE in applied and found > 0:
            _, packed = item.id.read_direct_chunk(chunk.chunk_offset)
            found = len(zlib.decompressobj().decompress(packed[:found], whole + 1))
        if found != whole:
            size = f"more than {whole}" if found > whole else str(max(found, 0))
            raise DataError(
                f"{path}: a chunk of key {key!r} holds {size} bytes, needed {whole}; refused"
            )
