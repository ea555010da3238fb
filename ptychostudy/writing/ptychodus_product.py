"""The HDF5 product of Ptychodus: object, probe and positions; frames are a file of their own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.positions import read_positions
from ptychostudy.formats.probe_modes import MODES
from ptychostudy.formats.ptychodus import Product, write_product_h5
from ptychostudy.formats.valid_pixels import VALID
from ptychostudy.writing.scan_arrays import COUNTS, OBJECT, PROBE, checked, left_out, optics_of

NAME = "Ptychodus product"
SUFFIX = ".h5"


def write(
    path: str | Path, scan: Mapping[str, np.ndarray], declared: Mapping[str, Any]
) -> list[str]:
    """Write object, probe and positions of a scan; the same content gives the same bytes.

    Parameters
    ----------
    path : str or Path
    scan : mapping of str to ndarray
        ``ycoords xcoords probeGuess objectGuess`` and, of a probe of several, ``probeModes``;
        frames and mask are not part of a product.
    declared : mapping
        Keys of `formats.user_file.DECLARED`; energy and distance are nominal where they are not
        known.

    Returns
    -------
    list of str
        What was left out or assumed.

    Raises
    ------
    DataError
    """
    checked(path, scan, (OBJECT,))
    optics = optics_of(path, declared, len(scan[PROBE]))
    product = Product(
        object=scan[OBJECT],
        probe=scan.get(MODES, scan[PROBE]),
        positions=read_positions(scan).astype(np.float64),
        pixel_size_m=optics.pixel_size_m,
        photon_energy_ev=optics.photon_energy_ev,
        detector_distance_m=optics.distance_m,
        name="ptychostudy",
        comments="; ".join(optics.said),
    )
    write_product_h5(path, product)
    why = "a product holds no frames; the CXI of the same scan does"
    return [*optics.said, *left_out(scan, (COUNTS, VALID), why)]
