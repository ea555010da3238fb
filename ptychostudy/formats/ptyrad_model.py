"""Reader of PtyRAD's models (``model_iter*.hdf5``): object, probe and positions in pixels.

Measured of PtyRAD 1.0.0: ``crop_pos`` are corners (row, col) of windows in whole pixels,
``probe_pos_shifts`` what is left of a position; the object is ``obja exp(i objp)``; lengths are in
angstrom.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree
from ptychostudy.formats.reader_fields import (
    has_all,
    needed_array,
    one_layer,
    pairs,
    probe_modes,
)
from ptychostudy.formats.user_file import OBJECT, PROBE, UserFile
from ptychostudy.io.atomic import DataError

NAME = "PtyRAD model"
_ANGSTROM_M = 1e-10
_TENSORS = "optimizable_tensors"
_CORNERS = "model_attributes/crop_pos"


def recognises(file: Any) -> bool:
    """Whether this is a model of PtyRAD."""
    return has_all(file, f"{_TENSORS}/probe", _CORNERS)


def read(path: str | Path, file: Any) -> UserFile:
    """Read object, probe and positions.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
        If the object has several layers or modes.
    """
    tree = Tree(path, file)
    probe = _probe(tree)
    found = Gathered(path)
    found.put(PROBE, f"{_TENSORS}/probe", probe)
    found.put(OBJECT, f"{_TENSORS}/obja", _object(tree))
    rows, cols = (_corners(tree) + probe.shape[-1] / 2).T
    found.put_positions([_CORNERS, _CORNERS], [rows, cols], "px")
    found.declared["origin_px"] = [0.0, 0.0]
    pixel = tree.number("model_attributes/dx")
    found.state("pixel_size_m", None if pixel is None else pixel * _ANGSTROM_M)
    return found.file(NAME, tree.others())


def _probe(tree: Tree) -> np.ndarray:
    name = f"{_TENSORS}/probe"
    probe = needed_array(tree, name)
    # Before it is saved torch's pair of real numbers is made complex; a raw one is a pair still.
    if probe.dtype.kind == "f" and probe.ndim > 3 and probe.shape[-1] == 2:
        probe = probe[..., 0] + 1j * probe[..., 1]
    return probe_modes(tree.path, name, probe)


def _corners(tree: Tree) -> np.ndarray:
    """Return first pixels of the windows with their fractions, (k, 2)."""
    corners = pairs(tree.path, _CORNERS, needed_array(tree, _CORNERS))
    name = f"{_TENSORS}/probe_pos_shifts"
    shifts = tree.array(name)
    if shifts is None:
        return corners
    shifts = pairs(tree.path, name, shifts)
    if shifts.shape != corners.shape:
        raise DataError(
            f"{tree.path}: key {name!r} has shape {shifts.shape}, {_CORNERS!r} {corners.shape}; "
            "needed: one shift for each"
        )
    return np.asarray(corners + shifts)


def _object(tree: Tree) -> np.ndarray | None:
    amplitude, phase = (tree.array(f"{_TENSORS}/{name}") for name in ("obja", "objp"))
    if amplitude is None or phase is None:
        return None
    real = amplitude.dtype.kind == phase.dtype.kind == "f"
    if amplitude.shape != phase.shape or not real:
        raise DataError(
            f"{tree.path}: keys 'obja' and 'objp' are {amplitude.dtype} of shape "
            f"{amplitude.shape} and {phase.dtype} of shape {phase.shape}; "
            "needed: real numbers of one shape"
        )
    with np.errstate(invalid="ignore"):  # what is not finite is refused as such
        field = amplitude * np.exp(1j * phase)
    return one_layer(tree.path, f"{_TENSORS}/obja", field)
