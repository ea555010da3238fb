"""What the members of an NPZ say of themselves, without their numbers."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

from ptychostudy.io.npy import Header, Pickled, read_header
from ptychostudy.io.zips import READ_ERRORS


def member_headers(path: str | Path, names: Iterable[str]) -> dict[str, Header]:
    """Return shape and type of members of an NPZ whose directory has been checked.

    What is no plain array, such as pickled objects, is left out: nobody has asked for it.

    Parameters
    ----------
    path : str or Path
    names : iterable of str
    """
    headers = {}
    with zipfile.ZipFile(path) as zip_file:
        for name in names:
            try:
                info = zip_file.getinfo(f"{name}.npy")
                with zip_file.open(info) as member:
                    headers[name] = read_header(member, info.file_size)
            except READ_ERRORS:
                continue
    return headers


def is_pickled(path: str | Path, name: str) -> bool:
    """Say whether a member of an NPZ holds pickled objects; nothing of them is opened."""
    with zipfile.ZipFile(path) as zip_file:
        try:
            info = zip_file.getinfo(f"{name}.npy")
            with zip_file.open(info) as member:
                read_header(member, info.file_size)
        except Pickled:
            return True
        except READ_ERRORS:
            # Who reads it says what is wrong with it: of a torn member its own header is none.
            return False
    return False
