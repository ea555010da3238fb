"""Reader of PtyLab's measurements: frames, encoder positions and geometry.

Measured of PtyLab 0.3.7: frames are intensities, the zero frequency in the centre; ``encoder`` is
(row, col) in metres from the middle of the object; all lengths are in metres.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree
from ptychostudy.formats.reader_fields import has_all, needed_array, pairs, real_stack
from ptychostudy.formats.user_file import UserFile
from ptychostudy.io.atomic import DataError
from ptychostudy.io.spool import changed
from ptychostudy.physics.photon_energy import energy_ev

NAME = "PtyLab measurement"
_TRANSPOSED, _ROWS, _COLUMNS = 4, 2, 1


def recognises(file: Any) -> bool:
    """Whether this is a measurement for PtyLab."""
    return has_all(file, "ptychogram", "encoder")


def read(path: str | Path, file: Any) -> UserFile:
    """Read frames, positions and geometry.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
        For Fourier ptychography, among others.
    """
    tree = Tree(path, file)
    if has_all(file, "zled"):
        raise DataError(
            f"{path}: key 'zled' says that this is Fourier ptychography, where a light moves and "
            "not the sample; needed: a scan of the sample"
        )
    found = Gathered(path)
    frames, notes = _oriented(tree, _stack(tree))
    found.put_frames("ptychogram", frames)
    found.notes.extend(notes)
    rows, cols = encoder(tree, "encoder").T
    found.put_positions(["encoder", "encoder"], [rows, cols], "m")
    put_optics(tree, found)
    found.state("detector_pixel_m", tree.number("dxd"))
    return found.file(NAME, tree.others())


def put_optics(tree: Tree, found: Gathered) -> None:
    """Take photon energy and distance to the detector."""
    wavelength = tree.number("wavelength")
    found.state("photon_energy_ev", energy_ev(wavelength) if wavelength else None)
    found.state("distance_m", tree.number("zo"))


def _stack(tree: Tree) -> np.ndarray:
    return real_stack(tree.path, "ptychogram", needed_array(tree, "ptychogram"))


def encoder(tree: Tree, name: str) -> np.ndarray:
    """Return positions (k, 2) in metres; those of shape (2, k) about their mean, as PtyLab does."""
    array = needed_array(tree, name)
    if array.ndim == 2 and array.shape[0] < array.shape[1]:
        turned = pairs(tree.path, name, array.T)
        return np.asarray(turned - turned.mean(axis=0))
    return pairs(tree.path, name, array)


def _oriented(tree: Tree, frames: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return frames turned as the file asks: 4 transposes, then 2 mirrors rows, 1 columns."""
    code = tree.number("orientation") or 0.0
    if code not in range(8):
        raise DataError(
            f"{tree.path}: key 'orientation' is {code:g}; needed: 0 to 7, or a file without it"
        )
    bits = int(code)
    if not bits:
        return frames, []
    turned = changed(frames, lambda part: _turned(part, bits))
    return turned, [f"frames turned as its 'orientation' {bits} asks"]


def _turned(frames: np.ndarray, bits: int) -> np.ndarray:
    turned = frames.transpose(0, 2, 1) if bits & _TRANSPOSED else frames
    turned = turned[:, ::-1] if bits & _ROWS else turned
    return turned[..., ::-1] if bits & _COLUMNS else turned
