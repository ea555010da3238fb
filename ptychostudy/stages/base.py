"""Stage base: object, probe and scan positions in their canonical form."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.readers import PICTURE, USER, load
from ptychostudy.formats.scan import check_scan
from ptychostudy.io.arrays import write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.recipes.simulate import make_sample

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings


def run(settings: "BaseSettings", *, output: Path, source: list[Path]) -> None:
    """Make or convert object, probe and scan; write them once.

    Parameters
    ----------
    settings : BaseSettings
        Section ``base``.
    output : Path
        ``base.npz`` with positions, ``probeGuess`` and ``objectGuess`` or ``counts``.
    source : list of Path
        The user's or the fetched file, or nothing for a synthetic study.
    """
    made, done = _converted(settings, source[0]) if source else (_synthetic(settings), {})
    arrays = {
        **position_arrays(made["positions"]),
        "probeGuess": made["probe"].astype(np.complex64),
    }
    if settings.frames == "measured":
        arrays["counts"] = made["counts"]
    else:
        arrays["objectGuess"] = made["object"].astype(np.complex64)
        check_scan(source[0] if source else output, arrays, None)
    write_npz(output, arrays, _metadata(settings, len(made["probe"]), done))


def _metadata(settings: "BaseSettings", n: int, done: dict[str, Any]) -> dict[str, Any]:
    step = {
        "tool": "ptychostudy.base",
        "operation": "canonicalize",
        "parameters": settings.plain(),
    }
    if done:
        step["changes"] = done
    return {
        "schema_version": "1.1",
        "physics_parameters": {"N": n, "pixel_size_m": settings.pixel_size_m},
        "data_transformations": [step],
    }


def _converted(
    settings: "BaseSettings", source: Path
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read the user's file, and say what was changed; what a study of its kind needs is in it."""
    taken: tuple[dict[str, np.ndarray], dict[str, Any]] = load(USER).take_scan(source, settings)
    scan, done = taken
    if settings.frames != "measured" and "object" not in scan:
        raise DataError(
            f"{source}: key 'objectGuess' is missing; "
            "needed to simulate frames (or set base.frames: measured)"
        )
    return scan, done


def _synthetic(settings: "BaseSettings") -> dict[str, np.ndarray]:
    wanted = settings.object
    pictures: tuple[np.ndarray, ...] = ()
    if wanted.kind == "image":
        read = load(PICTURE).read_image
        pictures = (read(wanted.amplitude_image), read(wanted.phase_image))
    sample = make_sample(settings, pictures)
    return vars(sample)
