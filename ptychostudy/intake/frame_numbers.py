"""Frames and positions that are numbered: each frame goes with the position of its number."""

from dataclasses import replace

import numpy as np

from ptychostudy.formats.frames import FRAME_KEYS
from ptychostudy.formats.mask_keys import MASK_KEYS
from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.user_file import UserFile
from ptychostudy.intake.doubts import Doubts
from ptychostudy.io.spool import taken

_NUMBERS = ("frame_index", "position_index")
# Of no shape that an array of a scan has.
_NONE = np.zeros(())


def paired(file: UserFile, doubts: Doubts) -> UserFile:
    """Return a file in which frames and positions stand in one order, one of each a number.

    What has no partner is left out, and said. Files that number neither are left as they are.

    Parameters
    ----------
    file : UserFile
        With ``frame_index`` or ``position_index`` among what it states.
    doubts : Doubts

    Raises
    ------
    DataError
        If numbers repeat, or are not one for each, or none is on both sides.
    """
    key = next((key for key in FRAME_KEYS if key in file.arrays), "")
    numbered = any(name in file.declared for name in _NUMBERS)
    # What is no stack of frames, or no row of positions, is refused for that.
    ranks = [file.arrays.get(name, _NONE).ndim for name in (key, *COORDINATES)]
    if not numbered or ranks != [3, 1, 1]:
        return file
    frames = _numbers(file, "frame_index", len(file.arrays[key]), doubts)
    places = _numbers(file, "position_index", len(file.arrays[COORDINATES[0]]), doubts)
    if np.array_equal(frames, places):
        return file
    common, of_frames, of_places = np.intersect1d(frames, places, return_indices=True)
    if not len(common):
        doubts.refuse(
            f"frames are numbered {_range(frames)}, positions {_range(places)}; "
            "needed: the same numbers"
        )
    _say_left_out(len(frames), len(places), len(common), doubts)
    return replace(file, arrays=_only(file, key, of_frames, of_places))


def _numbers(file: UserFile, name: str, length: int, doubts: Doubts) -> np.ndarray:
    """Return the numbers of frames or positions; where they have none they are counted from 0."""
    numbers = np.asarray(file.declared.get(name, np.arange(length)))
    what = "frames" if name == "frame_index" else "positions"
    whole = numbers.dtype.kind in "iu" or _are_whole(numbers)
    if numbers.shape != (length,) or not whole:
        doubts.refuse(
            f"{length} {what} have numbers of shape {numbers.shape} and type {numbers.dtype}; "
            "needed: one whole number each"
        )
    repeated = length - len(np.unique(numbers))
    if repeated:
        doubts.refuse(
            f"{repeated} of {length} {what} repeat the number of another; needed: one each"
        )
    return numbers


def _are_whole(numbers: np.ndarray) -> bool:
    return numbers.dtype.kind == "f" and np.array_equal(numbers, np.rint(numbers))


def _range(numbers: np.ndarray) -> str:
    return f"{int(numbers.min())} to {int(numbers.max())}" if len(numbers) else "not at all"


def _say_left_out(frames: int, places: int, common: int, doubts: Doubts) -> None:
    doubts.say(
        f"{frames} frames and {places} positions are paired by their numbers: {common} pairs"
    )
    doubts.done["paired"] = {"frames": frames, "positions": places, "pairs": common}


def _only(
    file: UserFile, key: str, of_frames: np.ndarray, of_places: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the arrays with the frames and the positions of a pair in one order."""
    stack = file.arrays[key]
    # A mask for each frame goes with it.
    with_frames = [name for name in MASK_KEYS if file.arrays.get(name, _NONE).shape == stack.shape]
    arrays = dict(file.arrays)
    for name in (key, *with_frames):
        arrays[name] = taken(arrays[name], of_frames)
    for name in COORDINATES:
        arrays[name] = arrays[name][of_places]
    return arrays
