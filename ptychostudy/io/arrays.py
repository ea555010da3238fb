"""NPZ files: written with fixed bytes, read without pickle, frames mapped instead of loaded."""

import json
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.atomic import DataError, atomic
from ptychostudy.io.mapped import Mapped, blocks
from ptychostudy.io.npy import read_header, read_npy, read_through
from ptychostudy.io.strict_json import parse_json
from ptychostudy.io.zips import READ_ERRORS, check_zip, first_line

METADATA = "_metadata"
# JSON text is stored as four bytes a character.
_METADATA_BYTES = 16 << 20
# What a zip file puts before each member: 26 bytes, the lengths of its name and of its extra field.
_LOCAL_HEADER = struct.Struct("<26xHH")


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
        Members in the order given; a callable is asked for its array when its turn comes, so that
        it may depend on what was streamed before. Object arrays are refused.
    metadata : mapping, optional
        Stored as one JSON string under ``_metadata``.
    """
    with (
        atomic(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as zip_file,
    ):
        for name, value in arrays.items():
            with zip_file.open(_member(name), "w", force_zip64=True) as member:
                _write_member(member, name, value)
        if metadata is not None:
            text = json.dumps(metadata, sort_keys=True)
            with zip_file.open(_member(METADATA), "w") as member:
                _write_member(member, METADATA, text)


def _member(name: str) -> zipfile.ZipInfo:
    # Made by hand it bears no time, so that the same content gives the same bytes.
    return zipfile.ZipInfo(f"{name}.npy")


def _write_member(member: Any, name: str, value: Any) -> None:
    if isinstance(value, Stream):
        _write_stream(member, name, value)
        return
    array = value() if callable(value) else value
    if isinstance(array, Mapped) and array.flags.c_contiguous and array.ndim:
        _write_stream(member, name, Stream(array.shape, array.dtype.str, blocks(array)))
        return
    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)


def _write_stream(member: Any, name: str, stream: Stream) -> None:
    np.lib.format.write_array_header_1_0(member, _header_of(stream))
    written = 0
    for block in stream.blocks:
        _check_block(name, block, stream)
        member.write(np.ascontiguousarray(block).tobytes())
        written += len(block)
    if written != stream.shape[0]:
        raise ValueError(f"{name}: {written} entries were written, {stream.shape[0]} announced")


def _header_of(stream: Stream) -> dict[str, Any]:
    descr = np.lib.format.dtype_to_descr(np.dtype(stream.dtype))
    return {"descr": descr, "fortran_order": False, "shape": stream.shape}


def _check_block(name: str, block: np.ndarray, stream: Stream) -> None:
    dtype = np.dtype(stream.dtype)
    rest = stream.shape[1:]
    if block.shape[1:] != rest or block.dtype != dtype:
        raise ValueError(
            f"{name}: a block has shape {block.shape} and type {block.dtype}, needed {rest} {dtype}"
        )


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
    held = member_names(path)
    names = _without_metadata(held) if keys is None else list(keys)
    _check_keys(path, names, held)
    return {key: _read_member(path, key) for key in names}


def _without_metadata(names: Iterable[str]) -> list[str]:
    return [name for name in names if name != METADATA]


def _check_keys(path: str | Path, needed: Sequence[str], held: Sequence[str]) -> None:
    missing = [key for key in needed if key not in held]
    if missing:
        raise DataError(
            f"{path}: key {missing[0]!r} is missing; found {sorted(held)}, needed {sorted(needed)}"
        )


def _read_member(
    path: str | Path, key: str, new: Callable[[int, type], np.ndarray] = np.empty
) -> np.ndarray:
    try:
        with zipfile.ZipFile(path) as zip_file:
            info = zip_file.getinfo(f"{key}.npy")
            with zip_file.open(info) as member:
                return read_npy(member, info.file_size, new)
    except DataError:
        raise
    except READ_ERRORS as error:
        raise _unreadable(path, key, error) from error


def _unreadable(path: str | Path, key: str, error: BaseException) -> DataError:
    return DataError(
        f"{path}: key {key!r} cannot be read ({first_line(error)}); "
        "needed: a plain array, undamaged"
    )


def read_metadata(path: str | Path, keys: Iterable[str] = ()) -> dict[str, Any]:
    """Read the JSON object stored under ``_metadata`` and check that it holds the given keys.

    Raises
    ------
    DataError
        If it is missing, not JSON, or over 16 MiB, or lacks a key: the file is another than needed.
    """
    _check_metadata_size(path)
    text = read_npz(path, [METADATA])[METADATA]
    metadata = _parsed(path, text)
    if not isinstance(metadata, dict):
        kind = type(metadata).__name__
        raise DataError(f"{path}: key {METADATA!r} holds {kind}, needed a JSON object")
    missing = [key for key in keys if key not in metadata]
    if missing:
        raise DataError(
            f"{path}: key {METADATA!r} lacks {missing[0]!r}, found {sorted(metadata)}; "
            "needed: a file of another kind"
        )
    return metadata


def _parsed(path: str | Path, text: np.ndarray) -> Any:
    try:
        # Records of a training that failed may hold NaN.
        return parse_json(str(text.item()), finite=False)
    except ValueError as error:
        why = first_line(error)
        raise DataError(f"{path}: key {METADATA!r} is not one JSON string ({why})") from error


def _check_metadata_size(path: str | Path) -> None:
    if METADATA not in member_names(path):
        return
    with zipfile.ZipFile(path) as zip_file:
        size = zip_file.getinfo(f"{METADATA}.npy").file_size
    if size > _METADATA_BYTES:
        raise DataError(
            f"{path}: key {METADATA!r} holds {size} bytes, needed at most {_METADATA_BYTES}"
        )


def member_names(path: str | Path) -> list[str]:
    """Return the keys of an NPZ without reading its arrays."""
    return [name.removesuffix(".npy") for name in check_zip(path) if name.endswith(".npy")]


def open_frames(
    path: str | Path, key: str = "counts", new: Callable[[int, type], np.ndarray] = np.empty
) -> np.ndarray:
    """Map one stored member read-only; its checksum is verified once, block by block.

    Parameters
    ----------
    path : str or Path
        NPZ, such as `write_npz` writes it.
    key : str
        Member.
    new : callable
        Returns room for so many bytes, into which a compressed member is read; in memory by
        default.

    Returns
    -------
    ndarray
        `Mapped` where the member is stored.
    """
    _check_keys(path, [key], member_names(path))
    try:
        with zipfile.ZipFile(path) as zip_file:
            info = zip_file.getinfo(f"{key}.npy")
            stored = info.compress_type == zipfile.ZIP_STORED
            if stored:
                with zip_file.open(info) as member:
                    read_through(member)
        return _map(path, info) if stored else _read_member(path, key, new)
    except DataError:
        raise
    except READ_ERRORS as error:
        raise _unreadable(path, key, error) from error


def _map(path: str | Path, info: zipfile.ZipInfo) -> np.ndarray:
    with zipfile.ZipFile(path) as zip_file, zip_file.open(info) as member:
        header = read_header(member, info.file_size)
        header_bytes = member.tell()
    return Mapped(
        path,
        dtype=header.dtype,
        mode="r",
        offset=_member_start(path, info) + header_bytes,
        shape=header.shape,
        order="F" if header.fortran_order else "C",
    )


def _member_start(path: str | Path, info: zipfile.ZipInfo) -> int:
    # The lengths before the member count; those in the directory at the end of the file may differ.
    with open(path, "rb") as file:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER.size)
    lengths: tuple[int, int] = _LOCAL_HEADER.unpack(header)
    return info.header_offset + len(header) + sum(lengths)
