"""Stage inspect: what a user's files hold, what they are taken for, and the study of them."""

import os
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from ptychostudy.formats.frames import FRAME_KEYS
from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.user_file import OBJECT, UserFile
from ptychostudy.intake.any_file import look_into, refused, take_in
from ptychostudy.intake.first_settings import FirstSettings, doses_below, first_settings
from ptychostudy.intake.inspect import (
    DOUBT,
    OK,
    Taken,
    checks,
    contents,
    look_at_geometry,
    look_at_parts,
    with_cures,
)
from ptychostudy.intake.mask_file import read_mask_file, without_mask
from ptychostudy.intake.masks import MaskFile
from ptychostudy.intake.scan_numbers import numbers, photons_of_parts
from ptychostudy.intake.user import NOT_USED
from ptychostudy.io.atomic import DataError
from ptychostudy.io.text import write_draft
from ptychostudy.report.inspection import WIDTH, lines_of, study_yaml
from ptychostudy.study.settings import parse_study

BAD = 1
"""Exit code after files of which no study can be made."""

_NARROWEST = 60
# What a hub's own study is called, that the workflow reads by itself.
_STUDY = "study.yaml"


def run(files: list[Path], *, write: Path | None = None) -> int:
    """Say what is in the files of a scan, whether it holds together, and write its study.

    Parameters
    ----------
    files : list of Path
        One, or all that belong to one scan; a lone array (NPY) or a picture among them is the
        mask of its detector.
    write : Path, optional
        Where the study's YAML goes; it is printed all the same. Its folder is the study's hub.

    Returns
    -------
    int
        0, or 1 where the files are refused; what is doubtful is only said.
    """
    paths = [str(path) for path in files]
    try:
        with refused(paths):
            return _inspected(paths, write)
    except DataError as error:
        _print([str(error)])
        return BAD


def _inspected(paths: list[str], write: Path | None) -> int:
    paths, mask_path = without_mask(paths)
    file, named = look_into(paths)
    settings = first_settings(file, paths, named)
    mask = None
    if mask_path is not None:
        settings.base["npz"]["mask"] = mask_path
        mask = read_mask_file(mask_path, settings.base["frame_px"])
    taken, geometry, fits = _oriented(paths, settings, mask)
    record, study = _record(paths, file, settings, taken)
    record["checks"] += geometry
    record["fits"] = fits
    _print(lines_of(record, _width()))
    if taken.scan is None:
        return BAD
    study["base"]["npz"]["path"] = _seen_from(write, paths)
    if mask_path is not None:
        study["base"]["npz"]["mask"] = _seen_from(write, [mask_path])
    text = study_yaml(study, _comments(record))
    _print([text])
    if write is None:
        _print([f"This is the file of its study: --write {_STUDY} writes it."])
        return 0
    write_draft(write, text)
    _print([f"written: {write}", *_next(write, record)])
    return 0


def _oriented(
    paths: list[str], settings: FirstSettings, mask: MaskFile | None
) -> tuple[Taken, list[dict[str, str]], list[str]]:
    """Take files in, laid out as fits best; return also the check of that, and what fits how well.

    The settings are changed.
    """

    def take() -> Taken:
        name = ", ".join(paths)
        return with_cures(name, settings, lambda base, doubts: take_in(paths, base, doubts, mask))

    taken = take()
    if taken.scan is None or "counts" not in taken.scan:
        return taken, [], []
    check, fits, cure = look_at_geometry(taken.scan, settings)
    if cure:
        settings.settle(cure)
        taken = _both(taken, take(), settings)
    return taken, [check], fits


def _both(first: Taken, again: Taken, settings: FirstSettings) -> Taken:
    """Return what came of files that were taken in again, with the doubts that are settled still.

    What the frames say of the layout may stand against what settled a doubt before.
    """
    npz = settings.base["npz"]
    left = {each.name for each in again.open}
    settled = [
        each
        for each in (*first.settled, *again.settled)
        if each.name not in left and all(npz[key] == value for key, value in each.cure.items())
    ]
    return replace(again, settled=settled)


def _seen_from(write: Path | None, paths: list[str]) -> str | list[str]:
    """Return the files as the study names them, relative to its hub."""
    hub = Path() if write is None else write.parent
    seen = [path if Path(path).is_absolute() else os.path.relpath(path, hub) for path in paths]
    return seen[0] if len(seen) == 1 else seen


def _next(write: Path, record: dict[str, Any]) -> list[str]:
    """Return what is to be done now, and the command that makes the study."""
    doubtful = [row["check"] for row in record["checks"] if row["verdict"] == DOUBT]
    first = [f"first: look at {', '.join(doubtful)} (Checks, above)"] if doubtful else []
    words = ["snakemake", *_workflow(write.parent)]
    if write.name != _STUDY:
        words += ["--configfile", write.name]
    where = "" if write.parent == Path() else f"cd {shlex.quote(str(write.parent))} && "
    return [*first, f"then: {where}{shlex.join(words)}"]


def _workflow(hub: Path) -> list[str]:
    """Return the option that names the workflow, where it is not that of the hub itself."""
    if (hub / "Snakefile").exists():
        return []
    own = Path(__file__).resolve().parents[2] / "Snakefile"
    return ["--snakefile", str(own) if own.exists() else "REPOSITORY/Snakefile"]


def _record(
    paths: list[str], file: UserFile, settings: FirstSettings, taken: Taken
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is shown, and the study."""
    rows = checks(taken, file)
    if settings.pixel_matters:
        rows.append({"check": "pixel size", "verdict": DOUBT, "text": settings.pixel_matters})
    study: dict[str, Any] = {"study": "mine", "base": settings.base}
    found: dict[str, str] = {}
    if taken.scan is not None:
        if "counts" in taken.scan:
            study["simulate"] = {"doses": doses_below(photons_of_parts(taken.scan))}
        parsed = parse_study(study)
        rows.append(look_at_parts(taken.scan, parsed, ", ".join(paths)))
        found = numbers(taken.scan, parsed)
    record = {
        "files": paths,
        "format": file.format,
        "contents": contents(file, settings.base["npz"]),
        "unused": file.others,
        # What is not used has a section of its own.
        "said": [file.words(text) for text in taken.said if not text.startswith(NOT_USED)],
        "missing": _missing(file),
        "assumed": settings.assumed,
        "checks": rows,
        "fits": [],
        "numbers": found,
    }
    return record, study


def _missing(file: UserFile) -> list[str]:
    wanted = (*COORDINATES, "probeGuess")
    missing = [key for key in wanted if key not in file.arrays]
    if not any(key in file.arrays for key in (*FRAME_KEYS, OBJECT)):
        missing.append(f"frames ({', '.join(FRAME_KEYS)}), or an object to simulate them of")
    return missing


def _comments(record: dict[str, Any]) -> list[str]:
    doubtful = [
        f"{row['check']}: {row['text']}" for row in record["checks"] if row["verdict"] != OK
    ]
    return [*record["assumed"], *doubtful]


def _width() -> int:
    """Return the columns of the terminal, but not so many that lines are hard to follow."""
    columns = shutil.get_terminal_size((WIDTH, 24)).columns
    return min(WIDTH, max(_NARROWEST, columns))


def _print(lines: list[str]) -> None:
    Console(width=WIDTH, highlight=False, markup=False, soft_wrap=True).print(*lines, sep="\n")
