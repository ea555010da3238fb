"""The canonical NPZ of this package, which `base` reads again without a question."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.probe_modes import MODES
from ptychostudy.formats.scan_metadata import make_step, scan_metadata
from ptychostudy.formats.valid_pixels import VALID, valid_arrays
from ptychostudy.io.arrays import write_npz
from ptychostudy.writing.scan_arrays import COUNTS, OBJECT, PROBE, checked, valid_of

NAME = "canonical NPZ"
SUFFIX = ".npz"
_ORDER = (*COORDINATES, PROBE, MODES, COUNTS, OBJECT)


def write(
    path: str | Path, scan: Mapping[str, np.ndarray], declared: Mapping[str, Any]
) -> list[str]:
    """Write a scan; the same content gives the same bytes.

    Parameters
    ----------
    path : str or Path
    scan : mapping of str to ndarray
        ``ycoords xcoords probeGuess`` and, as far as they are known, ``counts`` (uint32, NHW),
        ``objectGuess``, ``valid_pixels``, ``probeModes``.
    declared : mapping
        Keys of `formats.user_file.DECLARED`: they become metadata.

    Returns
    -------
    list of str
        What the file does not hold, or holds as an assumption; here nothing.

    Raises
    ------
    DataError
    """
    checked(path, scan, ())
    arrays = {key: scan[key] for key in _ORDER if key in scan}
    arrays |= valid_arrays(valid_of(scan)) if VALID in scan else {}
    physics = {"N": len(scan[PROBE])} | _numbers(declared)
    write_npz(path, arrays, scan_metadata(physics, [make_step("convert", "canonicalize", {})]))
    return []


def _numbers(declared: Mapping[str, Any]) -> dict[str, float]:
    """Return the declared lengths and energies: numbers that stay true of what is written."""
    lengths = ("pixel_size_m", "photon_energy_ev", "distance_m", "detector_pixel_m")
    return {key: float(declared[key]) for key in lengths if declared.get(key) is not None}
