"""Ptychodus products: the HDF5 file that Ptychodus opens, in the form of all releases since 1.2.

Only this module knows that Ptychodus counts pixel centres from ``(W - 1) / 2`` and writes metres.
"""

import io
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.datasets import read_known
from ptychostudy.formats.product_file import (
    ATTENUATION,
    CENTRE,
    DATASETS,
    ENERGY,
    EPOCHS,
    INDEXES,
    LOSS,
    SIDES,
    ProductFile,
    X,
    Y,
)
from ptychostudy.io.atomic import DataError, atomic, plain_size
from ptychostudy.io.hdf5 import open_hdf5

_QUANTITIES = ("pixel_size_m", "photon_energy_ev", "detector_distance_m")
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

    A window centre ``c`` is written as ``c * pixel`` and the object's centre as ``W / 2 * pixel``:
    Ptychodus then finds the window's first pixel at ``c - N / 2``, as this package does.

    Raises
    ------
    DataError
        If the product is not one that `read_product_h5` would accept.
    """
    _check(path, product)
    buffer = io.BytesIO()
    # The order of members is part of a file's bytes.
    with h5py.File(buffer, "w") as file:
        file.attrs.update(_root_attributes(product))
        _write_fields(file, product)
        _write_positions(file, product.positions * product.pixel_size_m)
        _dataset(file, "object_layer_spacing_m", np.zeros(0))
        _write_loss(file, product.loss)
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def _root_attributes(product: Product) -> dict[str, Any]:
    amplitude = np.abs(product.probe.astype(np.complex128))
    # Under both names, old and new; attenuation, exposure and angle are none of a study's.
    return {
        "name": product.name,
        "comments": product.comments,
        **dict.fromkeys(ENERGY, product.photon_energy_ev),
        **dict.fromkeys(ATTENUATION, 0.0),
        "detector_object_distance_m": product.detector_distance_m,
        "probe_photon_count": float(np.sum(amplitude**2)),
        "exposure_time_s": 0.0,
        "tomography_angle_deg": 0.0,
    }


def _write_fields(file: Any, product: Product) -> None:
    sides = dict.fromkeys(SIDES, product.pixel_size_m)
    centre = _centre_m(product.object.shape, product.pixel_size_m)
    _add_field(file, "object", product.object, {**sides, **centre})
    _add_field(file, "probe", product.probe, sides)


def _centre_m(shape: tuple[int, ...], pixel: float) -> dict[str, float]:
    """Return the middle of the object, from which Ptychodus counts; our origin is the corner."""
    rows, cols = shape
    return {CENTRE[0]: rows / 2 * pixel, CENTRE[1]: cols / 2 * pixel}


def _add_field(file: Any, key: str, value: np.ndarray, attributes: dict[str, float]) -> None:
    # Each dataset is let go before the next is made: where HDF5 puts things depends on it.
    _dataset(file, key, value.astype(np.complex64)).attrs.update(attributes)


def _write_positions(file: Any, metres: np.ndarray) -> None:
    # Ptychodus takes the indexes for frame numbers and averages frames of the same number.
    _dataset(file, INDEXES, np.arange(len(metres)))
    _dataset(file, Y, metres[:, 0])
    _dataset(file, X, metres[:, 1])


def _write_loss(file: Any, loss: np.ndarray) -> None:
    _dataset(file, EPOCHS, np.arange(1, len(loss) + 1))
    _dataset(file, LOSS, np.asarray(loss, dtype=np.float64))


def _dataset(file: Any, key: str, value: np.ndarray) -> Any:
    # HDF5 has checksums for chunks only, and no chunks of nothing.
    options: dict[str, Any] = {"chunks": True, "fletcher32": True} if value.size else {}
    return file.create_dataset(key, data=value, track_times=False, **options)


def read_product_h5(path: str | Path) -> Product:
    """Read a product of one object layer and one probe mode, written here or by Ptychodus.

    Raises
    ------
    DataError
        Naming the file, the key, what was found and what is needed; also for what Ptychodus itself
        lets pass, such as coordinates of different length, repeated indexes, and windows outside
        the object.
    """
    size = plain_size(path)
    with open_hdf5(path, "a complete Ptychodus product") as file:
        arrays = read_known(path, file, DATASETS, size)
        product = _read(ProductFile(path, file, arrays))
    _check(path, product)
    return product


def _read(source: ProductFile) -> Product:
    object_ = source.array("object", 2)
    probe = source.array("probe", 2)
    metres = source.coordinates_m()
    pixel = source.pixel_size_m()
    centre = source.object_centre_m()
    loss = source.loss()
    return Product(
        object=object_,
        probe=probe,
        positions=_positions_px(source.path, metres, centre, object_.shape, pixel),
        pixel_size_m=pixel,
        photon_energy_ev=source.energy_ev(),
        detector_distance_m=source.detector_distance_m(),
        loss=loss,
        name=source.text("name"),
        comments=source.text("comments"),
    )


def _positions_px(
    path: str | Path,
    metres: list[np.ndarray],
    centre_m: list[float],
    shape: tuple[int, ...],
    pixel: float,
) -> np.ndarray:
    """Return window centres (k, 2) in pixels from the object's corner."""
    for key, value in zip((Y, X), metres, strict=True):
        if value.dtype.kind not in "fiu":
            raise DataError(f"{path}: key {key!r} is {value.dtype}; needed real numbers")
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused as not finite
        corner = np.array(shape) / 2 - np.array(centre_m) / pixel
        positions: np.ndarray = np.stack(metres, axis=1).astype(np.float64) / pixel + corner
    return positions


def _check(path: str | Path, product: Product) -> None:
    """Refuse what Ptychodus could not open, and what would not be the reconstruction meant."""
    object_ = product.object
    probe = product.probe
    _check_axes(path, "object", object_)
    _check_axes(path, "probe", probe)
    _check_values(path, "object", object_, "c")
    _check_values(path, "probe", probe, "c")
    _check_values(path, LOSS, product.loss, "fiu")
    _check_probe(path, probe)
    for key in _QUANTITIES:
        _check_number(path, key, getattr(product, key))
    _check_positions(path, product.positions)
    _check_windows(path, product.positions, len(probe), object_.shape)


def _check_axes(path: str | Path, key: str, value: np.ndarray) -> None:
    if value.ndim != 2 or value.dtype.kind != "c":
        raise DataError(
            f"{path}: {key!r} is {value.dtype} of shape {value.shape}, needed complex with two axes"
        )


def _check_values(path: str | Path, key: str, value: np.ndarray, kinds: str) -> None:
    if value.dtype.kind not in kinds:
        raise DataError(f"{path}: {key!r} is {value.dtype}; needed finite numbers")
    if not np.all(np.isfinite(value)):
        raise DataError(f"{path}: {key!r} holds NaN or infinity; needed finite numbers")


def _check_probe(path: str | Path, probe: np.ndarray) -> None:
    n = len(probe)
    if probe.shape != (n, n):
        raise DataError(f"{path}: 'probe' has shape {probe.shape}, needed N x N")
    if not np.any(probe):
        raise DataError(f"{path}: 'probe' is all zero, needed a probe that carries photons")


def _check_number(path: str | Path, key: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise DataError(f"{path}: {key} is {value}, needed a finite number > 0")


def _check_positions(path: str | Path, positions: np.ndarray) -> None:
    pairs = positions.ndim == 2 and positions.shape[1] == 2
    if not pairs or not len(positions):
        raise DataError(f"{path}: positions of shape {positions.shape}, needed (k, 2) with k > 0")
    bad = len(positions) - int(np.isfinite(positions).all(axis=1).sum())
    if bad:
        raise DataError(
            f"{path}: {bad} of {len(positions)} positions are NaN or infinite in pixels; "
            "needed finite numbers"
        )


def _check_windows(path: str | Path, positions: np.ndarray, n: int, shape: tuple[int, ...]) -> None:
    outside = _outside(positions - n / 2, n, shape)
    if outside:
        rows, cols = positions.T
        raise DataError(
            f"{path}: {outside} of {len(positions)} windows of side {n} leave the object of shape "
            f"{shape}: centres span rows {rows.min():.1f} to {rows.max():.1f}, "
            f"columns {cols.min():.1f} to {cols.max():.1f}"
        )


def _outside(corners: np.ndarray, n: int, shape: tuple[int, ...]) -> int:
    """Return how many windows leave the object; corners are not rounded, as Ptychodus does not."""
    before = corners < -_SLACK_PX
    beyond = corners + n > np.array(shape) + _SLACK_PX
    return int(np.any(before | beyond, axis=1).sum())
