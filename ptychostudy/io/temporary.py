"""Temporary files, in the folder that ``TMPDIR`` names.

They have no name, so that they are gone with what uses them, even where a job is killed.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator

from ptychostudy.io.atomic import DataError


@contextlib.contextmanager
def room_for(what: str, needed: str) -> Iterator[None]:
    """Say which folder has no room for something.

    Parameters
    ----------
    what : str
        What is too large for memory.
    needed : str
        How much room.

    Raises
    ------
    DataError
        In place of an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{_folder()}: no room for {what} that are too many for memory "
            f"({error.strerror or error}); needed: {needed} in this folder for "
            "temporary files, or TMPDIR set to a folder that has as much"
        ) from error


def _folder() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:
        return os.environ.get("TMPDIR", "TMPDIR")
