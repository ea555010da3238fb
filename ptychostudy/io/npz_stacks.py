"""Arrays of users' NPZ files, of which stacks of frames too long for memory stay in files."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ptychostudy.io.arrays import open_frames, read_npz
from ptychostudy.io.npz_headers import member_headers
from ptychostudy.io.spool import is_long_stack, new_array


def open_npz(path: str | Path, keys: Iterable[str]) -> dict[str, np.ndarray]:
    """Read arrays of an NPZ as `read_npz` does; long stacks are mapped.

    Parameters
    ----------
    path : str or Path
    keys : iterable of str
        Wanted members.

    Returns
    -------
    dict of str to ndarray
        `Mapped` where one lies in a file: in this one where it is stored, unpacked into a temporary
        one where it is compressed.

    Raises
    ------
    DataError
        As by `read_npz`, and where there is no room for what is unpacked.
    """
    names = list(keys)
    # What has no header is refused by who reads it.
    headers = member_headers(path, names)
    long = [key for key, each in headers.items() if is_long_stack(each.shape, each.dtype)]
    arrays = read_npz(path, [key for key in names if key not in long])
    arrays |= {key: open_frames(path, key, new_array) for key in long}
    return {key: arrays[key] for key in names}
