"""Reader of ptypy's reconstructions (``.ptyr``): object, probe, and where the positions begin.

Measured of ptypy 0.9.0: a storage has its pixel in metres (``_psize``), and the pixel in which a
position of zero lies (``_center``). A window begins at ``position / psize + object's centre -
probe's centre``. Positions are there only if an engine refined them. The far field holds a Fresnel
phase that the probe does not (``fresnel_phase.py``).
"""

from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree
from ptychostudy.formats.ptypy_data import EV_IN_KEV, pixel_sides
from ptychostudy.formats.reader_fields import (
    has_all,
    needed_array,
    one_layer,
    pairs,
    probe_modes,
)
from ptychostudy.formats.user_file import OBJECT, PROBE, UserFile
from ptychostudy.io.atomic import DataError

NAME = "ptypy reconstruction (.ptyr)"
_SCANS = "content/pars/scans"


def recognises(file: Any) -> bool:
    """Whether this is a reconstruction of ptypy."""
    return has_all(file, "content/obj", "content/probe")


def read(path: str | Path, file: Any) -> UserFile:
    """Read object, probe and origin of the one scan in a file.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
        If the file holds several objects or probes, or an object of several layers.
    """
    tree = Tree(path, file)
    object_, probe = (_only(tree, f"content/{what}") for what in ("obj", "probe"))
    modes = probe_modes(path, f"{probe}/data", needed_array(tree, f"{probe}/data"))
    field = one_layer(path, f"{object_}/data", needed_array(tree, f"{object_}/data"))
    found = Gathered(path)
    found.put(OBJECT, f"{object_}/data", field)
    found.put(PROBE, f"{probe}/data", modes)
    _put_positions(tree, found)
    origin = _centre(tree, object_) - _centre(tree, probe) + modes.shape[-1] / 2
    found.declared["object_origin_px"] = origin.tolist()
    found.declared["fresnel_phase"] = True
    name = f"{object_}/_psize"
    found.state_pixel(
        "pixel_size_m", pixel_sides(path, name, tree.array(name)), "the object's pixel"
    )
    energy = tree.number(f"{probe}/_energy")
    found.state("photon_energy_ev", None if energy is None else energy * EV_IN_KEV)
    found.state("distance_m", _distance(tree))
    return found.file(NAME, tree.others())


def _only(tree: Tree, group: str) -> str:
    """Return the path of the one storage of a group."""
    names = tree.names(group)
    if len(names) != 1:
        raise DataError(
            f"{tree.path}: {group!r} holds {len(names)} storages ({', '.join(names[:10])}); "
            "needed: a reconstruction of one scan with one probe"
        )
    return f"{group}/{names[0]}"


def _centre(tree: Tree, storage: str) -> np.ndarray:
    """Return the pixel (row, col) in which a position of zero lies."""
    name = f"{storage}/_center"
    centre = pairs(tree.path, name, np.atleast_2d(needed_array(tree, name)))
    return np.asarray(centre[0])


def _distance(tree: Tree) -> float | None:
    """Return the distance to the detector, where the parameters of the one scan state it."""
    names = tree.names(_SCANS)
    if len(names) != 1:
        return None
    array = tree.array(f"{_SCANS}/{names[0]}/data/distance")
    # ptypy writes what is not set as a zero.
    given = array is not None and array.size == 1 and array.dtype.kind in "fiu" and array.all()
    return tree.number(f"{_SCANS}/{names[0]}/data/distance") if given else None


def _put_positions(tree: Tree, found: Gathered) -> None:
    """Take refined positions, where there are any."""
    if not tree.names("content/positions"):
        return
    name = _only(tree, "content/positions")
    rows, cols = pairs(tree.path, name, needed_array(tree, name)).T
    found.put_positions([name, name], [rows, cols], "m")
