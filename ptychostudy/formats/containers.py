"""What a file is by its first bytes, whatever it is called; HDF5 opened as detectors write it."""

import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ptychostudy.io.atomic import plain_size
from ptychostudy.io.hdf5 import open_hdf5

NPZ = "npz"
HDF5 = "hdf5"
UNKNOWN = "unknown"
_HDF5_NAMES = (".h5", ".hdf5", ".hdf")
_ZIP_NAMES = (".npz", ".zip")
# Files begin with these; HDF5 also after 512 bytes or a power of two more, as MATLAB's do.
_ZIP_BYTES = b"PK"
_HDF5_BYTES = b"\x89HDF\r\n\x1a\n"
_FIRST_USER_BLOCK, _LAST_USER_BLOCK = 512, 1 << 20


def container(path: str | Path) -> str:
    """Return what a file is by its first bytes, or by its name where these say nothing.

    Returns
    -------
    str
        `NPZ`, `HDF5` or `UNKNOWN`.
    """
    with contextlib.suppress(OSError):
        if _starts_with(path, 0, _ZIP_BYTES):
            return NPZ
        if any(_starts_with(path, place, _HDF5_BYTES) for place in _user_blocks(plain_size(path))):
            return HDF5
    # Damaged, perhaps: its reader says in what way.
    suffix = Path(path).suffix.lower()
    if suffix in _HDF5_NAMES:
        return HDF5
    return NPZ if suffix in _ZIP_NAMES or not Path(path).is_file() else UNKNOWN


@contextlib.contextmanager
def open_user_hdf5(path: str | Path) -> Iterator[Any]:
    """Open a user's HDF5 file for reading, with the filters of detectors where they are installed.

    Raises
    ------
    DataError
    """
    # It registers the filters with HDF5; without it their files are refused by name.
    with contextlib.suppress(ImportError):
        importlib.import_module("hdf5plugin")
    with open_hdf5(path, "a complete file") as file:
        yield file


def _user_blocks(size: int) -> Iterator[int]:
    yield 0
    place = _FIRST_USER_BLOCK
    while place < min(size, _LAST_USER_BLOCK):
        yield place
        place *= 2


def _starts_with(path: str | Path, place: int, signature: bytes) -> bool:
    plain_size(path)
    with open(path, "rb") as file:
        file.seek(place)
        return file.read(len(signature)) == signature
