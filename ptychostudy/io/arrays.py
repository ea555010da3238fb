"""NPZ files: written with fixed bytes, read without pickle, frames mapped instead of loaded."""

import json
import math
import struct
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.atomic import DataError, atomic
from ptychostudy.io.strict_json import parse_json
from ptychostudy.io.zips import READ_ERRORS, check_zip, first_line

METADATA = "_metadata"
_BLOCK_BYTES = 1 << 22
# JSON text is stored as four bytes a character.
_METADATA_BYTES = 16 << 20
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Stream:
    """An array written block by block, so that memory does not grow with its length.

    Attributes
    ----------
    shape : tuple of int
        Final shape.
    dtype : str
        NumPy dtype.
    blocks : iterable of ndarray
        Consecutive parts along the first axis; their lengths must add up to ``shape[0]``.
    """

    shape: tuple[int, ...]
    dtype: str
    blocks: Iterable[np.ndarray]


def write_npz(
    path: str | Path, arrays: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
) -> None:
    """Write arrays to an uncompressed NPZ; the same content gives the same bytes.

    Parameters
    ----------
    path : str or Path
    arrays : mapping of str to array, `Stream` or callable
        Members in the order given; a callable is asked for its array when its turn comes, so that it may depend on
        what was streamed before. Object arrays are refused.
    metadata : mapping, optional
        Stored as one JSON string under ``_metadata``.
    """
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, value in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                _write_member(member, name, value)
        if metadata is not None:
            text = np.array(json.dumps(metadata, sort_keys=True))
            with archive.open(zipfile.ZipInfo(f"{METADATA}.npy"), "w") as member:
                np.lib.format.write_array(member, text, allow_pickle=False)


def _write_member(member: Any, name: str, value: Any) -> None:
    if not isinstance(value, Stream):
        value = value() if callable(value) else value
        np.lib.format.write_array(member, np.asarray(value), allow_pickle=False)
        return
    dtype = np.dtype(value.dtype)
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": value.shape,
    }
    np.lib.format.write_array_header_1_0(member, header)
    written = 0
    for block in value.blocks:
        if block.shape[1:] != value.shape[1:] or block.dtype != dtype:
            raise ValueError(
                f"{name}: a block has shape {block.shape} and type {block.dtype}, needed {value.shape[1:]} {dtype}"
            )
        member.write(np.ascontiguousarray(block).tobytes())
        written += len(block)
    if written != value.shape[0]:
        raise ValueError(f"{name}: {written} entries were written, {value.shape[0]} announced")


def read_npz(path: str | Path, keys: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Read arrays of an NPZ whole; pickles, bombs and damaged members are refused.

    Parameters
    ----------
    path : str or Path
    keys : iterable of str, optional
        Wanted members; default all but ``_metadata``.

    Raises
    ------
    DataError
        Naming the file, the key, what was found and what is needed.
    """
    found = member_names(path)
    names = [key for key in found if key != METADATA] if keys is None else list(keys)
    missing = [key for key in names if key not in found]
    if missing:
        raise DataError(
            f"{path}: key {missing[0]!r} is missing; found {sorted(found)}, needed {sorted(names)}"
        )
    return {key: _read_member(path, key) for key in names}


def _read_member(path: str | Path, key: str) -> np.ndarray:
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(f"{key}.npy")
            with archive.open(info) as member:
                return read_npy(member, info.file_size)
    except READ_ERRORS as error:
        raise DataError(
            f"{path}: key {key!r} cannot be read ({first_line(error)}); needed: a plain array, undamaged"
        ) from error


def read_npy(stream: Any, size: int) -> np.ndarray:
    """Read one NPY array to the last byte of its stream, block by block.

    Parameters
    ----------
    stream : file of bytes
        Reading a zip member to its very end is what makes `zipfile` compare the checksum.
    size : int
        Bytes that the stream claims to hold.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError, EOFError
        If it holds pickles, or more or less than its header says; other errors are in `READ_ERRORS`.
    """
    shape, fortran, dtype = _header(stream, size)
    flat = np.empty(math.prod(shape) * dtype.itemsize, np.uint8)
    filled = 0
    while filled < len(flat):
        block = stream.read(min(_BLOCK_BYTES, len(flat) - filled))
        if not block:
            raise EOFError(f"it ends after {filled} of {len(flat)} bytes")
        flat[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
        filled += len(block)
    if stream.read(1):
        raise ValueError(f"it goes on after the {len(flat)} bytes that its header announces")
    array = flat.view(dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


def _header(member: Any, size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of an NPY member; refuse pickles and a shape that does not fit the member's size."""
    version = np.lib.format.read_magic(member)
    if version not in _HEADERS:
        raise ValueError(f"NPY version {version}, known are {sorted(_HEADERS)}")
    shape, fortran, dtype = _HEADERS[version](member)
    if dtype.hasobject:
        raise ValueError("it holds pickled objects")
    if dtype.kind == "V" or dtype.itemsize == 0:
        raise ValueError(f"it holds {dtype}, which is neither number nor text")
    needed, held = math.prod(shape) * dtype.itemsize, size - member.tell()
    if min(shape, default=0) < 0 or needed != held:
        raise ValueError(
            f"its header announces {dtype} of shape {shape}, {needed} bytes; it holds {held}"
        )
    return shape, fortran, dtype


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Read the JSON object stored under ``_metadata``; `DataError` where it is missing, not JSON, or over 16 MiB."""
    _check_metadata_size(path)
    text = read_npz(path, [METADATA])[METADATA]
    try:
        found = parse_json(str(text.item()), finite=False)
    except ValueError as error:
        raise DataError(
            f"{path}: key {METADATA!r} is not one JSON string ({first_line(error)})"
        ) from error
    if not isinstance(found, dict):
        raise DataError(
            f"{path}: key {METADATA!r} holds {type(found).__name__}, needed a JSON object"
        )
    return found


def _check_metadata_size(path: str | Path) -> None:
    if METADATA in member_names(path):
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(f"{METADATA}.npy").file_size
        if size > _METADATA_BYTES:
            raise DataError(
                f"{path}: key {METADATA!r} holds {size} bytes, needed at most {_METADATA_BYTES}"
            )


def member_names(path: str | Path) -> list[str]:
    """Return the keys of an NPZ without reading its arrays."""
    return [name.removesuffix(".npy") for name in check_zip(path) if name.endswith(".npy")]


def open_frames(path: str | Path, key: str = "counts") -> np.ndarray:
    """Map one stored member read-only; its checksum is verified once, block by block.

    Parameters
    ----------
    path : str or Path
        NPZ written by `write_npz`.
    key : str
        Member.

    Returns
    -------
    ndarray (memory map)
        The array; compressed members are read whole instead.
    """
    names = member_names(path)
    if key not in names:
        raise DataError(f"{path}: key {key!r} is missing; found {sorted(names)}, needed {[key]}")
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(f"{key}.npy")
            if info.compress_type != zipfile.ZIP_STORED:
                return _read_member(path, key)
            with archive.open(info) as member:
                while member.read(_BLOCK_BYTES):
                    pass
        return _map(path, info)
    except DataError:
        raise
    except READ_ERRORS as error:
        raise DataError(
            f"{path}: key {key!r} cannot be read ({first_line(error)}); needed: a plain array, undamaged"
        ) from error


def _map(path: str | Path, info: zipfile.ZipInfo) -> np.ndarray:
    with zipfile.ZipFile(path) as archive, archive.open(info) as member:
        shape, fortran, dtype = _header(member, info.file_size)
        header = member.tell()
    with open(path, "rb") as file:
        file.seek(info.header_offset)
        name_length, extra_length = struct.unpack("<26xHH", file.read(30))
    start = info.header_offset + 30 + name_length + extra_length + header
    return np.memmap(
        path, dtype=dtype, mode="r", offset=start, shape=shape, order="F" if fortran else "C"
    )
