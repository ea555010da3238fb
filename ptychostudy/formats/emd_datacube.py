"""Reader of 4-D scans in EMD 1.0, as py4DSTEM writes them: frames on a regular grid.

Measured of py4DSTEM 0.14.18: the axes are (rows of the scan, its columns, rows of a frame, its
columns); what a step is stands in the calibration, in the unit named there. There is no probe.
"""

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.reader_fields import needed_array, number_if_any, real_stack, text_at
from ptychostudy.formats.user_file import UserFile
from ptychostudy.io.atomic import DataError

NAME = "EMD datacube"
_CALIBRATION = "metadatabundle/calibration"
_METRES = {
    "m": 1.0,
    "um": 1e-6,
    "\u00b5m": 1e-6,
    "nm": 1e-9,
    "A": 1e-10,
    "\u00c5": 1e-10,
    "pm": 1e-12,
}
# Of a turn: what is less moves no position by a pixel.
_TURNED_DEG = 1e-3


def recognises(file: Any) -> bool:
    """Whether a root of EMD holds four-dimensional data."""
    return isinstance(file, h5py.File) and bool(_cubes(file))


def read(path: str | Path, file: Any) -> UserFile:
    """Read frames and, where it is calibrated, their grid.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
        If there are several datacubes.
    """
    tree = Tree(path, file)
    cube = _only(tree, _cubes(file))
    name = f"{cube}/data"
    data = real_stack(path, name, needed_array(tree, name), rank=4)
    rows, cols, height, width = data.shape
    calibration = f"{cube.split('/')[0]}/{_CALIBRATION}"
    step = _length_m(tree, f"{calibration}/R_pixel")
    found = Gathered(path)
    found.put_frames(name, data.reshape(rows * cols, height, width))
    found.notes.append(f"{rows} x {cols} frames of {name} taken row by row")
    if step is None:
        found.notes.append("the step of the scan is not calibrated, so it holds no positions")
    else:
        place = f"{calibration}/R_pixel_size"
        found.put_positions([place, place], _grid(rows, cols, step), "m")
    found.state("pixel_size_m", _object_pixel_m(tree, calibration, width))
    found.doubts.update(_turned(tree, calibration))
    return found.file(NAME, [text for text in tree.others() if "/dim" not in text])


def _cubes(file: Any) -> list[str]:
    """Return the groups that hold four-dimensional data, in a root that says what it is."""
    found = []
    for root in file:
        group = item_at(file, root)
        if not isinstance(group, h5py.Group) or "emd_group_type" not in group.attrs:
            continue
        names = [f"{root}/{name}" for name in group]
        found += [name for name in names if _rank(item_at(file, f"{name}/data")) == 4]
    return found


def _rank(item: Any) -> int:
    shape = item.shape if isinstance(item, h5py.Dataset) else None
    return len(shape) if shape is not None else 0


def _only(tree: Tree, cubes: list[str]) -> str:
    if len(cubes) != 1:
        raise DataError(
            f"{tree.path}: holds {len(cubes)} datacubes ({', '.join(cubes[:10])}); needed: one, or "
            "base.npz.keys with the path of one"
        )
    return cubes[0]


def _grid(rows: int, cols: int, step_m: float) -> list[np.ndarray]:
    """Return rows and columns of a raster in metres, row by row."""
    row, col = np.indices((rows, cols)).reshape(2, -1) * step_m
    return [row, col]


def _length_m(tree: Tree, name: str) -> float | None:
    """Return a calibrated pixel in metres; None where its unit is none of length."""
    size = number_if_any(tree, f"{name}_size")
    unit = text_at(tree, f"{name}_units")
    return size * _METRES[unit] if size and size > 0 and unit in _METRES else None


def _object_pixel_m(tree: Tree, calibration: str, n: int) -> float | None:
    """Return ``1 / (n dq)`` for a detector calibrated in inverse lengths, as 'A^-1' or '1/A'."""
    size = number_if_any(tree, f"{calibration}/Q_pixel_size")
    unit = text_at(tree, f"{calibration}/Q_pixel_units").removesuffix("^-1").removeprefix("1/")
    return _METRES[unit] / (n * size) if size and size > 0 and unit in _METRES else None


def _turned(tree: Tree, calibration: str) -> dict[str, str]:
    """Return what is doubtful of a scan whose axes are not those of the detector."""
    radians = number_if_any(tree, f"{calibration}/QR_rotation") or 0.0
    degrees = number_if_any(tree, f"{calibration}/QR_rotation_degrees") or math.degrees(radians)
    flip = bool(number_if_any(tree, f"{calibration}/QR_flip"))
    if abs(degrees) < _TURNED_DEG and not flip:
        return {}
    return {
        "axes": f"its calibration says that the detector is turned by {degrees:g} degrees against "
        f"the scan{' and flipped' if flip else ''}, and its grid is not; needed: positions along "
        "the detector's axes, in a file of their own"
    }
