"""What a user's file must hold, and where to say it lies if it is called otherwise."""

from pathlib import Path

from ptychostudy.formats.frames import FRAME_KEYS
from ptychostudy.formats.user_file import UserFile
from ptychostudy.intake.doubts import Doubts
from ptychostudy.io.atomic import DataError

_ALWAYS = ("xcoords", "ycoords", "probeGuess")


def check_keys(path: str | Path, file: UserFile) -> None:
    """Refuse a file without positions or a probe.

    Raises
    ------
    DataError
    """
    missing = [key for key in _ALWAYS if key not in file.arrays]
    if missing:
        raise DataError(
            f"{path}: key {missing[0]!r} is missing; found {file.held()}, needed "
            f"{', '.join(_ALWAYS)}: {_where(missing[0])}"
        )


def check_measured(file: UserFile, doubts: Doubts) -> None:
    """Refuse a file without the frames that are to be thinned.

    Raises
    ------
    DataError
    """
    if not any(key in file.arrays for key in FRAME_KEYS):
        doubts.refuse(
            f"keys {', '.join(map(repr, FRAME_KEYS))} are missing, one of which holds the frames; "
            f"found {file.held()}, needed one: {_where(FRAME_KEYS[0])}"
        )


def check_object(file: UserFile, doubts: Doubts) -> None:
    """Refuse a file without the object that frames are to be simulated of.

    Raises
    ------
    DataError
    """
    if "objectGuess" not in file.arrays:
        doubts.refuse(
            "key 'objectGuess' is missing; needed to simulate frames "
            f"(or set base.frames: measured); found {file.held()}"
        )


def _where(key: str) -> str:
    return (
        "here, or in a further file (base.npz.path: [one, another]), or where base.npz.keys says "
        f"(base.npz.keys: {{{key}: path/in/the/file}})"
    )
