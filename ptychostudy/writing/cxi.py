"""CXI (Coherent X-ray Imaging, version 1.6): frames, mask, geometry and translations, with images.

The file opens as a data set of cdtools, and as diffraction and product of Ptychodus; both find our
positions in it, though they read them in different ways:

- cdtools takes ``translation`` for that of the sample and projects its negative on the axes of the
  object, which follow from ``basis_vectors``. One row downwards is written as ``(0, -p, 0)``, one
  column to the right as ``(-p, 0, 0)``; so ``translation = (x, y, 0)`` with x along columns and y
  along rows is what gives rows = +y and columns = +x.
- Ptychodus takes the same numbers for the place of the probe from the middle of the object, which
  is stated beside them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy

from ptychostudy.formats.positions import read_positions
from ptychostudy.writing.hdf5_bytes import new_hdf5, put
from ptychostudy.writing.scan_arrays import (
    COUNTS,
    OBJECT,
    PROBE,
    Optics,
    checked,
    modes_of,
    optics_of,
    valid_of,
)

NAME = "CXI"
SUFFIX = ".cxi"
_VERSION = 160
_BAD = 1
_SOURCE = "entry_1/instrument_1/source_1"
_DETECTOR = "entry_1/instrument_1/detector_1"
_TRANSLATION = "entry_1/sample_1/geometry_1/translation"
_PTYCHODUS = "entry_1/ptychodus"
_PROBE_IMAGE = "entry_1/image_1"
_OBJECT_IMAGE = "entry_1/image_2"


def write(
    path: str | Path, scan: Mapping[str, np.ndarray], declared: Mapping[str, Any]
) -> list[str]:
    """Write a scan; the same content gives the same bytes.

    Parameters
    ----------
    path : str or Path
    scan : mapping of str to ndarray
        ``ycoords xcoords probeGuess counts`` and, as far as they are known, ``objectGuess``,
        ``valid_pixels`` and ``probeModes``.
    declared : mapping
        Keys of `formats.user_file.DECLARED`; energy and distance are nominal where they are not
        known, and the detector's pixel follows from them and from the object's.

    Returns
    -------
    list of str
        What was assumed.

    Raises
    ------
    DataError
    """
    checked(path, scan, (COUNTS,))
    n = len(scan[PROBE])
    optics = optics_of(path, declared, n)
    with new_hdf5(path) as file:
        put(file, {"cxi_version": _VERSION})
        put(file, _source(optics) | _detector(scan, optics))
        put(file, {_TRANSLATION: _translation(scan, optics)})
        put(file, _images(scan, optics))
        _link(file)
    return list(optics.said)


def _source(optics: Optics) -> dict[str, Any]:
    """Return energy (joule) and wavelength; of the two cdtools believes the wavelength."""
    return {
        f"{_SOURCE}/energy": optics.photon_energy_ev * scipy.constants.e,
        f"{_SOURCE}/wavelength": optics.wavelength_m,
    }


def _detector(scan: Mapping[str, np.ndarray], optics: Optics) -> dict[str, Any]:
    pitch = optics.detector_pixel_m(len(scan[PROBE]))
    # Columns: the step of one row, and of one column.
    basis = np.array([[0.0, -pitch], [-pitch, 0.0], [0.0, 0.0]])
    bad = np.where(valid_of(scan), 0, _BAD).astype(np.uint32)
    values = {
        "distance": optics.distance_m,
        "x_pixel_size": pitch,
        "y_pixel_size": pitch,
        "basis_vectors": basis,
        "mask": bad,
        "data": scan[COUNTS],
    }
    return {f"{_DETECTOR}/{key}": value for key, value in values.items()}


def _translation(scan: Mapping[str, np.ndarray], optics: Optics) -> np.ndarray:
    rows, cols = read_positions(scan).T.astype(np.float64) * optics.pixel_size_m
    return np.stack([cols, rows, np.zeros_like(rows)], axis=1)


def _images(scan: Mapping[str, np.ndarray], optics: Optics) -> dict[str, Any]:
    """Return probe and object as images, and what Ptychodus asks of them."""
    pixel = optics.pixel_size_m
    values = _image(_PROBE_IMAGE, modes_of(scan)[None], pixel)
    values[f"{_PTYCHODUS}/probe_position_indexes"] = np.arange(len(scan[COUNTS]))
    values |= _sides("probe", pixel)
    if OBJECT in scan:
        rows, cols = scan[OBJECT].shape
        values |= _image(_OBJECT_IMAGE, scan[OBJECT].astype(np.complex64)[None], pixel)
        values |= _sides("object", pixel)
        values[f"{_PTYCHODUS}/object_center_x_m"] = cols / 2 * pixel
        values[f"{_PTYCHODUS}/object_center_y_m"] = rows / 2 * pixel
    return values


def _image(name: str, field: np.ndarray, pixel: float) -> dict[str, Any]:
    height, width = field.shape[-2:]
    return {
        f"{name}/data": field,
        f"{name}/data_space": "real",
        f"{name}/image_size": np.array([width * pixel, height * pixel, 0.0]),
    }


def _sides(what: str, pixel: float) -> dict[str, Any]:
    return {f"{_PTYCHODUS}/{what}_pixel_{side}_m": pixel for side in ("width", "height")}


def _link(file: Any) -> None:
    """Lead to frames and translations from where other readers look for them."""
    file["entry_1/data_1/data"] = h5py.SoftLink(f"/{_DETECTOR}/data")
    for place in ("entry_1/data_1", _DETECTOR):
        file[f"{place}/translation"] = h5py.SoftLink(f"/{_TRANSLATION}")
