"""Arrays that the user names by their paths in the file (``base.npz.keys``)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ptychostudy.formats.containers import HDF5, container, open_user_hdf5
from ptychostudy.formats.frames import FRAME_KEYS
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.stated_unit import stated_unit
from ptychostudy.formats.user_file import OBJECT, PROBE, UserFile
from ptychostudy.io.arrays import member_names
from ptychostudy.io.atomic import DataError
from ptychostudy.io.npz_stacks import open_npz

# What a format states of an array does not hold of another that is put in its place.
_STATED = {
    **dict.fromkeys(FRAME_KEYS, ("measurement", "axes", "background", "frame_index")),
    **dict.fromkeys(COORDINATES, ("position_unit", "position_index", "origin_px")),
    PROBE: ("fresnel_phase",),
    OBJECT: ("object_origin_px",),
}


def with_named_keys(files: Mapping[str, UserFile], keys: Mapping[str, str]) -> dict[str, UserFile]:
    """Return files with the arrays that the user names in the place of those of their format.

    Parameters
    ----------
    files : mapping of str to UserFile
        By their paths.
    keys : mapping of str to str
        For each of our keys the path in the file; ``[:, i]`` behind it takes one column,
        ``[i, :]`` one line.

    Raises
    ------
    DataError
        If a path is in none of the files, or in two.
    """
    found = {path: read_named(path, keys) for path in files}
    for key, name in keys.items():
        _check_once(files, [path for path, arrays in found.items() if key in arrays], key, name)
    return {
        path: _replaced(file, found[path], keys, _unit(path, keys, found[path]))
        for path, file in files.items()
    }


def _unit(
    path: str, keys: Mapping[str, str], arrays: Mapping[str, np.ndarray]
) -> tuple[dict[str, str], list[str]]:
    """Return the unit that the datasets of named coordinates state, and what is to be said."""
    named = {key: _path_of(keys[key]) for key in COORDINATES if key in arrays}
    if not named or container(path) != HDF5:
        return {}, []
    with open_user_hdf5(path) as file:
        return stated_unit(path, {key: item_at(file, name) for key, name in named.items()})


def _check_once(files: Mapping[str, UserFile], holders: list[str], key: str, name: str) -> None:
    if len(holders) > 1:
        raise DataError(
            f"{holders[0]}: base.npz.keys names {name!r} for {key!r}, which is also in "
            f"{holders[1]}; needed: a path that one of the files has"
        )
    if not holders:
        raise DataError(
            f"{', '.join(files)}: key {name!r} is missing, which base.npz.keys names for {key!r}; "
            f"found {_held(files)}; needed: a path that is there"
        )


def _held(files: Mapping[str, UserFile]) -> list[str]:
    """Return what all files hold, described as far as it was."""
    return [text for file in files.values() for text in file.held()]


def read_named(path: str | Path, keys: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return those of the named arrays that a file holds."""
    if container(path) == HDF5:
        with open_user_hdf5(path) as file:
            tree = Tree(path, file)
            arrays = {key: tree.array(_path_of(name)) for key, name in keys.items()}
    else:
        held = member_names(path)
        arrays = {key: _member(path, _path_of(name), held) for key, name in keys.items()}
    there = {key: array for key, array in arrays.items() if array is not None}
    return {key: _column(path, keys[key], array) for key, array in there.items()}


def _member(path: str | Path, name: str, held: list[str]) -> np.ndarray | None:
    return open_npz(path, [name])[name] if name in held else None


def _path_of(name: str) -> str:
    return name.partition("[")[0].strip()


def _column(path: str | Path, name: str, array: np.ndarray) -> np.ndarray:
    """Return an array, or the column or line of it that a path asks for."""
    _, bracket, index = name.partition("[")
    if not bracket:
        return array
    first, comma, last = index.rstrip("] ").replace(" ", "").partition(",")
    is_row = bool(comma) and last == ":"
    lines = array if is_row else array.T
    number = first if is_row or not comma else last
    if array.ndim != 2 or not number.isdecimal() or int(number) >= len(lines):
        rows, columns = array.shape if array.ndim == 2 else (1, 1)
        raise DataError(
            f"{path}: base.npz.keys names {name!r}, and the array has shape {array.shape}; "
            f"needed: [:, 0] to [:, {max(columns - 1, 0)}], or [0, :] to [{max(rows - 1, 0)}, :], "
            "of an array with two axes"
        )
    return np.asarray(lines[int(number)])


def _replaced(
    file: UserFile,
    arrays: Mapping[str, np.ndarray],
    keys: Mapping[str, str],
    unit: tuple[dict[str, str], list[str]],
) -> UserFile:
    """Return a file with those arrays that the user names in it, without those of its format.

    What its format calls by a key that the user found elsewhere, in another file too, gives way.
    `unit` is what `_unit` says of the named coordinates.
    """
    declared, notes = unit
    taken = {_path_of(keys[key]).strip("/") for key in arrays}
    unused = [key for key in file.arrays if _gives_way(key, keys)]
    stated = {name for key in arrays for name in _STATED.get(key, ())}
    left_out = [text for key in unused if (text := _described(file, key)).split()[0] not in taken]
    others = [text for text in file.others if text.split()[0] not in taken]
    return replace(
        file,
        arrays={key: file.arrays[key] for key in file.arrays if key not in unused} | dict(arrays),
        others=left_out + others,
        places={
            **{key: place for key, place in file.places.items() if key not in unused},
            **{key: keys[key] for key in arrays},
        },
        notes=[*file.notes, *notes],
        declared={key: value for key, value in file.declared.items() if key not in stated}
        | declared,
    )


def _described(file: UserFile, key: str) -> str:
    array = file.arrays[key]
    return f"{file.places.get(key, key)} {array.shape} {array.dtype}"


def _gives_way(key: str, named: Mapping[str, str]) -> bool:
    """Whether an array is in the place of one that the user names; of frames there is one stack."""
    frames = key in FRAME_KEYS and any(name in FRAME_KEYS for name in named)
    return key in named or frames
