"""The object beside measured frames: it says where positions count from, and nothing else."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.positions import read_positions
from ptychostudy.formats.scan import check_object, left_windows
from ptychostudy.formats.user_file import OBJECT, PROBE
from ptychostudy.intake.doubts import Doubts
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.orientation import ORIENTATIONS

if TYPE_CHECKING:
    from ptychostudy.study.sections.npz import NpzSettings


def says_origin(arrays: Mapping[str, np.ndarray], npz: "NpzSettings", doubts: Doubts) -> bool:
    """Say whether the windows of a measured scan lie on the object of its file.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Coordinates (k,) in object pixels, ``probeGuess`` (N, N), and ``objectGuess`` (H, W) of a
        file that has one.
    npz : NpzSettings
    doubts : Doubts

    Raises
    ------
    DataError
        If it is no object, or windows leave it, and nobody has looked at that.
    """
    positions = read_positions(arrays).astype(np.float64)
    # What is no place is refused by its name later.
    if OBJECT not in arrays or not np.isfinite(positions).all():
        return True
    object_ = arrays[OBJECT]
    try:
        check_object(doubts.path, object_)
    except DataError as error:
        doubts.doubt("object", str(error).removeprefix(f"{doubts.path}: "))
        return False
    n = len(arrays[PROBE])
    text = left_windows(object_.shape, positions, n)
    if not text:
        return True
    _doubt(text, _inside(object_.shape, positions, n), npz, doubts)
    return False


def _doubt(text: str, words: list[str], npz: "NpzSettings", doubts: Doubts) -> None:
    """Doubt positions that leave the object, with the layout (`words`) in which they do not."""
    if not words:
        doubts.doubt("object", text)
        return
    # Where the user, or the frames, have said how positions are laid out, that stands.
    cure = {} if "orient_positions" in npz.model_fields_set else {"orient_positions": words}
    keys = f"base.npz.orient_positions: [{', '.join(words)}]"
    doubts.doubt("object", f"{text}, as they all are by {keys}", cure)


def _inside(shape: tuple[int, ...], positions: np.ndarray, n: int) -> list[str]:
    """Return the plainest layout of positions (k, 2) in which all windows lie on an object.

    Nothing where there is none, or several are as plain: then the object does not tell.
    """
    fitting = [
        each for each in ORIENTATIONS if not left_windows(shape, each.of_positions(positions), n)
    ]
    least = min((each.changes for each in fitting), default=0)
    plainest = [each for each in fitting if each.changes == least]
    return plainest[0].words if len(plainest) == 1 else []
