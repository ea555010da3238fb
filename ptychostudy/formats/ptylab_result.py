"""Reader of PtyLab's reconstructions: object, probe, and where the positions begin.

Measured of PtyLab 0.3.7: object and probe have six axes (wavelengths, object modes, probe modes,
slices, rows, columns); a window begins at ``round(encoder / dxp) + No // 2 - Np // 2``.
"""

from pathlib import Path
from typing import Any

import h5py

from ptychostudy.formats.gathered import Gathered
from ptychostudy.formats.hdf5_tree import Tree, item_at
from ptychostudy.formats.ptylab_input import encoder, put_optics
from ptychostudy.formats.reader_fields import has_all, needed_array, one_layer, probe_modes
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
    found = Gathered(path)
    found.put(OBJECT, "object", field)
    found.put(PROBE, "probe", probe)
    refined = has_all(file, _REFINED)
    if refined:
        rows, cols = encoder(tree, _REFINED).T
        found.put_positions([_REFINED, _REFINED], [rows, cols], "m")
    # A position of zero lies in the middle of the object, on whole pixels.
    n = probe.shape[-1]
    origin = [side // 2 - n // 2 + n / 2 for side in field.shape]
    found.declared["origin_px" if refined else "object_origin_px"] = origin
    found.state("pixel_size_m", tree.number("dxp"))
    put_optics(tree, found)
    return found.file(NAME, tree.others())
