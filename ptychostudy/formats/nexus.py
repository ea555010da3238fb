"""Reader of NeXus files and of the master files of Eiger detectors: frames, mask and geometry.

The data of a master lie in files beside it, behind links or in a virtual dataset; positions and
probe are in files of other programs.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.user_file import UserFile
from ptychostudy.io.atomic import DataError
from ptychostudy.io.spool import joined
from ptychostudy.physics.photon_energy import energy_ev

NAME = "NeXus"
_ENTRY = re.compile(r"entry[_0-9]*")
_NUMBERED = re.compile(r"data_\d+")
_DATA = "data"
_FRAMES = (f"{_DATA}/{_DATA}", f"instrument/detector/{_DATA}")
_MASKS = (
    "instrument/detector/detectorSpecific/pixel_mask",
    "instrument/detector/pixel_mask",
    "instrument/detector/mask",
)
_DISTANCES = ("instrument/detector/detector_distance", "instrument/detector/distance")
_SIDES = ("instrument/detector/y_pixel_size", "instrument/detector/x_pixel_size")
_WAVELENGTHS = ("instrument/beam/incident_wavelength", "instrument/source/wavelength")
_ENERGIES = (
    "instrument/beam/incident_energy",
    "instrument/source/energy",
    "instrument/detector/detectorSpecific/photon_energy",
)
_LENGTHS = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "micron": 1e-6, "nm": 1e-9, "angstrom": 1e-10}
_LENGTHS["a"] = _LENGTHS["angstrom"]
_ELECTRONVOLTS = {"ev": 1.0, "kev": 1e3, "j": 1 / 1.602176634e-19}


def recognises(file: Any) -> bool:
    """Whether an HDF5 file has frames where NeXus or an Eiger has them."""
    return isinstance(file, h5py.File) and _entry(file) is not None


def read(path: str | Path, file: Any) -> UserFile:
    """Read frames, mask and geometry.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
    """
    entry = _entry(file) or ""
    tree = Tree(path, file)
    found = Gathered(path)
    found.put_frames(*_frames(tree, entry))
    name, mask = tree.first(f"{entry}/{each}" for each in _MASKS)
    # Zero is good, and each bit is a fault.
    found.put("pixel_mask", name, mask)
    found.state("photon_energy_ev", _energy_ev(tree, entry))
    found.state("distance_m", _length_m(tree, entry, _DISTANCES, "m"))
    sides = [_length_m(tree, entry, (side,), "m") for side in _SIDES]
    found.state_pixel("detector_pixel_m", sides, "the detector's pixel")
    return found.file(NAME, tree.others())


def _entry(file: Any) -> str | None:
    """Return the name of the first entry with frames."""
    for name in file:
        if _is_entry(file, name) and _holds_frames(file, name):
            return str(name)
    return None


def _is_entry(file: Any, name: str) -> bool:
    """Whether a name is that of an entry, or its class; links are not followed."""
    if _ENTRY.fullmatch(name):
        return True
    own = isinstance(file.get(name, getlink=True), h5py.HardLink)
    return own and file[name].attrs.get("NX_class") in ("NXentry", b"NXentry")


def _holds_frames(file: Any, entry: str) -> bool:
    if any(item_at(file, f"{entry}/{name}") is not None for name in _FRAMES):
        return True
    data = item_at(file, f"{entry}/data")
    return isinstance(data, h5py.Group) and any(_NUMBERED.fullmatch(name) for name in data)


def _frames(tree: Tree, entry: str) -> tuple[str, np.ndarray | None]:
    """Return the frames and where they are: in one dataset, or in numbered ones in their order."""
    numbered = [name for name in tree.names(f"{entry}/data") if _NUMBERED.fullmatch(name)]
    place, whole = tree.first(f"{entry}/{name}" for name in _FRAMES)
    if whole is not None or not numbered:
        return place, whole
    numbered.sort(key=lambda name: int(name.removeprefix("data_")))
    places = [f"{entry}/data/{name}" for name in numbered]
    parts = [part for place in places if (part := tree.array(place)) is not None]
    return f"{places[0]} to {numbered[-1]}", _stacked(tree, places, parts)


def _stacked(tree: Tree, places: Sequence[str], parts: Sequence[np.ndarray]) -> np.ndarray:
    for place, part in zip(places, parts, strict=True):
        if part.ndim != 3 or part.shape[1:] != parts[0].shape[1:] or part.dtype != parts[0].dtype:
            raise DataError(
                f"{tree.path}: key {place!r} is {part.dtype} of shape {part.shape}, the first is "
                f"{parts[0].dtype} of shape {parts[0].shape}; needed: frames of one kind and size"
            )
    return joined(parts)


def _energy_ev(tree: Tree, entry: str) -> float | None:
    wavelength = _length_m(tree, entry, _WAVELENGTHS, "angstrom")
    energy = _in_unit(tree, entry, _ENERGIES, _ELECTRONVOLTS, "ev")
    if wavelength is not None and wavelength > 0:
        return energy_ev(wavelength)
    return energy


def _length_m(tree: Tree, entry: str, names: Sequence[str], unit: str) -> float | None:
    return _in_unit(tree, entry, names, _LENGTHS, unit)


def _in_unit(
    tree: Tree, entry: str, names: Sequence[str], units: dict[str, float], unit: str
) -> float | None:
    """Return the first of some numbers that is there, by its attribute ``units`` or else in one."""
    for name in names:
        value = tree.number(f"{entry}/{name}")
        if value is None:
            continue
        said = tree.attribute(f"{entry}/{name}", "units")
        written = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said or unit)
        if written.strip().lower() not in units:
            raise DataError(
                f"{tree.path}: key '{entry}/{name}' has the unit {written!r}; "
                f"needed: one of {', '.join(units)}"
            )
        return value * units[written.strip().lower()]
    return None
