"""Stage base: object, probe and scan positions in their canonical form."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.scan import check_scan
from ptychostudy.formats.scan_metadata import make_step, scan_metadata
from ptychostudy.formats.sources import GEOMETRY, PICTURE, USER, load, named_files
from ptychostudy.io.arrays import write_npz
from ptychostudy.recipes.base import make_scene

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings, ObjectSettings


def run(settings: "BaseSettings", *, output: Path, source: list[Path]) -> None:
    """Make or convert object, probe and scan; write them once.

    Parameters
    ----------
    settings : BaseSettings
        Section ``base``.
    output : Path
        ``base.npz`` with positions, ``probeGuess`` and ``objectGuess`` or ``counts``.
    source : list of Path
        The user's files or the fetched one, behind them files in which data of theirs lie; nothing
        for a synthetic study.
    """
    if bool(source) != (settings.kind != "synthetic"):
        names = ", ".join(map(str, source)) or "no file"
        raise ValueError(
            f"--source names {names}, base.kind is {settings.kind}; "
            "needed: no file for a synthetic study, one for any other"
        )
    made, changes = _converted(settings, source) if source else (_synthetic(settings), {})
    arrays = {
        **position_arrays(made["positions"]),
        "probeGuess": made["probe"].astype(np.complex64),
    }
    physics = {"N": len(made["probe"]), "pixel_size_m": settings.pixel_size_m}
    step = make_step("base", "canonicalize", settings.plain())
    # Nothing is said of a file that was taken as it is.
    if changes:
        step["changes"] = changes
    if settings.frames == "measured":
        arrays["counts"] = made["counts"]
        step["geometry"] = _geometry(made, settings, source[0])
    else:
        arrays["objectGuess"] = made["object"].astype(np.complex64)
        # Windows that leave the object are named here, before frames are simulated of it.
        check_scan(source[0] if source else output, arrays, None)
    write_npz(output, arrays, scan_metadata(physics, [step]))


def _converted(
    settings: "BaseSettings", source: list[Path]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read the user's files, and say what was changed."""
    named = source[: max(1, len(named_files(settings)))]
    # Loaded by name: a study without a file of its own does not depend on how such files are read.
    taken: tuple[dict[str, np.ndarray], dict[str, Any]] = load(USER).take_scan(named, settings)
    return taken


def _geometry(
    scan: dict[str, np.ndarray], settings: "BaseSettings", source: Path
) -> dict[str, Any]:
    """Say how well positions, probe and frames fit; frames that do not fit are refused."""
    # By name, as a simulated scan does not depend on it.
    check = load(GEOMETRY).check_geometry
    record: dict[str, Any] = check(scan, settings.npz.accept, source)
    return record


def _synthetic(settings: "BaseSettings") -> dict[str, np.ndarray]:
    """Return object, probe and positions of a study that draws them."""
    return vars(make_scene(settings, _pictures(settings.object)))


def _pictures(wanted: "ObjectSettings") -> tuple[np.ndarray, ...]:
    """Read amplitude and phase of an object that is made of pictures."""
    if wanted.kind != "image":
        return ()
    read = load(PICTURE).read_image
    return read(wanted.amplitude_image), read(wanted.phase_image)
