"""Reader of cdtools' results (``model.save_to_h5``): object, probe and translations.

Measured of cdtools-py 0.3.2: ``translations`` (k, 3) are metres of the optics, not of the sample; a
window begins at ``pinv(obj_basis) translation - state_dict/min_translation``. A constant background
of each pixel is part of its model and not of ours.
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
from ptychostudy.physics.photon_energy import energy_ev

NAME = "cdtools result"
_MINIMUM = "state_dict/min_translation"
# Switches of its model, what they must be, and what that means.
_MODEL = (
    ("oversampling", 1.0, "a probe on as many pixels as the detector has"),
    ("near_field", 0.0, "a detector in the far field"),
    ("fourier_probe", 0.0, "a probe in the plane of the object"),
    ("exponentiate_obj", 0.0, "an object that is its transmission, not the exponent"),
)
_BACKGROUND = "background"
_DARK = 1e-6


def recognises(file: Any) -> bool:
    """Whether this is a result of cdtools."""
    return has_all(file, "obj_basis", "translations", "probe", "state_dict")


def read(path: str | Path, file: Any) -> UserFile:
    """Read object, probe and positions.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
    """
    tree = Tree(path, file)
    _check_model(tree)
    basis = _basis(tree)
    probe = probe_modes(path, "probe", needed_array(tree, "probe"))
    found = Gathered(path)
    found.put(PROBE, "probe", probe)
    found.put(OBJECT, "obj", _object(tree))
    rows, cols = (_corners(tree, basis) + probe.shape[-1] / 2).T
    found.put_positions(["translations"] * 2, [rows, cols], "px")
    found.declared["origin_px"] = [0.0, 0.0]
    found.notes.extend(_notes(tree, probe))
    _put_optics(tree, found, basis)
    return found.file(NAME, tree.others())


def _put_optics(tree: Tree, found: Gathered, basis: np.ndarray) -> None:
    rows, cols = np.linalg.norm(basis, axis=0).tolist()
    found.state_pixel("pixel_size_m", [rows, cols], "the object's pixel")
    wavelength = tree.number("state_dict/wavelength")
    found.state("photon_energy_ev", energy_ev(wavelength) if wavelength else None)
    found.state("distance_m", tree.number("state_dict/det_distance"))


def _check_model(tree: Tree) -> None:
    """Refuse models whose probe or object are not what ours are made of."""
    for name, wanted, what in _MODEL:
        value = tree.array(f"state_dict/{name}")
        if value is not None and not np.array_equal(value.ravel(), [wanted]):
            raise DataError(
                f"{tree.path}: key 'state_dict/{name}' is not {wanted:g}; needed: {what}"
            )


def _basis(tree: Tree) -> np.ndarray:
    """Return the steps (3, 2) of one row and of one column of the object, in metres."""
    basis = needed_array(tree, "obj_basis")
    real = basis.shape == (3, 2) and basis.dtype.kind == "f" and bool(np.isfinite(basis).all())
    if not real or np.linalg.matrix_rank(basis.astype(np.float64)) < 2:
        raise DataError(
            f"{tree.path}: key 'obj_basis' is {basis.dtype} of shape {basis.shape}; needed: finite "
            "(3, 2), two steps that are not parallel"
        )
    return basis.astype(np.float64)


def _corners(tree: Tree, basis: np.ndarray) -> np.ndarray:
    """Return first pixels of the windows with their fractions, (k, 2)."""
    metres = needed_array(tree, "translations")
    if metres.ndim != 2 or metres.shape[1] != 3 or metres.dtype.kind != "f":
        raise DataError(
            f"{tree.path}: key 'translations' is {metres.dtype} of shape {metres.shape}; "
            "needed: real numbers of shape (k, 3)"
        )
    least = np.atleast_2d(needed_array(tree, _MINIMUM))
    with np.errstate(all="ignore"):  # what is not finite is refused as such
        steps = metres.astype(np.float64) @ np.linalg.pinv(basis).T
        return np.asarray(steps - pairs(tree.path, _MINIMUM, least)[0])


def _object(tree: Tree) -> np.ndarray | None:
    field = tree.array("obj")
    return None if field is None else one_layer(tree.path, "obj", field)


def _notes(tree: Tree, probe: np.ndarray) -> list[str]:
    background = tree.array(_BACKGROUND)
    tree.used.discard(_BACKGROUND)
    if background is None or background.dtype.kind not in "fiu" or not background.size:
        return []
    most = float(background.max())
    # Of the mean of a pixel: what is less is where a fit begins, not a background.
    with np.errstate(all="ignore"):  # what is not finite is refused as such
        light = float(np.mean(np.abs(probe) ** 2))
    if not most > _DARK * light:
        return []
    return [f"its model has a background of up to {most:.3g} a pixel, which ours has not"]
