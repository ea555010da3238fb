"""Reader of plain NPZ files, whose arrays have our own names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ptychostudy.formats.user_file import KNOWN, UserFile
from ptychostudy.io.arrays import METADATA, read_metadata, read_npz

NAME = "NPZ or HDF5"


def recognises(file: Any) -> bool:
    """Whether this is the open format: any NPZ that is of no other."""
    return isinstance(file, list)


def read(path: str | Path, file: Sequence[str]) -> UserFile:
    """Read the arrays of known names.

    Parameters
    ----------
    path : str or Path
    file : sequence of str
        Names of its members.

    Raises
    ------
    DataError
    """
    # Not used, but read: damage is then said of the file, wherever it is.
    if METADATA in file:
        read_metadata(path)
    arrays = read_npz(path, [name for name in file if name in KNOWN])
    others = [name for name in file if name not in arrays and name != METADATA]
    return UserFile(arrays, sorted(others), format=NAME)
