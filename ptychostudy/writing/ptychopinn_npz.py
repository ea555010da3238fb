"""The NPZ of PtychoPINN: amplitudes, coordinates in pixels, probe and, if there is one, object."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.probe_modes import MODES
from ptychostudy.formats.valid_pixels import VALID, valid_arrays
from ptychostudy.io.arrays import Stream, write_npz
from ptychostudy.io.mapped import blocks
from ptychostudy.writing.scan_arrays import COUNTS, OBJECT, PROBE, checked, modes_of, valid_of

NAME = "PtychoPINN NPZ"
SUFFIX = ".npz"


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
        Keys of `formats.user_file.DECLARED`; PtychoPINN counts in pixels and asks for none.

    Returns
    -------
    list of str
        What PtychoPINN does not use.

    Raises
    ------
    DataError
    """
    checked(path, scan, (COUNTS,))
    # Coordinates are centres of windows from the object's corner there, too.
    coordinates = {key: scan[key].astype(np.float64) for key in reversed(COORDINATES)}
    arrays = {
        "diff3d": _amplitudes(scan[COUNTS]),
        **coordinates,
        **{f"{key}_start": value for key, value in coordinates.items()},
        "scan_index": np.zeros(len(scan[COUNTS]), dtype=np.int64),
        PROBE: scan[PROBE].astype(np.complex64),
    }
    if OBJECT in scan:
        arrays[OBJECT] = scan[OBJECT].astype(np.complex64)
    # Ours, for a way back: PtychoPINN has no mask, and takes what is masked for dark.
    masked = valid_arrays(valid_of(scan))
    # As are the modes; to PtychoPINN the probe is the first, with the power of all.
    modes = {MODES: modes_of(scan)} if MODES in scan else {}
    write_npz(path, arrays | masked | modes)
    said = [f"{VALID} written, but PtychoPINN knows no mask: masked pixels are 0 there"]
    waves = [f"{MODES} written, but PtychoPINN knows the first only, which has the power of all"]
    return said * len(masked) + waves * len(modes)


def _amplitudes(counts: np.ndarray) -> Stream:
    """Return the roots of frames (k, N, N) as they are written, a block at a time."""
    roots = (np.sqrt(part).astype(np.float32) for part in blocks(counts))
    return Stream(counts.shape, "float32", roots)
