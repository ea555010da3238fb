"""Reader of PtyLab's reconstructions: object, probe, and where the positions begin.

Measured of PtyLab 0.3.7: object and probe have six axes (wavelengths, object modes, probe modes,
slices, rows, columns); a window begins at ``round(encoder / dxp) + No // 2 - Np // 2``.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.declared import energy_ev
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.ptylab_input import encoder
from ptychostudy.formats.reader_fields import has_all, known, needed_array, one_layer, probe_modes
from ptychostudy.formats.user_file import OBJECT, PROBE, UserFile

NAME = "PtyLab reconstruction"
_AXES = 6
_REFINED = "encoder_corrected"


def recognises(file: Any) -> bool:
    """Whether this is a reconstruction of PtyLab, by its six axes."""
    return has_all(file, "object", "probe", "dxp") and all(
        isinstance(item_at(file, name), h5py.Dataset)
        and len(item_at(file, name).shape or ()) == _AXES
        for name in ("object", "probe")
    )


def read(path: str | Path, file: Any) -> UserFile:
    """Read object, probe and, where they are there, positions.

    Parameters
    ----------
    path : str or Path
    file : h5py.File

    Raises
    ------
    DataError
        If there are several wavelengths, object modes or slices.
    """
    tree = Tree(path, file)
    field = one_layer(path, "object", needed_array(tree, "object"))
    probe = probe_modes(path, "probe", needed_array(tree, "probe"))
    positions = position_arrays(encoder(tree, _REFINED)) if has_all(file, _REFINED) else {}
    wavelength = tree.number("wavelength")
    return UserFile(
        arrays={OBJECT: field, PROBE: probe, **positions},
        others=tree.others(),
        format=NAME,
        places={
            OBJECT: "object",
            PROBE: "probe",
            **dict.fromkeys(("ycoords", "xcoords"), _REFINED),
        },
        declared=_origin(field, probe, bool(positions))
        | known(
            pixel_size_m=tree.number("dxp"),
            photon_energy_ev=energy_ev(wavelength) if wavelength and wavelength > 0 else None,
            distance_m=tree.number("zo"),
        ),
    )


def _origin(field: np.ndarray, probe: np.ndarray, with_positions: bool) -> dict[str, Any]:
    """Return where a position of zero lies: in the middle of the object, on whole pixels."""
    n = probe.shape[-1]
    origin = tuple(side // 2 - n // 2 + n / 2 for side in field.shape)
    if with_positions:
        return {"position_unit": "m", "origin_px": origin}
    return {"object_origin_px": origin}
