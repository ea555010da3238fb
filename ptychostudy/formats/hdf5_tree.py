"""What HDF5 files of other programs hold, by path: links within the file and beside it, no others.

A link inside a file is followed step by step, one to another file only where that lies in the
folder of the first or below (``hdf5_sources.py``), and none by HDF5 itself.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.hdf5_sources import (
    file_beside,
    link_found,
    read_linked,
    read_virtual,
    source_name,
)
from ptychostudy.io.atomic import DataError, plain_size
from ptychostudy.io.hdf5_stacks import open_datasets
from ptychostudy.io.zips import READ_ERRORS, check_growth

# Soft links that lead to soft links.
_HOPS = 8
# What is listed of a file for a message.
_LISTED = 30
_LEVELS = 8


@dataclass(frozen=True)
class Tree:
    """An open HDF5 file, of which a reader takes what it knows.

    Attributes
    ----------
    path : str or Path
        For messages.
    file : h5py.File
    used : set of str
        Paths of what was taken.
    held : dict of str to int
        Bytes of the files that were read.
    unpacked : list of int
        Bytes of the arrays that were read.
    """

    path: str | Path
    file: Any
    used: set[str] = field(default_factory=set)
    held: dict[str, int] = field(default_factory=dict)
    unpacked: list[int] = field(default_factory=list)

    def array(self, name: str) -> np.ndarray | None:
        """Read the dataset of a path, or return None where there is none.

        Raises
        ------
        DataError
            If it is no dataset of numbers, lies outside of the folder of the file, or if a link
            leads nowhere.
        """
        item = item_at(self.file, name)
        if item is None:
            self._check_link(name)
            return None
        self._use(name, item)
        array = self._read(name, item)
        self._account(name, item, array)
        return array

    def first(self, names: Iterable[str]) -> tuple[str, np.ndarray | None]:
        """Return the first of some paths that is there, with its array; else ``("", None)``."""
        for name in names:
            array = self.array(name)
            if array is not None:
                return name, array
        return "", None

    def number(self, name: str) -> float | None:
        """Return the one finite number of a path, or None where there is nothing.

        Raises
        ------
        DataError
        """
        value = self.array(name)
        if value is None:
            return None
        if value.size != 1 or value.dtype.kind not in "fiu" or not np.isfinite(value).all():
            raise DataError(
                f"{self.path}: key {name!r} is {value.dtype} of shape {value.shape}; "
                "needed: one finite number"
            )
        return float(value.ravel()[0])

    def names(self, name: str) -> list[str]:
        """Return the names in a group, links included; nothing where there is no such group."""
        group = item_at(self.file, name)
        return list(group) if isinstance(group, h5py.Group) else []

    def attribute(self, name: str, key: str) -> Any:
        """Return an attribute of what a path leads to, or None."""
        item = item_at(self.file, name)
        return item.attrs.get(key) if isinstance(item, h5py.Dataset | h5py.Group) else None

    def others(self) -> list[str]:
        """Return what the file holds beside what was taken, described."""
        return [text for name, text in listed(self.file) if not self._is_used(name)]

    def _check_link(self, name: str) -> None:
        """Refuse a link that leads nowhere: who made it meant that there is something."""
        folder, _, last = name.strip("/").rpartition("/")
        group = item_at(self.file, folder)
        link = group.get(last, getlink=True) if isinstance(group, h5py.Group) and last else None
        if isinstance(link, h5py.SoftLink):
            raise DataError(
                f"{self.path}: key {name!r} is a link to {link.path!r}, where nothing is; "
                "needed: a dataset there, or no such link"
            )

    def _use(self, name: str, item: Any) -> None:
        self.used.add(name.strip("/"))
        if isinstance(item, h5py.Dataset) and item.name:
            self.used.add(item.name.strip("/"))

    def _is_used(self, name: str) -> bool:
        if name in self.used:
            return True
        item = item_at(self.file, name)
        # A second way to the same dataset is no second dataset.
        return isinstance(item, h5py.Dataset) and str(item.name).strip("/") in self.used

    def _read(self, name: str, item: Any) -> np.ndarray:
        if isinstance(item, h5py.ExternalLink):
            return read_linked(self.path, name, item)
        if not isinstance(item, h5py.Dataset):
            raise DataError(f"{self.path}: key {name!r} is a group; needed: a dataset")
        if item.is_virtual:
            return read_virtual(self.path, name, item)
        return open_datasets(self.path, {name: item}, plain_size(self.path))[name]

    def _account(self, name: str, item: Any, array: np.ndarray) -> None:
        """Refuse what grows far more, all together, than the files hold."""
        self.held[str(self.path)] = plain_size(self.path)
        for other in _files_of(self.path, name, item):
            self.held[str(other)] = plain_size(other)
        self.unpacked.append(array.nbytes)
        held = sum(self.held.values())
        check_growth(self.path, "all keys together", held, sum(self.unpacked))


def _files_of(path: str | Path, name: str, item: Any) -> list[Path]:
    """Return the other files in which a dataset lies."""
    if isinstance(item, h5py.ExternalLink):
        return [file_beside(path, link_found(name, item), item.filename)]
    sources = item.virtual_sources() if item.is_virtual else []
    found = f"key {name!r} lies in another file"
    names = dict.fromkeys(source_name(path, source) for source in sources)
    return [file_beside(path, found, each) for each in names]


def item_at(file: Any, name: str, hops: int = 0) -> Any:
    """Return what a path leads to: dataset, group, the link to another file, or None.

    Parameters
    ----------
    file : h5py.File
    name : str
        With slashes.
    hops : int
        Links that were followed to get there.
    """
    item = file
    parts = [part for part in name.split("/") if part not in ("", ".")]
    for depth, part in enumerate(parts, 1):
        link = item.get(part, getlink=True) if isinstance(item, h5py.Group) else None
        rest = "/".join(parts[depth:])
        if isinstance(link, h5py.ExternalLink):
            return h5py.ExternalLink(link.filename, f"{link.path}/{rest}" if rest else link.path)
        if isinstance(link, h5py.SoftLink):
            target = link.path if link.path.startswith("/") else f"{item.name}/{link.path}"
            return item_at(file, f"{target}/{rest}", hops + 1) if hops < _HOPS else None
        if not isinstance(link, h5py.HardLink):
            return None
        item = item[part]
    return item


def listed(group: Any, prefix: str = "", level: int = 0) -> list[tuple[str, str]]:
    """Return paths and descriptions of what an HDF5 file holds; links are named, not followed."""
    entries: list[tuple[str, str]] = []
    for key in group:
        if len(entries) >= _LISTED:
            return [*entries, ("...", "...")]
        name = f"{prefix}{key}"
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            entries.append((name, f"{name} (a link)"))
        elif isinstance(group[key], h5py.Group) and level < _LEVELS:
            # Each group gives an entry at least, so that the walk ends, however they are nested.
            inner = listed(group[key], f"{name}/", level + 1)
            entries += inner or [(name, f"{name} (an empty group)")]
        else:
            entries.append((name, _described(name, group[key])))
    return entries


def _described(name: str, item: Any) -> str:
    # What it is matters to nobody who does not use it, and may be no type of NumPy's.
    with contextlib.suppress(*READ_ERRORS):
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            return f"{name} {item.shape} {item.dtype}"
    return name
