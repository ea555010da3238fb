"""Reader of CXI files (version 160) with measured frames, as cdtools and Ptychodus write them.

The sample's translations are metres in the frame of the detector's basis vectors, whose columns are
the steps of one row and of one column (cxidb.org, "CXI file format", 1.6).
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.frames import check_finite
from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.user_file import UserFile
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.photon_energy import energy_ev

NAME = "CXI"
_SOURCE = "entry_1/instrument_1/source_1"
_DETECTOR = "entry_1/instrument_1/detector_1"
_FRAMES = (f"{_DETECTOR}/data", "entry_1/data_1/data")
_TRANSLATIONS = (
    "entry_1/sample_1/geometry_1/translation",
    f"{_DETECTOR}/translation",
    "entry_1/data_1/translation",
)
_SIZES = (f"{_DETECTOR}/y_pixel_size", f"{_DETECTOR}/x_pixel_size")
# A pixel "with signal" is good; any other bit of the mask is a fault.
_SIGNAL = 0x1000
_JOULES_PER_EV = 1.602176634e-19
# No photon has a joule: a number as large is in electronvolts.
_NO_JOULES = 1e-6
# Directions of rows and columns are perpendicular but for rounding.
_RIGHT_ANGLE = 1e-6


def recognises(file: Any) -> bool:
    """Whether an HDF5 file has frames or translations where CXI has them."""
    return isinstance(file, h5py.File) and any(
        item_at(file, name) is not None for name in (*_FRAMES, *_TRANSLATIONS)
    )


def read(path: str | Path, file: Any) -> UserFile:
    """Read frames, mask, translations and geometry.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
    """
    tree = Tree(path, file)
    found = Gathered(path)
    put_frames(tree, found)
    basis = _basis(tree)
    _put_translations(tree, found, basis)
    _put_geometry(tree, found, basis)
    _put_background(tree, found)
    return found.file(NAME, tree.others())


def put_frames(tree: Tree, found: Gathered) -> None:
    """Take frames and the detector's mask, where they are there."""
    found.put_frames(*tree.first(_FRAMES))
    found.put("bad_pixels", f"{_DETECTOR}/mask", _bad(tree))


def _bad(tree: Tree) -> np.ndarray | None:
    """Return which pixels the mask marks as bad."""
    mask = tree.array(f"{_DETECTOR}/mask")
    if mask is None:
        return None
    if mask.dtype.kind not in "iub":
        raise DataError(
            f"{tree.path}: key '{_DETECTOR}/mask' is {mask.dtype} of shape {mask.shape}; "
            "needed: bits, as unsigned integers"
        )
    return np.asarray((mask != 0) & (mask != _SIGNAL))


def _basis(tree: Tree) -> np.ndarray:
    """Return the directions (3, 2) in which rows and columns of the detector run.

    Without basis vectors the detector is looked at against the beam: rows run along -y, columns
    along -x.
    """
    name = f"{_DETECTOR}/basis_vectors"
    basis = tree.array(name)
    if basis is None:
        return np.array([[0.0, -1.0], [-1.0, 0.0], [0.0, 0.0]])
    if basis.shape == (2, 3):
        basis = basis.T
    if basis.shape != (3, 2) or basis.dtype.kind not in "fiu":
        raise DataError(
            f"{tree.path}: key {name!r} is {basis.dtype} of shape {basis.shape}; "
            "needed: real numbers of shape (3, 2)"
        )
    check_finite(tree.path, name, basis)
    lengths = _lengths(basis)
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise DataError(
            f"{tree.path}: key {name!r} has vectors of lengths {lengths.tolist()} m; "
            "needed: the steps of a row and of a column"
        )
    directions = basis / lengths
    if abs(directions[:, 0] @ directions[:, 1]) > _RIGHT_ANGLE:
        raise DataError(
            f"{tree.path}: key {name!r} has vectors that are not perpendicular; "
            "needed: rows and columns at a right angle"
        )
    return np.asarray(directions)


def _lengths(basis: np.ndarray) -> np.ndarray:
    """Return the lengths of the two vectors of a basis (3, 2)."""
    # Far too long ones become infinite here, and are refused.
    with np.errstate(over="ignore"):
        return np.asarray(np.linalg.norm(basis.astype(np.float64), axis=0))


def _put_translations(tree: Tree, found: Gathered, basis: np.ndarray) -> None:
    """Take the sample's translations: the window moves over the object the other way."""
    name, translation = tree.first(_TRANSLATIONS)
    if translation is None:
        return
    pairs = translation.ndim == 2 and translation.shape[1] in (2, 3)
    if not pairs or translation.dtype.kind not in "fiu":
        raise DataError(
            f"{tree.path}: key {name!r} is {translation.dtype} of shape {translation.shape}; "
            "needed: metres along x, y, z, of shape (k, 3)"
        )
    metres = translation.astype(np.float64)
    # The basis is orthonormal, so that its transpose is its inverse in the plane.
    with np.errstate(all="ignore"):  # what is not finite is refused with the coordinates
        rows, cols = (-metres @ basis[: metres.shape[1]]).T
    places = [f"{name} along the rows", f"{name} along the columns"]
    found.put_positions(places, [rows, cols], "m")
    found.notes.append(
        "positions are against the sample's translations, along the detector's rows and columns"
    )


def _put_geometry(tree: Tree, found: Gathered, basis: np.ndarray) -> None:
    found.state("photon_energy_ev", _energy_ev(tree, found))
    found.state("distance_m", _distance_m(tree, basis))
    sizes = [tree.number(name) for name in _SIZES]
    if None in sizes:
        sizes = _steps_m(tree)
    found.state_pixel("detector_pixel_m", sizes, "the detector's pixel")


def _energy_ev(tree: Tree, found: Gathered) -> float | None:
    """Return the photon energy: by the wavelength where it is there, else in joules."""
    wavelength = tree.number(f"{_SOURCE}/wavelength")
    energy = tree.number(f"{_SOURCE}/energy")
    if wavelength is not None and wavelength > 0:
        return energy_ev(wavelength)
    if energy is not None and energy > _NO_JOULES:
        found.notes.append(f"{_SOURCE}/energy is {energy:.6g}: eV, as no photon has that in joules")
        return energy
    return None if energy is None else energy / _JOULES_PER_EV


def _distance_m(tree: Tree, basis: np.ndarray) -> float | None:
    """Return the distance of the detector's plane, by its corner where nothing else says it."""
    distance = tree.number(f"{_DETECTOR}/distance")
    corner = tree.array(f"{_DETECTOR}/corner_position")
    if (
        distance is not None
        or corner is None
        or corner.shape != (3,)
        or corner.dtype.kind not in "fiu"
    ):
        return distance
    normal = np.cross(basis[:, 0], basis[:, 1])
    with np.errstate(all="ignore"):  # what is not finite states nothing
        return float(abs(corner.astype(np.float64) @ normal))


def _steps_m(tree: Tree) -> list[float | None]:
    """Return the lengths of the basis vectors, which are the pixel's sides."""
    basis = tree.array(f"{_DETECTOR}/basis_vectors")
    if basis is None:
        return [None, None]
    rows, cols = _lengths(basis.T if basis.shape == (2, 3) else basis).tolist()
    return [rows, cols]


def _put_background(tree: Tree, found: Gathered) -> None:
    """Take a dark image that is one number; of any other say that the frames hold it."""
    name = f"{_DETECTOR}/data_dark"
    dark = tree.array(name)
    if dark is None:
        return
    if dark.ndim < 2 or dark.dtype.kind not in "fiu":
        raise DataError(
            f"{tree.path}: key {name!r} is {dark.dtype} of shape {dark.shape}; "
            "needed: real numbers, one dark frame or several"
        )
    check_finite(tree.path, name, dark)
    if not dark.any():
        return
    least, most = float(dark.min()), float(dark.max())
    if least == most:
        found.state("background", least)
        return
    found.doubts["background"] = (
        f"key {name!r} is a dark image of {least:.4g} to {most:.4g} a pixel that the frames still "
        "hold; needed: frames from which it is taken, as whole photons"
    )
