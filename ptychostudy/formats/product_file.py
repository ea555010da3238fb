"""The parts of a Ptychodus product in its HDF5 file: what they are called, each checked alone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.atomic import DataError

INDEXES = "probe_position_indexes"
X = "probe_position_x_m"
Y = "probe_position_y_m"
EPOCHS = "loss_epochs"
LOSS = "loss_values"
REQUIRED = ("object", "probe", INDEXES, X, Y)
DATASETS = (*REQUIRED, EPOCHS, LOSS)
# Releases before 1.7 know the first name of each pair only, 1.7 writes the second.
ENERGY = ("probe_energy_eV", "photon_energy_eV")
ATTENUATION = ("mass_attenuation_m2_kg", "mass_attenuation_m2_per_kg")
# Rows before columns, as everywhere; to Ptychodus rows are y.
CENTRE = ("center_y_m", "center_x_m")
SIDES = ("pixel_width_m", "pixel_height_m")


@dataclass(frozen=True)
class ProductFile:
    """An open product.

    Attributes
    ----------
    path : str or Path
        For messages.
    file : h5py.File
    arrays : mapping of str to ndarray
        Those of its datasets that are known, read.
    """

    path: str | Path
    file: Any
    arrays: Mapping[str, np.ndarray]

    def array(self, key: str, rank: int) -> np.ndarray:
        """Return an array without leading axes of length one."""
        if key not in self.arrays:
            raise DataError(
                f"{self.path}: key {key!r} is missing; found {sorted(self.arrays)}, "
                f"needed {', '.join(REQUIRED)}"
            )
        value = self.arrays[key]
        while value.ndim > rank and value.shape[0] == 1:
            value = value[0]
        if value.ndim != rank:
            raise DataError(
                f"{self.path}: key {key!r} has shape {value.shape}; "
                f"needed {rank} axes, one layer, one mode"
            )
        return value

    def coordinates_m(self) -> list[np.ndarray]:
        """Return rows and columns of the positions, in metres from the middle of the object."""
        rows = self.array(Y, 1)
        cols = self.array(X, 1)
        if not len(rows) == len(cols) == len(self._indexes()):
            raise DataError(
                f"{self.path}: {Y!r}, {X!r} and {INDEXES!r} differ in length; "
                "needed one entry of each a frame"
            )
        return [rows, cols]

    def _indexes(self) -> np.ndarray:
        indexes = self.array(INDEXES, 1)
        distinct = len(np.unique(indexes))
        whole = indexes.dtype.kind in "iu"
        if not whole or distinct != len(indexes) or np.any(indexes < 0):
            raise DataError(
                f"{self.path}: key {INDEXES!r} holds {indexes.dtype}, "
                f"{distinct} of {len(indexes)} distinct; needed: integers >= 0, each once, "
                "because Ptychodus merges frames of equal index"
            )
        return indexes

    def object_centre_m(self) -> list[float]:
        """Return row and column of the middle of the object, in metres."""
        attributes = self.file["object"].attrs
        return [self._number(attributes, key) for key in CENTRE]

    def pixel_size_m(self) -> float:
        """Return the side of a pixel; object and probe must agree in both directions."""
        sides = self._sides_m()
        pixel = sides[0]
        # Equal up to rounding: a size computed in two ways may differ in its last digits.
        if max(sides) - min(sides) > 1e-9 * abs(pixel):
            raise DataError(
                f"{self.path}: the pixels of object and probe measure {sides} m; "
                "needed: one square size"
            )
        if pixel <= 0:
            raise DataError(f"{self.path}: pixel_size_m is {pixel}, needed a number > 0")
        return pixel

    def _sides_m(self) -> list[float]:
        """Return width and height of the object's pixels, and of the probe's where it has them."""
        object_ = self.file["object"].attrs
        probe = self.file["probe"].attrs
        sides = [self._number(object_, key) for key in SIDES]
        return sides + [self._number(probe, key) for key in SIDES if key in probe]

    def energy_ev(self) -> float:
        """Return the photon energy; where both names are given, they must agree."""
        attributes = self.file.attrs
        said = [self._number(attributes, key) for key in ENERGY if key in attributes]
        if not said or said[0] != said[-1]:
            raise DataError(
                f"{self.path}: the attributes {ENERGY} say {said or 'nothing'}; needed: one energy"
            )
        return said[0]

    def detector_distance_m(self) -> float:
        """Return the distance from object to detector."""
        return self._number(self.file.attrs, "detector_object_distance_m")

    def loss(self) -> np.ndarray:
        """Return the losses of the epochs, which a product need not have."""
        present = [self.array(key, 1) for key in (LOSS, EPOCHS) if key in self.file]
        # None is well; one without the other is half of a curve.
        if not present:
            return np.zeros(0)
        lengths = {len(values) for values in present}
        if len(present) == 1 or len(lengths) > 1:
            raise DataError(
                f"{self.path}: {LOSS!r} and {EPOCHS!r} do not match; "
                "needed both or neither, of one length"
            )
        return present[0]

    def text(self, key: str) -> str:
        """Return a text of the product, which may be missing."""
        return str(self.file.attrs.get(key, ""))

    def _number(self, attributes: Any, key: str) -> float:
        if key not in attributes:
            raise DataError(f"{self.path}: attribute {key!r} is missing; needed one finite number")
        value = attributes[key]
        number = np.ndim(value) == 0 and np.asarray(value).dtype.kind in "fiu"
        if not number or not math.isfinite(value):
            raise DataError(f"{self.path}: attribute {key!r} is {value}, needed one finite number")
        return float(value)
