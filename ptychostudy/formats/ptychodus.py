"""Ptychodus products: the HDF5 file that Ptychodus opens, in the form that all its releases since 1.2 read.

Only this module knows that Ptychodus counts pixel centres from ``(W - 1) / 2`` and writes metres.
"""

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.atomic import DataError, atomic, plain_size
from ptychostudy.io.hdf5 import find_dataset, open_hdf5, read_datasets

_INDEXES, _X, _Y = "probe_position_indexes", "probe_position_x_m", "probe_position_y_m"
_EPOCHS, _LOSS = "loss_epochs", "loss_values"
_DATASETS = ("object", "probe", _INDEXES, _X, _Y, _EPOCHS, _LOSS)
# Releases before 1.7 know the first name of each pair only, 1.7 writes the second.
_ENERGY = ("probe_energy_eV", "photon_energy_eV")
_ATTENUATION = ("mass_attenuation_m2_kg", "mass_attenuation_m2_per_kg")
_SIDES = ("pixel_width_m", "pixel_height_m")
# Metres there and back cost some 1e-13 of a position; a real mistake is a pixel or half of one.
_SLACK_PX = 1e-6


@dataclass(frozen=True)
class Product:
    """A reconstruction with what is needed to compute its frames again.

    Attributes
    ----------
    object : (H, W) complex64
    probe : (N, N) complex64
        Probe in photons.
    positions : (k, 2) float64
        Window centres (row, col) in pixels of ``object``, from its corner.
    pixel_size_m : float
        Pixel of object and probe.
    photon_energy_ev, detector_distance_m : float
    loss : (E,) float64
        One value an epoch; may be empty.
    name, comments : str
    """

    object: np.ndarray
    probe: np.ndarray
    positions: np.ndarray
    pixel_size_m: float
    photon_energy_ev: float
    detector_distance_m: float
    loss: np.ndarray = field(default_factory=lambda: np.zeros(0))
    name: str = ""
    comments: str = ""


def write_product_h5(path: str | Path, product: Product) -> None:
    """Write a product; the same content gives the same bytes.

    A window centre ``c`` is written as ``c * pixel`` and the object's centre as ``W / 2 * pixel``: Ptychodus then
    finds the window's first pixel at ``c - N / 2``, as this package does.

    Raises
    ------
    DataError
        If the product is not one that `read_product_h5` would accept.
    """
    _check(path, product)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs.update(_root_attributes(product))
        pixel, (rows, cols) = product.pixel_size_m, product.object.shape
        sides = dict.fromkeys(_SIDES, pixel)
        centre = {"center_y_m": rows / 2 * pixel, "center_x_m": cols / 2 * pixel}
        _dataset(file, "object", product.object.astype(np.complex64)).attrs.update(sides | centre)
        _dataset(file, "probe", product.probe.astype(np.complex64)).attrs.update(sides)
        # Ptychodus takes the indexes for frame numbers and averages frames of the same number.
        _dataset(file, _INDEXES, np.arange(len(product.positions)))
        _dataset(file, _Y, product.positions[:, 0] * pixel)
        _dataset(file, _X, product.positions[:, 1] * pixel)
        _dataset(file, "object_layer_spacing_m", np.zeros(0))
        _dataset(file, _EPOCHS, np.arange(1, len(product.loss) + 1))
        _dataset(file, _LOSS, np.asarray(product.loss, dtype=np.float64))
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def _root_attributes(product: Product) -> dict[str, Any]:
    found: dict[str, Any] = {"name": product.name, "comments": product.comments}
    found |= dict.fromkeys(_ENERGY, product.photon_energy_ev) | dict.fromkeys(_ATTENUATION, 0.0)
    found["detector_object_distance_m"] = product.detector_distance_m
    found["probe_photon_count"] = float(np.sum(np.abs(product.probe.astype(np.complex128)) ** 2))
    return found | {"exposure_time_s": 0.0, "tomography_angle_deg": 0.0}


def _dataset(file: Any, key: str, value: np.ndarray) -> Any:
    options: dict[str, Any] = {"chunks": True, "fletcher32": True} if value.size else {}
    return file.create_dataset(key, data=value, track_times=False, **options)


def read_product_h5(path: str | Path) -> Product:
    """Read a product of one object layer and one probe mode, written here or by Ptychodus.

    Raises
    ------
    DataError
        Naming the file, the key, what was found and what is needed; also for what Ptychodus itself lets pass, such as
        coordinates of different length, repeated indexes, and windows outside the object.
    """
    size = plain_size(path)
    with open_hdf5(path, "a complete Ptychodus product") as file:
        items = {
            key: item for key in _DATASETS if (item := find_dataset(path, file, key)) is not None
        }
        arrays = read_datasets(path, items, size)
        product = _read(path, file, lambda key, rank: _array(path, arrays, key, rank))
    _check(path, product)
    return product


def _read(path: str | Path, file: Any, array: Callable[[str, int], np.ndarray]) -> Product:
    object_, probe, rows, cols = array("object", 2), array("probe", 2), array(_Y, 1), array(_X, 1)
    if not len(rows) == len(cols) == len(_checked_indexes(path, array(_INDEXES, 1))):
        raise DataError(
            f"{path}: {_Y!r}, {_X!r} and {_INDEXES!r} differ in length; needed one entry of each a frame"
        )
    pixel = _pixel(path, file)
    centre = [_number(path, file["object"].attrs, key) for key in ("center_y_m", "center_x_m")]
    losses = [array(key, 1) for key in (_LOSS, _EPOCHS) if key in file]
    if losses and (len(losses) == 1 or len(losses[0]) != len(losses[1])):
        raise DataError(
            f"{path}: {_LOSS!r} and {_EPOCHS!r} do not match; needed both or neither, of one length"
        )
    return Product(
        object_,
        probe,
        _positions_px(path, (rows, cols), centre, object_.shape, pixel),
        pixel,
        _energy(path, file),
        _number(path, file.attrs, "detector_object_distance_m"),
        losses[0] if losses else np.zeros(0),
        str(file.attrs.get("name", "")),
        str(file.attrs.get("comments", "")),
    )


def _positions_px(
    path: str | Path,
    metres: tuple[np.ndarray, np.ndarray],
    centre: list[float],
    shape: tuple[int, ...],
    pixel: float,
) -> np.ndarray:
    """Return window centres (k, 2) in pixels from the object's corner."""
    for key, value in zip((_Y, _X), metres, strict=True):
        if value.dtype.kind not in "fiu":
            raise DataError(f"{path}: key {key!r} is {value.dtype}; needed real numbers")
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused as not finite
        corner = np.array(shape) / 2 - np.array(centre) / pixel
        found: np.ndarray = np.stack(metres, axis=1).astype(np.float64) / pixel + corner
    return found


def _array(path: str | Path, arrays: Mapping[str, np.ndarray], key: str, rank: int) -> np.ndarray:
    if key not in arrays:
        raise DataError(f"{path}: key {key!r} is missing or no dataset; found {sorted(arrays)}")
    value = arrays[key]
    while value.ndim > rank and value.shape[0] == 1:
        value = value[0]
    if value.ndim != rank:
        raise DataError(
            f"{path}: key {key!r} has shape {value.shape}; needed {rank} axes, one layer, one mode"
        )
    return value


def _checked_indexes(path: str | Path, indexes: np.ndarray) -> np.ndarray:
    if (
        indexes.dtype.kind not in "iu"
        or len(np.unique(indexes)) != len(indexes)
        or np.any(indexes < 0)
    ):
        raise DataError(
            f"{path}: key {_INDEXES!r} holds {indexes.dtype}, {len(np.unique(indexes))} of {len(indexes)} distinct; "
            "needed: integers >= 0, each once, because Ptychodus merges frames of equal index"
        )
    return indexes


def _number(path: str | Path, attributes: Any, key: str) -> float:
    value = attributes.get(key)
    if np.ndim(value) != 0 or np.asarray(value).dtype.kind not in "fiu" or not math.isfinite(value):
        raise DataError(f"{path}: attribute {key!r} is {value!r}, needed one finite number")
    return float(value)


def _pixel(path: str | Path, file: Any) -> float:
    sides = [_number(path, file["object"].attrs, key) for key in _SIDES]
    sides += [
        _number(path, file["probe"].attrs, key) for key in _SIDES if key in file["probe"].attrs
    ]
    if max(sides) - min(sides) > 1e-9 * abs(sides[0]):
        raise DataError(
            f"{path}: the pixels of object and probe measure {sides} m; needed: one square size"
        )
    if sides[0] <= 0:
        raise DataError(f"{path}: pixel_size_m is {sides[0]}, needed a number > 0")
    return sides[0]


def _energy(path: str | Path, file: Any) -> float:
    found = [_number(path, file.attrs, key) for key in _ENERGY if key in file.attrs]
    if not found or found[0] != found[-1]:
        raise DataError(
            f"{path}: the attributes {_ENERGY} say {found or 'nothing'}; needed: one energy"
        )
    return found[0]


def _check(path: str | Path, product: Product) -> None:
    for key, value in (("object", product.object), ("probe", product.probe)):
        if value.ndim != 2 or value.dtype.kind != "c":
            raise DataError(
                f"{path}: {key!r} is {value.dtype} of shape {value.shape}, needed complex with two axes"
            )
    for key, value in (("object", product.object), ("probe", product.probe), (_LOSS, product.loss)):
        if value.dtype.kind not in ("fiu" if key == _LOSS else "c") or not np.all(
            np.isfinite(value)
        ):
            raise DataError(
                f"{path}: {key!r} holds NaN, infinity or no numbers; needed finite numbers"
            )
    n = len(product.probe)
    if product.probe.shape != (n, n) or not np.any(product.probe):
        raise DataError(
            f"{path}: 'probe' has shape {product.probe.shape}, needed N x N and not all zero"
        )
    for key in ("pixel_size_m", "photon_energy_ev", "detector_distance_m"):
        value = getattr(product, key)
        if not (math.isfinite(value) and value > 0):
            raise DataError(f"{path}: {key} is {value}, needed a finite number > 0")
    _check_positions(path, product.positions, n, product.object.shape)


def _check_positions(
    path: str | Path, positions: np.ndarray, n: int, shape: tuple[int, ...]
) -> None:
    if (
        positions.ndim != 2
        or positions.shape[1] != 2
        or len(positions) == 0
        or not np.all(np.isfinite(positions))
    ):
        raise DataError(
            f"{path}: positions of shape {positions.shape}, needed finite (k, 2) with k > 0"
        )
    corners = positions - n / 2
    outside = int(
        np.any((corners < -_SLACK_PX) | (corners + n > np.array(shape) + _SLACK_PX), axis=1).sum()
    )
    if outside:
        low, high = positions.min(axis=0), positions.max(axis=0)
        raise DataError(
            f"{path}: {outside} of {len(positions)} windows of side {n} leave the object of shape {shape}: centres "
            f"span rows {low[0]:.1f} to {high[0]:.1f}, columns {low[1]:.1f} to {high[1]:.1f}"
        )
