"""Arrays and settings of pty-chi: an NPZ with the arguments of its task, a JSON with its options.

Written against pty-chi 2.2.0. Its Fourier transform is not normalised, so that
``sum |P|^2 N^2 = sum counts``: the probe is divided by N. Positions count from the middle of the
object, which is stated, as what pty-chi finds for it by itself depends on the object's side.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.positions import read_positions
from ptychostudy.io.arrays import write_npz
from ptychostudy.io.spool import changed
from ptychostudy.io.text import write_text
from ptychostudy.physics.photon_energy import wavelength_m
from ptychostudy.physics.windows import extent
from ptychostudy.writing.scan_arrays import COUNTS, OBJECT, PROBE, checked, modes_of, valid_of

NAME = "pty-chi arrays"
SUFFIX = ".npz"
# Pixels around the outermost windows: pty-chi asks for two, for its rounding.
_MARGIN_PX = 2


def write(
    path: str | Path, scan: Mapping[str, np.ndarray], declared: Mapping[str, Any]
) -> list[str]:
    """Write the arrays of a scan, and beside them the options in a JSON of the same name.

    Parameters
    ----------
    path : str or Path
    scan : mapping of str to ndarray
        ``ycoords xcoords probeGuess counts`` and, as far as they are known, ``objectGuess``,
        ``valid_pixels`` and ``probeModes``.
    declared : mapping
        Keys of `formats.user_file.DECLARED`.

    Returns
    -------
    list of str
        What was assumed, and where the options are.

    Raises
    ------
    DataError
    """
    checked(path, scan, (COUNTS,))
    field, corner, said = _field(scan)
    origin = _origin(field.shape)
    offsets = read_positions(scan).astype(np.float64) - corner - origin
    n = len(scan[PROBE])
    arrays = {
        "diffraction_data": _frames(scan[COUNTS]),
        "probe": (modes_of(scan) / n).astype(np.complex64)[None],
        "object": field.astype(np.complex64)[None],
        "probe_position_y_px": offsets[:, 0],
        "probe_position_x_px": offsets[:, 1],
        "valid_pixel_mask": valid_of(scan),
    }
    write_npz(path, arrays)
    options = Path(path).with_suffix(".json")
    text = json.dumps(_settings(Path(path).name, origin, n, declared), indent=2, sort_keys=True)
    write_text(options, f"{text}\n")
    return [*said, f"options written to {options}"]


def _field(scan: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return an object to start from, the pixel of its corner, and what is to be said of it."""
    if OBJECT in scan:
        return scan[OBJECT], np.zeros(2), []
    first, end = extent(read_positions(scan), len(scan[PROBE]), _MARGIN_PX)
    rows, cols = (end - first).tolist()
    said = f"object: {rows} x {cols} ones to start from, as the scan has none"
    return np.ones((rows, cols)), first.astype(np.float64), [said]


def _origin(shape: tuple[int, ...]) -> np.ndarray:
    """Return the middle of an object as pty-chi takes it: half its side, halves to even."""
    return np.array([float(round(side / 2)) for side in shape])


def _frames(counts: np.ndarray) -> np.ndarray:
    """Return the frames as pty-chi's shift puts them right.

    It rolls centred frames by ``fftshift``, which for an odd side is not the way back.
    """
    if counts.shape[-1] % 2 == 0:
        return counts
    return changed(counts, lambda part: np.fft.ifftshift(part, axes=(1, 2)))


def _settings(name: str, origin: np.ndarray, n: int, declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that the arrays ask for; the rest is pty-chi's own."""
    data: dict[str, Any] = {"fft_shift": n % 2 == 0}
    field: dict[str, Any] = {
        "determine_position_origin_coords_by": "specified",
        # Of a pixel's centre, where a window's centre lies between two pixels.
        "position_origin_coords": (origin - 0.5).tolist(),
    }
    if declared.get("photon_energy_ev") is not None:
        data["wavelength_m"] = wavelength_m(float(declared["photon_energy_ev"]))
    if declared.get("pixel_size_m") is not None:
        field["pixel_size_m"] = float(declared["pixel_size_m"])
    options = {
        "data_options": data,
        "object_options": field,
        "probe_options": {"optimizable": True},
        "probe_position_options": {"optimizable": False},
    }
    return {"program": "pty-chi 2.2.0", "arrays": name, "class": "LSQMLOptions", "options": options}
