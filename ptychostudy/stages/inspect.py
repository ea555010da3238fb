"""Stage inspect: what a user's files hold, what they are taken for, and the study of them."""

from pathlib import Path
from typing import Any

from rich.console import Console

from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.user_file import UserFile
from ptychostudy.intake.any_file import look_into, refused, take_in
from ptychostudy.io.atomic import DataError
from ptychostudy.io.text import write_text
from ptychostudy.physics.counts import mean_counts
from ptychostudy.recipes.first_settings import FirstSettings, doses_below, first_settings
from ptychostudy.recipes.inspect import (
    DOUBT,
    OK,
    Taken,
    checks,
    contents,
    look_at_geometry,
    numbers,
    with_cures,
)
from ptychostudy.report.inspection import WIDTH, lines_of, study_yaml
from ptychostudy.study.settings import parse_study

BAD = 1
"""Exit code after files of which no study can be made."""


def run(files: list[Path], *, write: Path | None = None) -> int:
    """Say what is in the files of a scan, whether it holds together, and write its study.

    Parameters
    ----------
    files : list of Path
        One, or all that belong to one scan.
    write : Path, optional
        Where the study's YAML goes; it is printed all the same.

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
    file = look_into(paths)
    settings = first_settings(file, paths)
    taken = with_cures(
        ", ".join(paths), settings, lambda base, doubts: take_in(paths, base, doubts)
    )
    record, study = _record(paths, file, settings, taken)
    _print(lines_of(record))
    if taken.scan is None:
        return BAD
    text = study_yaml(study, _comments(record))
    _print([text])
    if write is not None:
        write_text(write, text)
        _print([f"written: {write}; then: snakemake --configfile {write}"])
    return 0


def _record(
    paths: list[str], file: UserFile, settings: FirstSettings, taken: Taken
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is shown, and the study."""
    rows = checks(taken, file)
    if settings.pixel_matters:
        rows.append({"check": "pixel size", "verdict": DOUBT, "text": settings.pixel_matters})
    fits: list[str] = []
    study: dict[str, Any] = {"study": "mine", "base": settings.base}
    found: dict[str, str] = {}
    if taken.scan is not None:
        if "counts" in taken.scan:
            verdict, fits = look_at_geometry(taken.scan)
            rows.append(verdict)
            study["simulate"] = {"doses": doses_below(mean_counts(taken.scan["counts"]))}
        found = numbers(taken.scan, parse_study(study))
    record = {
        "files": paths,
        "format": file.format,
        "contents": contents(file, settings.base["npz"]),
        "unused": file.others,
        "said": [file.words(text) for text in taken.said],
        "missing": _missing(file),
        "assumed": settings.assumed,
        "checks": rows,
        "fits": fits,
        "numbers": found,
    }
    return record, study


def _missing(file: UserFile) -> list[str]:
    wanted = (*COORDINATES, "probeGuess")
    return [key for key in wanted if key not in file.arrays]


def _comments(record: dict[str, Any]) -> list[str]:
    doubtful = [
        f"{row['check']}: {row['text']}" for row in record["checks"] if row["verdict"] != OK
    ]
    return [*record["assumed"], *doubtful]


def _print(lines: list[str]) -> None:
    Console(width=WIDTH, highlight=False, markup=False, soft_wrap=True).print(*lines, sep="\n")
