"""Frames that an HDF5 file keeps in others beside it, as detectors write them.

A master file holds external links, or virtual datasets, whose data lie in files of the same folder.
Nothing outside of that folder is ever opened, and what is missing is named, not read as zeros.
"""

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.atomic import DataError, plain_size
from ptychostudy.io.hdf5 import open_hdf5
from ptychostudy.io.hdf5_stacks import open_datasets
from ptychostudy.io.mapped import blocks
from ptychostudy.io.spool import new_array, parts_in
from ptychostudy.io.zips import check_growth

# Virtual datasets over virtual datasets, as facilities lay them over those of their detectors.
_HOPS = 4
# An array, and which block of it is meant.
_Part = tuple[np.ndarray, tuple[slice, ...]]


def read_linked(path: str | Path, key: str, link: Any) -> np.ndarray:
    """Read the dataset that an external link of a file leads to.

    Parameters
    ----------
    path : str or Path
        The file that holds the link.
    key : str
    link : h5py.ExternalLink

    Raises
    ------
    DataError
        If it leads out of the file's folder, or not to a dataset.
    """
    return read_beside(path, link_found(key, link), link.filename, link.path)


def link_found(key: str, link: Any) -> str:
    """Say of a key that it is a link to another file, for messages."""
    return f"key {key!r} is a link to {link.filename!r}"


def read_beside(
    path: str | Path, found: str, name: str, inner: str, *, hops: int = 0
) -> np.ndarray:
    """Read one dataset of a file in the same folder as another.

    Parameters
    ----------
    path : str or Path
        The other file.
    found : str
        What led there, for messages.
    name : str
        The file, relative to the folder of the other.
    inner : str
        The dataset.
    hops : int
        Virtual datasets on the way there.

    Raises
    ------
    DataError
    """
    other = file_beside(path, found, name)
    held = plain_size(other)
    if hops > _HOPS:
        raise DataError(
            f"{path}: {found}, and so on for more than {_HOPS} files; needed: data in one of them"
        )
    with open_hdf5(other, "a complete file") as file:
        item = dataset_at(file, inner)
        if item is None:
            raise DataError(
                f"{path}: {found}, which has no dataset {inner!r} of its own; "
                "needed: a dataset in this file, or in a file beside it"
            )
        if item.is_virtual:
            return read_virtual(other, inner, item, hops=hops + 1)
        return open_datasets(other, {inner: item}, held)[inner]


def file_beside(path: str | Path, found: str, name: str) -> Path:
    """Return a file that lies in the folder of another, or below it.

    Raises
    ------
    DataError
        If there is none, or if it is elsewhere by its name or by a link on the way.
    """
    folder = Path(path).resolve().parent
    inside = not Path(name).is_absolute() and "\0" not in name
    target = (folder / name).resolve() if inside else folder
    if not inside or not target.is_relative_to(folder) or target == folder:
        raise DataError(
            f"{path}: {found}, outside of its folder; needed: a dataset in this file, or in a file "
            "beside it"
        )
    if not target.exists():
        raise DataError(
            f"{path}: {found}, which is not there; needed: {name} in the folder of {path}"
        )
    return target


def dataset_at(file: Any, name: str) -> Any:
    """Return the dataset of a name with slashes, or None; links on the way are not followed."""
    item = file
    for part in name.strip("/").split("/"):
        # What a link leads to is not even looked up.
        link = item.get(part, getlink=True) if isinstance(item, h5py.Group) and part else None
        if not isinstance(link, h5py.HardLink):
            return None
        item = item[part]
    return item if isinstance(item, h5py.Dataset) else None


def read_virtual(path: str | Path, key: str, item: Any, *, hops: int = 0) -> np.ndarray:
    """Put a virtual dataset together from its sources, block by block.

    HDF5 would do so itself, but it takes a source that is missing for zeros, and one of that name
    in the working folder for the right one.

    Parameters
    ----------
    path : str or Path
    key : str
    item : h5py.Dataset
        With ``is_virtual``.
    hops : int
        Virtual datasets that led here.

    Raises
    ------
    DataError
        If a source lies outside of the folder, is missing, or if the sources leave gaps.
    """
    sources = item.virtual_sources()
    _check_claim(path, key, item, sources)
    whole = new_array(item.shape, item.dtype)
    filled = new_array(item.shape, np.uint8)
    parts: dict[tuple[str, str], np.ndarray] = {}
    for source in sources:
        place = _block(path, key, source.vspace, item.shape)
        name, inner = source_name(path, source), source.dset_name
        # Often each frame is a source of its own, all in a few files.
        if (name, inner) not in parts:
            parts[name, inner] = read_beside(path, _found(key, source), name, inner, hops=hops)
        part = parts[name, inner]
        block = _block(path, key, source.src_space, part.shape)
        _check_piece(path, key, (part, block), (whole, place))
        _put_piece((part, block), (whole, place))
        for each in parts_in(filled, place):
            filled[each] += 1
    if any(np.any(each != 1) for each in blocks(filled)):
        raise DataError(
            f"{path}: key {key!r} lies in another file each, and they leave gaps or overlap; "
            "needed: each element from one file"
        )
    return whole


def _check_claim(path: str | Path, key: str, item: Any, sources: Any) -> None:
    if not item.shape or item.dtype.kind not in "iufc":
        raise DataError(
            f"{path}: key {key!r} lies in another file, as {item.dtype} of shape {item.shape}; "
            "needed: an array of numbers"
        )
    names = {source_name(path, source): _found(key, source) for source in sources}
    files = [file_beside(path, found, name) for name, found in names.items()]
    held = sum(plain_size(file) for file in files)
    claimed = math.prod(item.shape) * item.dtype.itemsize
    check_growth(path, f"key {key!r}", held, claimed)


def source_name(path: str | Path, source: Any) -> str:
    """Return the file in which a source of a virtual dataset of a file lies."""
    # To HDF5 a dot is the file itself.
    return Path(path).name if source.file_name == "." else str(source.file_name)


def _found(key: str, source: Any) -> str:
    return f"key {key!r} lies in another file, {source.file_name!r}"


def _check_piece(path: str | Path, key: str, piece: _Part, place: _Part) -> None:
    """Refuse what a source gives where it does not fit its place in the whole."""
    given, wanted = (_sides(slices) for _, slices in (piece, place))
    own, other = piece[0].dtype, place[0].dtype
    if math.prod(given) != math.prod(wanted) or not np.can_cast(own, other, "same_kind"):
        raise DataError(
            f"{path}: key {key!r} lies in another file, as {own} of shape {given}; "
            f"needed: {other} of shape {wanted}"
        )


def _put_piece(piece: _Part, place: _Part) -> None:
    """Copy what a source gives to its place in the whole; few frames are in memory at a time."""
    (part, block), (whole, wanted) = piece, place
    if _sides(block) != _sides(wanted):
        whole[wanted] = part[block].reshape(_sides(wanted))
        return
    for own, other in zip(parts_in(part, block), parts_in(part, wanted), strict=True):
        whole[other] = part[own]


def _sides(slices: tuple[slice, ...]) -> tuple[int, ...]:
    return tuple(each.stop - each.start for each in slices)


def _block(path: str | Path, key: str, space: Any, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the one block of an array of some shape that a dataspace selects, as slices."""
    # A source taken whole may be written without a size of its own.
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return tuple(slice(0, side) for side in shape)
    first, last = space.get_select_bounds()
    block = tuple(slice(int(low), int(high) + 1) for low, high in zip(first, last, strict=True))
    size = math.prod(part.stop - part.start for part in block)
    if size != space.get_select_npoints():
        raise DataError(
            f"{path}: key {key!r} lies in another file, in pieces that are no blocks; "
            "needed: whole blocks of frames"
        )
    return block
