"""Arrays that are too large for memory, read from their files a part at a time, and not mapped.

What was looked at of a mapped file counts as memory of the process, and with it sixteen pages about
each place.
"""

import contextlib
import os
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from io import FileIO
from pathlib import Path

import numpy as np

from ptychostudy.io.atomic import DataError
from ptychostudy.io.mapped import Mapped


class Stored:
    """An array in a file, which is closed with it.

    Parameters
    ----------
    file : FileIO
        Without a buffer.
    dtype : dtype
    shape : tuple of int
        The array lies in the order of C.
    offset : int
        Byte of the file at which it begins.
    """

    def __init__(
        self, file: FileIO, dtype: np.dtype, shape: tuple[int, ...], offset: int = 0
    ) -> None:
        self.shape = shape
        self._number, self._offset = file.fileno(), offset
        self._dtype, self._item = dtype, shape[1:]
        self._bytes = dtype.itemsize * int(np.prod(self._item))
        weakref.finalize(self, file.close)

    def __len__(self) -> int:
        """Return the length of the first axis."""
        return self.shape[0]

    def __getitem__(self, part: int | slice, /) -> np.ndarray:
        """Return one item, or some beside each other, in memory."""
        shape = self._item
        if isinstance(part, slice):
            start, stop, _ = part.indices(self.shape[0])
            shape = (max(0, stop - start), *shape)
        else:
            start = range(self.shape[0])[part]
        found = np.empty(shape, self._dtype)
        place = self._offset + start * self._bytes
        if os.preadv(self._number, [found.data], place) != found.nbytes:
            raise DataError(f"{part} of {len(self)} is not in its file; needed: the whole file")
        return found


def stored(array: np.ndarray) -> "np.ndarray | Stored":
    """Return an array that is mapped as one that is not; any other is returned as it is."""
    if not isinstance(array, Mapped) or not array.flags.c_contiguous:
        return array
    return Stored(FileIO(str(array.filename)), array.dtype, array.shape, array.offset)


def in_files(folder: Path) -> Callable[[Iterable[np.ndarray], type], Stored]:
    """Return what puts blocks (b,) one after the other into a file of a folder.

    The file has no name: it ends with what is returned for it, or with the process however that
    ends. A `DataError` says that the folder cannot be written, or is full.
    """

    def keep(blocks: Iterable[np.ndarray], dtype: type) -> Stored:
        with _explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # No buffer: nothing is left to be written when it is closed.
            file = tempfile.TemporaryFile(dir=folder, buffering=0)
        written = Stored(file, np.dtype(dtype), (0,))
        for block in blocks:
            with _explained(folder):
                _append(file, np.asarray(block, dtype).tobytes())
            written.shape = (len(written) + len(block),)
        return written

    return keep


def _append(file: FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        # A disk that fills up takes a part at first.
        left = left[file.write(left) :]


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder}: nothing can be kept here meanwhile ({error.strerror}); "
            "needed: a writable folder, free space and quota"
        ) from error
