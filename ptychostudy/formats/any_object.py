"""An object that somebody reconstructed, in any format: its field, and where it is known to lie."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ptychostudy.formats.arm_product import COVERAGE, FIELD, ORIGIN, read_arm_product
from ptychostudy.formats.containers import HDF5, NPZ, UNKNOWN, container, open_user_hdf5
from ptychostudy.formats.frames import check_finite, wrong_kind
from ptychostudy.formats.hdf5_tree import Tree
from ptychostudy.formats.npy_file import is_npy, read_npy_file
from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.reader_fields import needed_array
from ptychostudy.formats.readers import load_user_file
from ptychostudy.formats.user_file import OBJECT, UserFile
from ptychostudy.io.arrays import member_names, read_npz
from ptychostudy.io.atomic import DataError

TRUTH, MASK = "truth", "mask"
"""Keys of a comparison of this package, ``reconstructions.npz``, beside those of its arms."""


@dataclass(frozen=True)
class AnyObject:
    """An object of some file.

    Attributes
    ----------
    where : str
        File and key, for messages.
    field : (H, W) complex
    seen : (H, W) bool
        Pixels of which the file says something; others are not scored.
    origin : (int, int) or None
        Row and column of the first pixel in the object of a study, where the file knows it.
    whole : bool
        Whether all of `seen` and nothing else is to be scored: the mask of a comparison.
    pixel_size_m : float or None
        Where the file states it.
    positions : (k, 2) float or None
        Window centres (row, col) in pixels of the field, where the file knows them.
    """

    where: str
    field: np.ndarray
    seen: np.ndarray
    origin: tuple[int, int] | None = None
    whole: bool = False
    pixel_size_m: float | None = None
    positions: np.ndarray | None = None


def read_named(word: str, name: str = TRUTH) -> AnyObject:
    """Read an object of ``FILE`` as `read_any_object` does, or of ``FILE:KEY`` the array of a key.

    Raises
    ------
    DataError
        Naming the file, the key, what was found and what is needed.
    """
    path, colon, key = word.rpartition(":")
    if not colon or Path(word).exists():
        return read_any_object(word, name)
    field = _field(path, key, _one_layer(_array(path, key)))
    return AnyObject(f"{path}: key {key!r}", field, field != 0)


def _array(path: str, key: str) -> np.ndarray:
    if container(path) != HDF5:
        return read_npz(path, [key])[key]
    with open_user_hdf5(path) as file:
        return needed_array(Tree(path, file), key)


def read_any_object(path: str | Path, name: str = TRUTH) -> AnyObject:
    """Read an object.

    Parameters
    ----------
    path : str or Path
        A canvas or a comparison of this package, one NPY array, or any file that `load_user_file`
        reads.
    name : str
        In a comparison, which of its fields.

    Raises
    ------
    DataError
        Naming the file, the key, what was found and what is needed.
    """
    kind = container(path)
    if kind == UNKNOWN and is_npy(path):
        return _of_array(path)
    names = member_names(path) if kind == NPZ else []
    if {MASK, ORIGIN, TRUTH} <= set(names):
        return _of_comparison(path, name, names)
    if {FIELD, COVERAGE, ORIGIN} <= set(names):
        return _of_canvas(path)
    return _of_user(path)


def _of_array(path: str | Path) -> AnyObject:
    field = _field(path, "array", _one_layer(read_npy_file(path, "one complex array (H, W)")))
    return AnyObject(str(path), field, field != 0)


def _of_comparison(path: str | Path, name: str, names: list[str]) -> AnyObject:
    if name not in names or name in (MASK, ORIGIN):
        raise DataError(f"{path}: key {name!r} is missing; needed: one of {', '.join(names)}")
    arrays = read_npz(path, [name, MASK, ORIGIN])
    field = _field(path, name, arrays[name])
    row, col = arrays[ORIGIN].tolist()
    return AnyObject(f"{path}: key {name!r}", field, arrays[MASK], (row, col), name == TRUTH)


def _of_canvas(path: str | Path) -> AnyObject:
    product = read_arm_product(path)
    if not product.good:
        raise DataError(
            f"{path}: the arm failed ({product.record.get('reason')}); needed: a reconstruction"
        )
    field = _field(path, FIELD, product.field)
    return AnyObject(f"{path}: key {FIELD!r}", field, product.coverage > 0, product.origin)


def _of_user(path: str | Path) -> AnyObject:
    file = load_user_file(path)
    if OBJECT not in file.arrays:
        raise DataError(
            f"{path}: no object, found {', '.join(file.held()) or 'nothing'} ({file.format}); "
            f"needed: a complex object (H, W), in an NPZ under {OBJECT!r}, or its key: FILE:KEY"
        )
    place = file.places.get(OBJECT, OBJECT)
    array = file.arrays[OBJECT]
    field = _field(path, place, _one_layer(array))
    return AnyObject(
        f"{path}: key {place!r}",
        field,
        field != 0,
        pixel_size_m=file.declared.get("pixel_size_m"),
        positions=_positions(file),
    )


def _one_layer(array: np.ndarray) -> np.ndarray:
    """Return an array without the axis of layers that several programs have before the object."""
    return array[0] if array.ndim == 3 and len(array) == 1 else array


def _field(path: str | Path, key: str, field: np.ndarray) -> np.ndarray:
    if field.ndim != 2 or field.dtype.kind != "c":
        raise wrong_kind(path, key, field, "complex (H, W)")
    check_finite(path, key, field)
    if not np.any(field):
        raise DataError(f"{path}: key {key!r} is all zero; needed: a reconstruction")
    return field


def _positions(file: UserFile) -> np.ndarray | None:
    """Return the window centres in pixels of the object, where a file says all that takes."""
    unit = file.declared.get("position_unit")
    pixel = {"px": 1.0, "m": file.declared.get("pixel_size_m")}.get(unit or "")
    origin = file.declared.get("origin_px")
    if pixel is None or origin is None or not set(COORDINATES) <= set(file.arrays):
        return None
    return np.asarray(read_positions(file.arrays).astype(np.float64) / pixel + np.array(origin))
