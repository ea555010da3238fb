"""Stage convert: a user's files as one file in another format."""

from pathlib import Path
from typing import Literal

import numpy as np

from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.scan_metadata import make_step, scan_metadata
from ptychostudy.formats.valid_pixels import valid_arrays
from ptychostudy.intake.any_file import look_into, refused, take_in
from ptychostudy.intake.doubts import Doubts
from ptychostudy.io.arrays import write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.recipes.first_settings import first_settings
from ptychostudy.recipes.geometry import check_geometry

BAD = 1
"""Exit code after files that are refused."""


def run(
    files: list[Path],
    *,
    output: Path,
    format: Literal["canonical"] = "canonical",
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
        ``canonical``: NPZ with our own keys.
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
    settings = first_settings(look_into(paths), paths)
    doubts = Doubts(name, tuple(accept))
    if settings.pixel_matters:
        doubts.refuse(settings.pixel_matters)
    scan = take_in(paths, settings.base, doubts)
    arrays = {**position_arrays(scan["positions"]), "probeGuess": scan["probe"]}
    step = make_step("convert", format, settings.base)
    if "counts" in scan:
        step["geometry"] = check_geometry(scan, accept, name)
    for key, member in (("counts", "counts"), ("object", "objectGuess")):
        if key in scan:
            arrays[member] = scan[key]
    arrays |= valid_arrays(scan.get("valid", np.ones(scan["probe"].shape[-2:], dtype=bool)))
    physics = {"N": len(scan["probe"]), "pixel_size_m": settings.base["pixel_size_m"]}
    write_npz(output, arrays, scan_metadata(physics, [step]))
    for text in settings.assumed:
        print(f"assumed: {text}")
    print(f"written: {output}")
