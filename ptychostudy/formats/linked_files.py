"""Files in which the data of a user's file lie: a workflow must know them as inputs, too."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py

from ptychostudy.formats.containers import HDF5, container, open_user_hdf5
from ptychostudy.formats.hdf5_sources import file_beside
from ptychostudy.io.atomic import DataError
from ptychostudy.io.zips import READ_ERRORS

# Enough for a master file with a link for each of its data files.
_ITEMS = 20_000
_LEVELS = 8


def with_linked(paths: Sequence[str]) -> list[str]:
    """Return files, and behind them those beside them in which data of theirs lie.

    Nothing is read but names, and nothing is refused: what cannot be opened, is missing or lies
    elsewhere is left out here, and named by the stage that reads it.

    Parameters
    ----------
    paths : sequence of str
    """
    files = list(paths)
    # It grows meanwhile: the data of a linked file may lie in others.
    for path in files:
        if len(files) < _ITEMS:
            with contextlib.suppress(*READ_ERRORS, DataError):
                files += [name for name in _linked(path) if name not in files]
    return files


def _linked(path: str) -> list[str]:
    if container(path) != HDF5:
        return []
    with open_user_hdf5(path) as file:
        names = list(dict.fromkeys(_names(file)))
    return [beside for name in names if (beside := _beside(path, name))]


def _beside(path: str, name: str) -> str:
    """Return the path of a file beside another, in the words of the first; nothing if elsewhere."""
    with contextlib.suppress(DataError):
        if file_beside(path, "", name).is_file():
            return str(Path(path).parent / name)
    return ""


def _names(file: Any) -> Iterator[str]:
    """Yield the names of the other files to which links and virtual datasets of a file lead."""
    pending = [(file, 0)]
    visited = 0
    while pending:
        group, level = pending.pop()
        for key in group:
            visited += 1
            if visited > _ITEMS:
                return
            link = group.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                yield link.filename
            elif isinstance(link, h5py.HardLink):
                item = group[key]
                if isinstance(item, h5py.Group) and level < _LEVELS:
                    pending.append((item, level + 1))
                elif isinstance(item, h5py.Dataset) and item.is_virtual:
                    yield from (source.file_name for source in item.virtual_sources())
