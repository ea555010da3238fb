"""A scan in several files, as most programs keep it: frames in one, positions in another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.frames import FRAME_KEYS
from ptychostudy.formats.mask_keys import MASK_KEYS
from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.user_file import OBJECT, PROBE, UserFile
from ptychostudy.intake.doubts import Doubts
from ptychostudy.io.mapped import parts_of

# What a scan has once, by the keys under which it may be, and what files state of it.
_QUANTITIES = {
    "frames": (FRAME_KEYS, ("measurement", "axes", "background", "frame_index")),
    "positions": (COORDINATES, ("position_unit", "position_index", "origin_px")),
    "probe": ((PROBE,), ("fresnel_phase",)),
    "object": ((OBJECT,), ("object_origin_px",)),
    **{key: ((key,), ()) for key in MASK_KEYS},
}
_SHARED = ("pixel_size_m", "photon_energy_ev", "distance_m", "detector_pixel_m")
# Of a length or an energy: two programs round them differently, two measurements differ by more.
_ALIKE = 0.01
# Of the span of a scan: what a conversion of units and back may cost.
_SAME_PLACE = 1e-6


@dataclass
class _Joined:
    """What has been put together, and of which file each quantity is."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    declared: dict[str, Any] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)


def joined(files: Mapping[str, UserFile], doubts: Doubts) -> UserFile:
    """Put the files of one scan together.

    Parameters
    ----------
    files : mapping of str to UserFile
        By their paths, as the user named them.
    doubts : Doubts

    Raises
    ------
    DataError
        If a quantity is in two files and is not the same there.
    """
    if len(files) == 1:
        return next(iter(files.values()))
    names = _short(list(files))
    whole = _Joined()
    for path, file in files.items():
        for quantity in _QUANTITIES:
            _add(whole, quantity, file, names[path], doubts)
        _add_shared(whole, file, names[path], doubts)
    return UserFile(
        arrays=whole.arrays,
        others=[*whole.unused, *_named(files, names, "others")],
        reversed=[key for file in files.values() for key in file.reversed],
        format=" and ".join(dict.fromkeys(file.format for file in files.values())),
        places=whole.places,
        notes=[f"{names[path]}: {text}" for path, file in files.items() for text in file.notes],
        declared=whole.declared,
        doubts={word: text for file in files.values() for word, text in file.doubts.items()},
    )


def _short(paths: Sequence[str]) -> dict[str, str]:
    """Return the names of files, with their folders where names alone are the same."""
    names = [Path(path).name for path in paths]
    alone = len(set(names)) == len(names)
    return dict(zip(paths, names if alone else paths, strict=True))


def _named(files: Mapping[str, UserFile], names: Mapping[str, str], what: str) -> list[str]:
    return [f"{text} of {names[path]}" for path, file in files.items() for text in vars(file)[what]]


def _add(whole: _Joined, quantity: str, file: UserFile, name: str, doubts: Doubts) -> None:
    """Take a quantity of one more file, or find that it is there already."""
    keys, stated = _QUANTITIES[quantity]
    arrays = {key: file.arrays[key] for key in keys if key in file.arrays}
    places = {key: f"{file.places.get(key, key)} of {name}" for key in arrays}
    if not arrays:
        return
    there = quantity in whole.owners
    if there and quantity == "positions" and not arrays.keys() & whole.arrays:
        # Rows in one file, columns in another.
        _check_unit(whole, file, name, doubts)
        there = False
    if there and not _gives_way(whole, quantity, file, name, doubts):
        whole.unused += places.values()
        return
    whole.unused += [whole.places.pop(key) for key in arrays if key in whole.places]
    whole.owners[quantity] = name
    whole.arrays |= arrays
    whole.places |= places
    whole.declared |= {key: file.declared[key] for key in stated if key in file.declared}


def _check_unit(whole: _Joined, file: UserFile, name: str, doubts: Doubts) -> None:
    units = [declared.get("position_unit") for declared in (whole.declared, file.declared)]
    if units[0] != units[1]:
        first, second = (unit or "no unit" for unit in units)
        doubts.refuse(
            f"rows and columns of the positions are in two files: {whole.owners['positions']} "
            f"states {first}, {name} {second}; needed: one unit for both"
        )


def _gives_way(whole: _Joined, quantity: str, file: UserFile, name: str, doubts: Doubts) -> bool:
    """Whether a quantity is better known by a further file; refuse one that is otherwise there."""
    owner = whole.owners[quantity]
    if _is_same(whole, quantity, file):
        return quantity == "positions" and "origin_px" in file.declared.keys() - whole.declared
    doubts.doubt(
        "files",
        f"{owner} and {name} both hold {_named_quantity(quantity)}, and not the same; needed: a "
        "file without it, or base.npz.keys with a path that only one of them has; accepted, "
        f"{owner} is believed",
    )
    return False


def _named_quantity(quantity: str) -> str:
    return f"key {quantity!r}" if quantity in MASK_KEYS else f"the {quantity}"


def _is_same(whole: _Joined, quantity: str, file: UserFile) -> bool:
    keys, _ = _QUANTITIES[quantity]
    own = {key: whole.arrays[key] for key in keys if key in whole.arrays}
    other = {key: file.arrays[key] for key in keys if key in file.arrays}
    if quantity == "positions":
        return _same_places(own, whole.declared, other, file.declared)
    return own.keys() == other.keys() and all(_equal(own[key], other[key]) for key in own)


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    first, second = np.squeeze(a), np.squeeze(b)
    if first.shape != second.shape or not first.ndim:
        return np.array_equal(first, second)
    return all(np.array_equal(first[part], second[part]) for part in parts_of(first))


def _same_places(
    a: Mapping[str, np.ndarray],
    declared_a: Mapping[str, Any],
    b: Mapping[str, np.ndarray],
    declared_b: Mapping[str, Any],
) -> bool:
    """Say whether two sets of coordinates are the same scan, seen from any origin."""
    if a.keys() != b.keys() or any(_odd(a[key], b[key]) for key in a):
        return False
    if declared_a.get("position_unit") != declared_b.get("position_unit"):
        return False
    return all(_same_but_for_origin(a[key], b[key]) for key in a)


def _odd(a: np.ndarray, b: np.ndarray) -> bool:
    numbers = a.dtype.kind in "fiu" and b.dtype.kind in "fiu"
    return not numbers or a.shape != b.shape or a.size == 0


def _same_but_for_origin(a: np.ndarray, b: np.ndarray) -> bool:
    with np.errstate(all="ignore"):  # of what is not finite nothing is the same
        first = a.astype(np.float64) - float(a.ravel()[0])
        second = b.astype(np.float64) - float(b.ravel()[0])
        span = np.ptp(first)
        return bool(np.abs(first - second).max() <= _SAME_PLACE * span)


def _add_shared(whole: _Joined, file: UserFile, name: str, doubts: Doubts) -> None:
    """Take what a file states of the instrument, which no two may state otherwise."""
    for key in _SHARED:
        if key not in file.declared:
            continue
        value = file.declared[key]
        known = whole.declared.setdefault(key, value)
        owner = whole.owners.setdefault(key, name)
        if abs(value - known) > _ALIKE * abs(known):
            doubts.doubt(
                "files",
                f"{key} is {known:.6g} in {owner} and {value:.6g} in {name}; "
                f"needed: files of one measurement; accepted, {owner} is believed",
            )
