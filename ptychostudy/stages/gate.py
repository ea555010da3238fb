"""Stage gate: print the result; fail if the run is not sound. Which arm is useful fails nothing."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from ptychostudy.io.records import read_json
from ptychostudy.io.text import write_text
from ptychostudy.report.closing import (
    WIDTH,
    advice_lines,
    closing_lines,
    legend,
    usefulness_lines,
    verdict,
)
from ptychostudy.report.speed import speed_lines
from ptychostudy.study import layout


def run(
    *, report: Path, summary: Path, speed: Path | None = None, output: Path | None = None
) -> None:
    """Print the closing table, the files to look at, and whether the study is valid.

    Parameters
    ----------
    report, summary : Path
        ``verification_report.json``, ``metrics_summary.json``.
    speed : Path, optional
        ``speed.json``.
    output : Path, optional
        One line of text, written only if every check passed.

    Raises
    ------
    ValueError
        Naming the failed checks.
    """
    checks = read_json(report, ["all_valid", "n_checks", "validations"])
    study = read_json(summary, ["jobs", "arms", "seeds", "usefulness"])
    _print(_result(study))
    if speed is not None:
        _print([*speed_lines(read_json(speed, ["jobs"])["jobs"]), ""])
    _print(["Look at:", *_pictures_and_texts(report, summary)])
    failed, unknown = verdict(checks)
    _print(unknown)
    n_checks = checks["n_checks"]
    valid = _counted_valid(n_checks, len(unknown))
    # Nothing but true is true: a report of another form must not open the gate.
    if checks["all_valid"] is not True:
        _print(advice_lines(checks))
        counted = f"{len(failed)} of {n_checks} checks failed"
        raise ValueError(f"{report}: the run is not sound: {counted}: {'; '.join(failed)}")
    _print([f"The run is sound: {valid}"])
    if output is not None:
        write_text(output, f"{valid}\n")


def _counted_valid(n_checks: int, unknown: int) -> str:
    if unknown:
        return f"{n_checks - unknown} of {n_checks} checks valid, none failed"
    return f"all {n_checks} checks valid"


def _print(lines: Iterable[str]) -> None:
    Console(width=WIDTH, highlight=False, markup=False).print(*lines, sep="\n")


def _result(study: dict[str, Any]) -> list[str]:
    return [*closing_lines(study), *legend(study), "", *usefulness_lines(study), ""]


def _pictures_and_texts(report: Path, summary: Path) -> list[str]:
    folder = summary.parent
    pictures = sorted(folder.glob("*.png"))
    fields = f"{folder}/dose_*/*/*/comparison_plot.png"
    page = folder / Path(layout.PAGE).name
    return [f"  {file}" for file in (page, report, summary.with_suffix(".md"), *pictures, fields)]
