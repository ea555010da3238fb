"""Reader of ptypy's prepared scans (``.ptyd``): frames, weights and positions, chunk by chunk.

Measured of ptypy 0.9.0: chunks are numbered and sorted as numbers; positions are (row, col) in
metres from an origin of their own, which a reconstruction (``.ptyr``) tells; a weight of 0 marks a
masked pixel and is repeated in every frame; the photon energy is in keV.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_sources import file_beside, link_found
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.reader_fields import has_all, pairs, real_stack
from ptychostudy.formats.user_file import UserFile
from ptychostudy.io.atomic import DataError
from ptychostudy.io.hdf5 import open_hdf5
from ptychostudy.io.mapped import blocks
from ptychostudy.io.spool import joined

NAME = "ptypy data (.ptyd)"
EV_IN_KEV = 1e3
_DATA = "chunks/*/data"
_PLACE = "chunks/*/positions"


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
    frames = [real_stack(path, _DATA, _there(tree, chunk, "data")) for chunk in chunks]
    found = Gathered(path)
    found.put_frames(_DATA, _joined(path, "data", frames))
    found.put("weights", "chunks/*/weights", _weights(tree, chunks))
    found.put_positions([_PLACE, _PLACE], _positions(tree, chunks), "m")
    energy = _number(tree, "meta/energy")
    found.state("photon_energy_ev", None if energy is None else energy * EV_IN_KEV)
    found.state("distance_m", _number(tree, "meta/distance"))
    sides = pixel_sides(path, "meta/psize", _optional(tree, "meta/psize"))
    found.state_pixel("detector_pixel_m", sides, "the detector's pixel")
    return found.file(NAME, tree.others())


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
    # It lies beside, whatever folder was current when ptypy wrote the link.
    beside = Path(link.filename).name
    other = file_beside(tree.path, link_found(name, link), beside)
    with open_hdf5(other, "a complete file") as file:
        return _arrays(Tree(other, file), link.path)


def _arrays(tree: Tree, group: str) -> dict[str, np.ndarray]:
    # Their numbers are the order in which they are.
    tree.used.add(f"{group}/indices")
    read = {key: _optional(tree, f"{group}/{key}") for key in ("data", "positions", "weights")}
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
    return joined(parts)


def _positions(tree: Tree, chunks: list[dict[str, np.ndarray]]) -> list[np.ndarray | None]:
    """Return rows and columns, where all chunks have them."""
    if any("positions" not in chunk for chunk in chunks):
        return [None, None]
    checked = [pairs(tree.path, _PLACE, chunk["positions"]) for chunk in chunks]
    rows, cols = np.concatenate(checked).T
    return [rows, cols]


def _optional(tree: Tree, name: str) -> np.ndarray | None:
    """Return an array; None where there is none, which ptypy writes as a zero with a mark."""
    mark = tree.attribute(name, "type")
    if mark is not None and str(mark).strip("b'\"") == "None":
        tree.used.add(name)
        return None
    return tree.array(name)


def _weights(tree: Tree, chunks: list[dict[str, np.ndarray]]) -> np.ndarray | None:
    """Return one mask where all frames have the same, as ptypy repeats it; else one a frame."""
    there = [chunk["weights"] for chunk in chunks if "weights" in chunk and chunk["weights"].size]
    if not there:
        return _optional(tree, "meta/weight2d")
    if len(there) < len(chunks):
        raise DataError(f"{tree.path}: only some chunks have weights; needed: all or none")
    stacked = _joined(
        tree.path, "weights", [part if part.ndim == 3 else part[None] for part in there]
    )
    first = stacked[0]
    repeated = all((part == first).all() for part in blocks(stacked))
    return first if repeated else stacked


def _number(tree: Tree, name: str) -> float | None:
    return None if _optional(tree, name) is None else tree.number(name)


def pixel_sides(path: str | Path, name: str, sides: np.ndarray | None) -> list[float | None]:
    """Return height and width of a pixel that is given as one number or two.

    Raises
    ------
    DataError
    """
    if sides is None:
        return [None, None]
    if sides.size not in (1, 2) or sides.dtype.kind not in "fiu" or not np.isfinite(sides).all():
        raise DataError(
            f"{path}: key {name!r} is {sides.dtype} of shape {sides.shape}; "
            "needed: one or two finite numbers"
        )
    flat = sides.ravel().astype(np.float64).tolist()
    return [flat[0], flat[-1]]
