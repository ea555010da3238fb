"""Stage convert: a user's files as one file in another format."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.user_file import UserFile
from ptychostudy.formats.valid_pixels import valid_arrays
from ptychostudy.intake.any_file import look_into, refused, take_in
from ptychostudy.intake.doubts import Doubts
from ptychostudy.io.atomic import DataError
from ptychostudy.recipes.first_settings import FirstSettings, first_settings
from ptychostudy.recipes.geometry import check_geometry
from ptychostudy.writing.writers import WRITERS

BAD = 1
"""Exit code after files that are refused."""


def run(
    files: list[Path],
    *,
    output: Path,
    format: Literal["npz", "cxi", "ptychodus", "ptychi", "ptychopinn"] = "npz",
    accept: list[str] = [],  # noqa: B006 - read, never changed; the command line needs the type
) -> int:
    """Write the scan of some files as one, as a study would take it in.

    What the files do not say is assumed as by ``inspect``; what is doubtful is refused.

    Parameters
    ----------
    files : list of Path
        One, or all that belong to one scan.
    output : Path
    format : str
        ``npz`` with our own keys, ``cxi``, a product of Ptychodus, arrays and options of pty-chi,
        or the NPZ of PtychoPINN.
    accept : list of str
        Doubts that were looked at, as ``base.npz.accept`` of a study.

    Returns
    -------
    int
        0, or 1 where the files are refused.
    """
    paths = [str(path) for path in files]
    try:
        with refused(paths):
            _convert(paths, output, format, accept)
    except DataError as error:
        print(error)
        return BAD
    return 0


def _convert(paths: list[str], output: Path, format: str, accept: list[str]) -> None:
    name = ", ".join(paths)
    file = look_into(paths)
    settings = first_settings(file, paths)
    doubts = Doubts(name, tuple(accept))
    if settings.pixel_matters:
        doubts.refuse(settings.pixel_matters)
    scan = take_in(paths, settings.base, doubts)
    if "counts" in scan:
        check_geometry(scan, accept, name)
    said = WRITERS[format].write(output, _arrays(scan), _declared(file, settings))
    for text in settings.assumed:
        print(f"assumed: {text}")
    for text in said:
        print(text)
    print(f"written: {output}")


def _arrays(scan: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return a scan as the writers take it."""
    arrays = {**position_arrays(scan["positions"]), "probeGuess": scan["probe"]}
    for key, member in (("counts", "counts"), ("object", "objectGuess")):
        if key in scan:
            arrays[member] = scan[key]
    return arrays | valid_arrays(scan["valid"])


def _declared(file: UserFile, settings: FirstSettings) -> dict[str, Any]:
    """Return what is known of the measurement; a detector cut to other sides has other pixels."""
    lengths = ("photon_energy_ev", "distance_m")
    stated = {key: file.declared[key] for key in lengths if key in file.declared}
    return {**stated, "pixel_size_m": settings.base["pixel_size_m"]}
