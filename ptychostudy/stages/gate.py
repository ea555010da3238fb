"""Stage gate: print the result; fail if the run is not sound. Which arm is useful fails nothing."""

import shutil
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from ptychostudy.report.closing_answer import speed_span, usable_lines
from ptychostudy.study import layout

if TYPE_CHECKING:
    from ptychostudy.study.sections.page import PageSettings


def run(
    settings: "PageSettings",
    *,
    report: Path,
    summary: Path,
    speed: Path | None = None,
    output: Path | None = None,
) -> None:
    """Print the scores, usable doses, the files to look at, and whether the study is valid.

    Parameters
    ----------
    settings : PageSettings
        Section ``page``: from when on a dose is usable.
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
    width = _width()
    _print(_result(study, settings, width))
    if speed is not None:
        _print(speed_span(read_json(speed, ["jobs"])["jobs"], width))
    _print(_pictures_and_texts(report, summary))
    failed, unknown = verdict(checks)
    _print(line for text in unknown for line in textwrap.wrap(text, width))
    n_checks = checks["n_checks"]
    valid = _counted_valid(n_checks, len(unknown))
    # Nothing but true is true: a report of another form must not open the gate.
    if checks["all_valid"] is not True:
        _print(advice_lines(checks, width))
        counted = f"{len(failed)} of {n_checks} checks failed"
        raise ValueError(f"{report}: the run is not sound: {counted}: {'; '.join(failed)}")
    _print([f"The run is sound: {valid}"])
    if output is not None:
        write_text(output, f"{valid}\n")


def _counted_valid(n_checks: int, unknown: int) -> str:
    if unknown:
        return f"{n_checks - unknown} of {n_checks} checks valid, none failed"
    return f"all {n_checks} checks valid"


def _width() -> int:
    """Return the columns of the terminal, which the run tells those behind a pipe."""
    return min(shutil.get_terminal_size((WIDTH, 0)).columns, WIDTH)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _result(study: dict[str, Any], limits: "PageSettings", width: int) -> list[str]:
    scores = [*closing_lines(study), *legend(study, width), ""]
    return [*scores, *usable_lines(study, limits, width), *usefulness_lines(study, width)]


def _pictures_and_texts(report: Path, summary: Path) -> list[str]:
    folder = summary.parent
    return [
        f"Look at {folder / Path(layout.PAGE).name}: all of it on one page, the answer first",
        f"  {summary.with_suffix('.md')}: numbers and definitions; {report}: checks",
        f"  {folder}/*.png, {folder}/dose_*/*/*/comparison_plot.png",
    ]
