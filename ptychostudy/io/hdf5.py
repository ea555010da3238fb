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
from ptychostudy.io.zips import BOMB_BYTES, READ_ERRORS, check_growth, first_line

_DEFLATE, _SHUFFLE, _FLETCHER32, _LZF = 1, 2, 3, 32000
_FILTERS = {_DEFLATE: "gzip", _SHUFFLE: "shuffle", _FLETCHER32: "fletcher32", _LZF: "lzf"}
_FLETCHER32_BYTES = 4
# Deflate packs 1032 bytes into one at most: a smaller chunk cannot grow beyond the bound of `check_growth`.
_HARMLESS_BYTES = BOMB_BYTES // 1032
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
        raise DataError(f"{path}: not a readable HDF5 file ({first_line(error)}); needed: {wanted}") from error


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
            raise DataError(f"{path}: holds over {_ITEMS} items or {_DEPTH} levels, or a group in itself; refused")
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


def read_datasets(path: str | Path, items: Mapping[str, Any], file_bytes: int) -> dict[str, np.ndarray]:
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
        raise DataError(f"{path}: key {key!r} is {item.dtype} or lies in another file; needed: numbers in this one")
    check_growth(path, f"key {key!r}", min(file_bytes, item.id.get_storage_size()), _claimed(item))
    if item.chunks:
        _check_chunks(path, key, item, file_bytes)
    return np.asarray(item[()])


def _check_chunks(path: str | Path, key: str, item: Any, file_bytes: int) -> None:
    """Check how chunks are packed, before the library unpacks them without asking how large they become."""
    plan = item.id.get_create_plist()
    codes = [plan.get_filter(k)[0] for k in range(plan.get_nfilters())]
    unpacked = math.prod(item.chunks) * item.dtype.itemsize
    # After gzip only a checksum makes sense; whatever else is a trap, and twice gzip is a bomb.
    last = codes[codes.index(_DEFLATE) + 1 :] if _DEFLATE in codes else []
    if not set(codes) <= set(_FILTERS) or len(set(codes)) != len(codes) or last not in ([], [_FLETCHER32]):
        raise DataError(f"{path}: key {key!r} is packed by {codes}; needed: each once of {list(_FILTERS.values())}")
    check_growth(path, f"a chunk of key {key!r}", file_bytes, unpacked)
    chunks: list[Any] = []
    item.id.chunk_iter(chunks.append)
    for chunk in chunks:
        if chunk.byte_offset + chunk.size > file_bytes:
            raise DataError(f"{path}: key {key!r} reaches beyond the end of the file; needed: a complete file")
        if _DEFLATE in codes and chunk.size > _HARMLESS_BYTES:
            skipped, data = item.id.read_direct_chunk(chunk.chunk_offset)
            if not skipped >> codes.index(_DEFLATE) & 1:
                _inflate(path, key, data, unpacked + _FLETCHER32_BYTES)


def _inflate(path: str | Path, key: str, packed: bytes, limit: int) -> None:
    """Unpack one chunk up to the size it claims; refuse what goes on beyond."""
    if len(zlib.decompressobj().decompress(packed, limit + 1)) > limit:
        raise DataError(f"{path}: a chunk of key {key!r} holds more than the {limit} bytes of its shape; refused")
