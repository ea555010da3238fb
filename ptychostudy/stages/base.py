"""Stage base: object, probe and scan positions in their canonical form."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.probe_modes import mode_arrays
from ptychostudy.formats.scan import check_scan
from ptychostudy.formats.scan_metadata import make_step, scan_metadata
from ptychostudy.formats.valid_pixels import mask_record, valid_arrays
from ptychostudy.intake.sources import (
    ASKED,
    GEOMETRY,
    MASK,
    PICTURE,
    USER,
    load,
    named_files,
    named_pictures,
)
from ptychostudy.io.arrays import write_npz
from ptychostudy.recipes.base import make_scene

if TYPE_CHECKING:
    from ptychostudy.intake.masks import MaskFile
    from ptychostudy.study.sections.base import SourceSettings


def run(
    settings: "SourceSettings",
    *,
    output: Path,
    source: list[Path],
    mask: list[Path] = [],  # noqa: B006 - read, never changed; the command line needs the type
    pictures: list[Path] = [],  # noqa: B006
) -> None:
    """Make or convert object, probe and scan; write them once.

    Parameters
    ----------
    settings : SourceSettings
        Section ``base``, and what the study asks of the scan of a file.
    output : Path
        ``base.npz`` with positions, ``probeGuess`` and ``objectGuess`` or ``counts``;
        ``probeModes`` of a probe of several, ``valid_pixels`` where some count nothing.
    source : list of Path
        The user's files or the fetched one, behind them files in which data of theirs lie; nothing
        for a synthetic study.
    mask : list of Path
        The file that ``base.npz.mask`` names, or nothing where it names none.
    pictures : list of Path
        Amplitude and phase of an object of pictures; left out, as ``base.object`` names them.
    """
    if bool(source) != (settings.kind != "synthetic"):
        names = ", ".join(map(str, source)) or "no file"
        raise ValueError(
            f"--source names {names}, base.kind is {settings.kind}; "
            "needed: no file for a synthetic study, one for any other"
        )
    if bool(mask) != bool(settings.npz.mask):
        names = ", ".join(map(str, mask)) or "no file"
        raise ValueError(
            f"--mask names {names}, base.npz.mask is {settings.npz.mask!r}; needed: the same file"
        )
    if pictures and len(pictures) != len(named_pictures(settings)):
        names = ", ".join(map(str, pictures))
        raise ValueError(
            f"--pictures names {names}, base.object.kind is {settings.object.kind}; needed: "
            "amplitude and phase of kind image, none of any other"
        )
    made, changes = (
        _taken(settings, source, mask) if source else (_synthetic(settings, pictures), {})
    )
    arrays = {
        **position_arrays(made["positions"]),
        **mode_arrays(made.get("modes", made["probe"]).astype(np.complex64)),
    }
    valid = made.get("valid", np.ones(made["probe"].shape, dtype=bool))
    arrays |= valid_arrays(valid)
    physics = {"N": len(valid), "pixel_size_m": settings.pixel_size_m, **mask_record(valid)}
    # What is asked of the scan changes nothing of it.
    how = settings.model_copy(update={"split": None, "doses": None})
    step = make_step("base", "canonicalize", how.plain())
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


def _taken(
    settings: "SourceSettings", source: list[Path], mask: list[Path]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return positions, probe, and object or frames, and what was changed of the user's."""
    side = None if settings.frame_px == "auto" else settings.frame_px
    given = load(MASK).read_mask_file(mask[0], side) if mask else None
    return _converted(settings, source, given)


def _converted(
    settings: "SourceSettings", source: list[Path], mask: "MaskFile | None"
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read the user's files, and say what was changed."""
    named = source[: max(1, len(named_files(settings)))]
    # Loaded by name: a study without a file of its own does not depend on how such files are read.
    taken: tuple[dict[str, np.ndarray], dict[str, Any]] = load(USER).take_scan(
        named, settings, mask
    )
    scan, changes = taken
    load(ASKED).check_asked(scan, settings, named[0])
    return scan, changes


def _geometry(
    scan: dict[str, np.ndarray], settings: "SourceSettings", source: Path
) -> dict[str, Any]:
    """Say how well positions, probe and frames fit; frames that do not fit are refused."""
    # By name, as a simulated scan does not depend on it.
    check = load(GEOMETRY).check_geometry
    record: dict[str, Any] = check(scan, settings, source)
    return record


def _synthetic(settings: "SourceSettings", pictures: list[Path]) -> dict[str, np.ndarray]:
    """Return object, probe and positions of a study that draws them."""
    paths = pictures or named_pictures(settings)
    read = tuple(load(PICTURE).read_image(path) for path in paths)
    return vars(make_scene(settings, read))
