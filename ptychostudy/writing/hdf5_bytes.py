"""HDF5 files of the same bytes for the same content, written whole or not at all."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.atomic import atomic
from ptychostudy.io.mapped import Mapped
from ptychostudy.io.spool import parts_in

_BLOCK_BYTES = 1 << 20


@contextmanager
def new_hdf5(path: str | Path) -> Iterator[Any]:
    """Yield an empty HDF5 file; it appears under its name once it is filled."""
    with atomic(path) as temporary, open(temporary, "w+b", buffering=0) as raw:
        output = _Output(raw)
        try:
            with h5py.File(output, "w") as file:
                yield file
        finally:
            output.check()


class _Output(io.RawIOBase):
    """A file that HDF5 writes to; what goes wrong there is said once HDF5 is done with it.

    HDF5 would say it in words of its own, and cannot close a file that takes nothing more.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise what went wrong."""
        if self._error is not None:
            raise self._error

    def write(self, data: Any) -> int:
        """Write bytes, all of them."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while self._error is None and len(left):
                left = left[self._raw.write(left) :]
        except OSError as error:
            self._error = error
        return size

    def readinto(self, data: Any) -> int:
        """Read bytes; zeros where the file is shorter, as of one that could not be written."""
        room = memoryview(data).cast("B")
        found = int(self._raw.readinto(room) or 0)
        room[found:] = bytes(len(room) - found)
        return len(room)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place of the file."""
        return int(self._raw.seek(offset, whence))

    def tell(self) -> int:
        """Return the place in the file."""
        return int(self._raw.tell())

    def truncate(self, size: int | None = None) -> int:
        """Make the file as long as HDF5 says."""
        try:
            return int(self._raw.truncate(size))
        except OSError as error:
            self._error = self._error or error
            return size or 0


def put(file: Any, values: Mapping[str, Any]) -> None:
    """Write arrays, numbers and texts under their paths, in the order given."""
    for name, value in values.items():
        is_array = isinstance(value, np.ndarray) and value.size > 1
        # HDF5 has checksums for chunks only; it can keep the time of writing, too.
        options: dict[str, Any] = {"chunks": True, "fletcher32": True} if is_array else {}
        options["track_times"] = False
        if isinstance(value, Mapped):
            _fill(file.create_dataset(name, value.shape, value.dtype, **options), value)
        else:
            file.create_dataset(name, data=value, **options)


def _fill(dataset: Any, frames: np.ndarray) -> None:
    """Write frames (k, h, w) by whole chunks in the order that HDF5 gives them, a few at a time."""
    depth, height, _ = dataset.chunks
    k, rows, cols = frames.shape
    slab_bytes = min(depth, k) * height * cols * frames.itemsize
    step = height * max(1, _BLOCK_BYTES // slab_bytes)
    for first in range(0, k, depth):
        for row in range(0, rows, step):
            place = (slice(first, min(first + depth, k)), slice(row, min(row + step, rows)))
            # Of a mapped file all of a frame is in memory where a part of it is looked at.
            parts = [frames[part] for part in parts_in(frames, place)]
            dataset[place] = np.concatenate(parts)
