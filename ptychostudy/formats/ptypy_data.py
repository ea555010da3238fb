"""Reader of ptypy's prepared scans (``.ptyd``): frames, weights and positions, chunk by chunk.

Measured of ptypy 0.9.0: chunks are numbered and sorted as numbers; positions are (row, col) in
metres from an origin of their own, which a reconstruction (``.ptyr``) tells; a weight of 0 marks a
masked pixel and is repeated in every frame; the photon energy is in keV.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.hdf5_sources import file_beside, link_found
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.reader_fields import has_all, known, pairs, real_stack
from ptychostudy.formats.user_file import UserFile
from ptychostudy.io.atomic import DataError
from ptychostudy.io.hdf5 import open_hdf5

NAME = "ptypy data (.ptyd)"
_FRAMES, _WEIGHTS = "diffraction", "weights"
_PLACE = "chunks/*/positions"
_EV_IN_KEV = 1e3
# Of a pixel: two sides that a file states.
_SQUARE = 1e-6


def recognises(file: Any) -> bool:
    """Whether this is a prepared scan of ptypy."""
    return has_all(file, "chunks", "meta")


def read(path: str | Path, file: Any) -> UserFile:
    """Read frames, weights and positions of all chunks, and the geometry.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
    """
    tree = Tree(path, file)
    chunks = [_chunk(tree, name) for name in _chunks(tree)]
    frames = [real_stack(path, "chunks/*/data", _there(tree, chunk, "data")) for chunk in chunks]
    arrays = {_FRAMES: _joined(path, "data", frames)}
    arrays |= _positions(tree, chunks) | _weights(tree, chunks)
    return UserFile(
        arrays=arrays,
        others=tree.others(),
        format=NAME,
        places={_FRAMES: "chunks/*/data", **dict.fromkeys(("xcoords", "ycoords"), _PLACE)},
        declared=_declared(tree),
    )


def _chunks(tree: Tree) -> list[str]:
    """Return the paths of the chunks, in the order of their numbers."""
    names = [name for name in tree.names("chunks") if name.isdecimal()]
    if not names:
        raise DataError(f"{tree.path}: key 'chunks' holds no numbered chunk; needed: one or more")
    return [f"chunks/{name}" for name in sorted(names, key=int)]


def _chunk(tree: Tree, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a chunk, which may be in a file beside."""
    link = item_at(tree.file, name)
    if not isinstance(link, h5py.ExternalLink):
        return _arrays(tree, name)
    tree.used.add(name)
    other = file_beside(tree.path, link_found(name, link), link.filename)
    with open_hdf5(other, "a complete file") as file:
        return _arrays(Tree(other, file), link.path)


def _arrays(tree: Tree, group: str) -> dict[str, np.ndarray]:
    # Their numbers are the order in which they are.
    tree.used.add(f"{group}/indices")
    read = {key: _optional(tree, f"{group}/{key}") for key in ("data", "positions", _WEIGHTS)}
    return {key: array for key, array in read.items() if array is not None}


def _there(tree: Tree, chunk: dict[str, np.ndarray], key: str) -> np.ndarray:
    if key not in chunk:
        raise DataError(f"{tree.path}: a chunk has no {key!r}; needed: a complete file")
    return chunk[key]


def _joined(path: str | Path, what: str, parts: list[np.ndarray]) -> np.ndarray:
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise DataError(
            f"{path}: the chunks' {what!r} have shapes {sorted(shapes)}; needed: one for all"
        )
    return np.concatenate(parts)


def _positions(tree: Tree, chunks: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    if any("positions" not in chunk for chunk in chunks):
        return {}
    checked = [pairs(tree.path, _PLACE, chunk["positions"]) for chunk in chunks]
    return position_arrays(np.concatenate(checked))


def _optional(tree: Tree, name: str) -> np.ndarray | None:
    """Return an array; None where there is none, which ptypy writes as a zero with a mark."""
    mark = tree.attribute(name, "type")
    if mark is not None and str(mark).strip("b'\"") == "None":
        tree.used.add(name)
        return None
    return tree.array(name)


def _weights(tree: Tree, chunks: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return one mask where all frames have the same, as ptypy repeats it; else one a frame."""
    there = [chunk[_WEIGHTS] for chunk in chunks if _WEIGHTS in chunk and chunk[_WEIGHTS].size]
    if not there:
        whole = _optional(tree, "meta/weight2d")
        return {} if whole is None else {_WEIGHTS: whole}
    if len(there) < len(chunks):
        raise DataError(f"{tree.path}: only some chunks have weights; needed: all or none")
    stacked = _joined(
        tree.path, _WEIGHTS, [part if part.ndim == 3 else part[None] for part in there]
    )
    repeated = np.array_equal(stacked, np.broadcast_to(stacked[0], stacked.shape))
    return {_WEIGHTS: stacked[0] if repeated else stacked}


def _declared(tree: Tree) -> dict[str, Any]:
    energy = _number(tree, "meta/energy")
    return {"measurement": "intensity", "position_unit": "m"} | known(
        photon_energy_ev=None if energy is None else energy * _EV_IN_KEV,
        distance_m=_number(tree, "meta/distance"),
        detector_pixel_m=_square(tree, "meta/psize"),
    )


def _number(tree: Tree, name: str) -> float | None:
    return None if _optional(tree, name) is None else tree.number(name)


def _square(tree: Tree, name: str) -> float | None:
    """Return the side of a square pixel that is given once or twice."""
    return square_side(tree.path, name, _optional(tree, name))


def square_side(path: str | Path, name: str, sides: np.ndarray | None) -> float | None:
    """Return the side of a pixel that is given as one number or two equal ones.

    Raises
    ------
    DataError
    """
    if sides is None:
        return None
    good = sides.size in (1, 2) and sides.dtype.kind in "fiu" and bool(np.isfinite(sides).all())
    flat = sides.ravel().astype(np.float64) if good else np.zeros(1)
    if flat[0] <= 0 or abs(flat[-1] - flat[0]) > _SQUARE * flat[0]:
        raise DataError(
            f"{path}: key {name!r} is {sides.dtype} of shape {sides.shape}: {_shown(flat)}; "
            "needed: one side > 0 of square pixels"
        )
    return float(flat[0])


def _shown(values: np.ndarray) -> str:
    return ", ".join(f"{value:.6g}" for value in values.tolist())
