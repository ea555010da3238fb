"""NPY arrays, alone or as members of an NPZ: read block by block, and no further than they say."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_BLOCK_BYTES = 1 << 22
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Header:
    """What an NPY array says of itself before its numbers.

    Attributes
    ----------
    shape : tuple of int
    fortran_order : bool
        The first axis runs fastest in the file.
    dtype : dtype
    """

    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]

    @property
    def data_bytes(self) -> int:
        """Bytes of the numbers that follow."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: Any, size: int) -> Header:
    """Read the header of an NPY array; refuse pickles and a shape that does not fit its size.

    Parameters
    ----------
    stream : file of bytes
        At its beginning; left where the numbers begin.
    size : int
        Bytes that the stream claims to hold.

    Raises
    ------
    ValueError
    """
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"NPY version {version}, known are {sorted(_HEADERS)}")
    header = Header(*_HEADERS[version](stream))
    _check_dtype(header.dtype)
    # Before anything is reserved: a header of a few bytes can announce any size.
    _check_size(header, size - stream.tell())
    return header


class Pickled(ValueError):
    """An array of Python's objects: to open it is to run what it says."""


def _check_dtype(dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise Pickled("it holds pickled objects")
    if dtype.kind == "V" or dtype.itemsize == 0:
        raise ValueError(f"it holds {dtype}, which is neither number nor text")


def _check_size(header: Header, held: int) -> None:
    if min(header.shape, default=0) < 0 or header.data_bytes != held:
        raise ValueError(
            f"its header announces {header.dtype} of shape {header.shape}, "
            f"{header.data_bytes} bytes; it holds {held}"
        )


def read_npy(
    stream: Any, size: int, new: Callable[[int, type], np.ndarray] = np.empty
) -> np.ndarray:
    """Read one NPY array to the last byte of its stream, block by block.

    Parameters
    ----------
    stream : file of bytes
        Reading a zip member to its very end is what makes `zipfile` compare the checksum.
    size : int
        Bytes that the stream claims to hold.
    new : callable
        Returns room for so many bytes, in memory by default.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError, EOFError
        If it holds pickles, or more or less than its header says; other errors are in
        `io.zips.READ_ERRORS`.
    """
    header = read_header(stream, size)
    data = new(header.data_bytes, np.uint8)
    _fill(data, stream)
    if stream.read(1):
        raise ValueError(f"it goes on after the {len(data)} bytes that its header announces")
    flat = data.view(header.dtype)
    # With the first axis fastest the numbers are rows of the transposed array.
    if header.fortran_order:
        return flat.reshape(header.shape[::-1]).T
    return flat.reshape(header.shape)


def _fill(data: np.ndarray, stream: Any) -> None:
    filled = 0
    while filled < len(data):
        block = stream.read(min(_BLOCK_BYTES, len(data) - filled))
        if not block:
            raise EOFError(f"it ends after {filled} of {len(data)} bytes")
        end = filled + len(block)
        data[filled:end] = np.frombuffer(block, np.uint8)
        filled = end


def read_through(stream: Any) -> None:
    """Read a stream to its end and keep nothing, so that `zipfile` compares the checksum."""
    while stream.read(_BLOCK_BYTES):
        pass
