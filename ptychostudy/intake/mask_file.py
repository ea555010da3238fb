"""A file of its own for the mask of a detector: NPZ or HDF5, one NPY array, or a picture."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ptychostudy.formats.mask_keys import MASK_KEYS
from ptychostudy.formats.npy_file import is_npy, read_npy_file
from ptychostudy.formats.picture import read_image
from ptychostudy.formats.readers import load_user_file
from ptychostudy.intake.masks import MaskFile
from ptychostudy.intake.named_keys import read_named
from ptychostudy.io.atomic import DataError, plain_size

_PICTURES = (".png", ".tif", ".tiff")
# As `load_user_file` describes what is in an HDF5 file.
_DESCRIBED = re.compile(r"^(?P<name>.+) \((?P<rows>\d+), (?P<cols>\d+)\) \S+$")
_Fits = Callable[[tuple[int, ...]], bool]
_NEEDED = "NPZ, NPY or HDF5, or a PNG or TIFF picture"


def read_mask_file(path: str | Path, side: int | None) -> MaskFile:
    """Read the masks of a file: arrays whose names say so, or else the only one of their shape.

    Parameters
    ----------
    path : str or Path
    side : int or None
        Pixels on a side of the frames, where that is known; None looks for any picture.

    Raises
    ------
    DataError
        If there is none, or more than one of which no name says that it is it.
    """
    plain_size(path)
    if _is_picture(path):
        return MaskFile(Path(path), {"picture": _two_greys(path)})
    if is_npy(path):
        return MaskFile(Path(path), {"array": read_npy_file(path, _NEEDED)})
    return MaskFile(Path(path), _arrays(path, side))


def without_mask(paths: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the files of a scan, and among them the one that can only be the detector's mask.

    A picture, or an array without a name: no program keeps a scan in one.

    Parameters
    ----------
    paths : sequence of str

    Raises
    ------
    DataError
        If there are several, or nothing else.
    """
    masks = []
    for path in paths:
        plain_size(path)
        if _is_picture(path) or is_npy(path):
            masks.append(path)
    scan = [path for path in paths if path not in masks]
    if masks and not scan:
        raise DataError(
            f"{', '.join(masks)}: an array without a name or a picture, which can only be the mask "
            "of a scan; needed: the scan's own files beside it"
        )
    if len(masks) > 1:
        raise DataError(
            f"{', '.join(masks)}: each can only be the detector's mask; needed: one mask, or all "
            "arrays under their names in one NPZ or HDF5 file"
        )
    return scan, masks[0] if masks else None


def _is_picture(path: str | Path) -> bool:
    return Path(path).suffix.lower() in _PICTURES


def _two_greys(path: str | Path) -> np.ndarray:
    grey = read_image(path)
    found = len(np.unique(grey))
    if found != 2:
        raise DataError(
            f"{path}: a picture of {found} different greys; needed: a mask of two, one of them for "
            "bad pixels"
        )
    # Stretched to 0 and 1 by the reader.
    return np.asarray(grey > 0.5)


def _arrays(path: str | Path, side: int | None) -> dict[str, np.ndarray]:
    file = load_user_file(path)
    masks = {key: file.arrays[key] for key in MASK_KEYS if key in file.arrays}
    if masks:
        return masks
    fitting = _fitting(path, file.others, side)
    if len(fitting) != 1:
        several = f"several arrays that can be the mask, {sorted(fitting)}"
        shape = "(N, N)" if side is None else f"({side}, {side})"
        raise DataError(
            f"{path}: holds {several if fitting else f'no array of shape {shape}'}; "
            f"needed: one, or one called {', '.join(MASK_KEYS)}; found {file.held()}"
        )
    # Deeper in a file its last name may say what it marks.
    ((name, mask),) = fitting.items()
    return {name.rsplit("/", 1)[-1]: mask}


def _fitting(path: str | Path, others: list[str], side: int | None) -> dict[str, np.ndarray]:
    """Return the arrays that may be the mask among what a file holds under any name.

    Those of the study's side, or where there are none of any sides: a detector is cut to that side
    only later, and its mask with it.
    """
    return _of_shape(path, others, lambda shape: _square(shape, side)) or _of_shape(
        path, others, lambda shape: len(shape) == 2
    )


def _of_shape(path: str | Path, others: list[str], fits: _Fits) -> dict[str, np.ndarray]:
    """Return the arrays of numbers among what a file holds whose shapes fit."""
    names = [_name(text, fits) for text in others]
    arrays = read_named(path, {name: name for name in names if name})
    return {
        name: array
        for name, array in arrays.items()
        if fits(array.shape) and array.dtype.kind in "biuf"
    }


def _name(text: str, fits: _Fits) -> str:
    """Return the name of what is described, or nothing where its shape does not fit."""
    match = _DESCRIBED.match(text)
    if match is None:
        return text
    return match["name"] if fits((int(match["rows"]), int(match["cols"]))) else ""


def _square(shape: tuple[int, ...], side: int | None) -> bool:
    """Whether a shape has two equal sides, of that length where it is known."""
    return len(shape) == 2 and shape[0] == shape[1] and side in (None, shape[0])
