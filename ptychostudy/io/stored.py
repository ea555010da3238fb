"""Arrays that are too large for memory, read from their files a part at a time, and not mapped.

What was looked at of a mapped file counts as memory of the process, and with it sixteen pages about
each place.
"""

import tempfile
import weakref
from collections.abc import Iterable
from io import FileIO

import numpy as np

from ptychostudy.io.atomic import DataError
from ptychostudy.io.mapped import Mapped
from ptychostudy.io.temporary import room_for


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
        self._file, self._offset = file, offset
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
        self._file.seek(self._offset + start * self._bytes)
        if self._file.readinto(found.data) != found.nbytes:
            raise DataError(f"{part} of {len(self)} is not in its file; needed: the whole file")
        return found


def stored(array: np.ndarray) -> "np.ndarray | Stored":
    """Return an array that is mapped as one that is not; any other is returned as it is."""
    if not isinstance(array, Mapped) or not array.flags.c_contiguous:
        return array
    return Stored(FileIO(str(array.filename)), array.dtype, array.shape, array.offset)


def in_file(blocks: Iterable[np.ndarray], dtype: type) -> Stored:
    """Put blocks (b,) one after the other into a temporary file; return them all.

    Raises
    ------
    DataError
        If there is no room for them.
    """
    with room_for("links of patches", "28 bytes for each"):
        # No buffer: nothing is left to be written when it is closed.
        file = tempfile.TemporaryFile(buffering=0)
    written = Stored(file, np.dtype(dtype), (0,))
    for block in blocks:
        with room_for("links of patches", "28 bytes for each"):
            _append(file, np.asarray(block, dtype).tobytes())
        written.shape = (len(written) + len(block),)
    return written


def _append(file: FileIO, content: bytes) -> None:
    left = memoryview(content)
    while left:
        # A disk that fills up takes a part at first.
        left = left[file.write(left) :]
