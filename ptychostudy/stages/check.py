"""Stage check: highlights, preview and grid must say the same as the numbers."""

from pathlib import Path

from ptychostudy.io.atomic import DataError
from ptychostudy.io.records import read_json
from ptychostudy.io.text import read_text, write_text
from ptychostudy.report.delta_texts import CHECKED, check_highlights


def run(*, delta: Path, highlights: Path, preview: Path, grid: Path, output: Path) -> None:
    """Compare the texts with the differences they show; write the log only if all agree.

    Parameters
    ----------
    delta, highlights, preview, grid : Path
        ``metrics_delta_summary.json`` and the three texts rendered from it.
    output : Path
        ``check_dense_highlights.log``.

    Raises
    ------
    DataError
        Naming every line that differs; an older log is removed.
    """
    numbers = read_json(delta, ["deltas", "cells"])
    problems = check_highlights(numbers, *(read_text(path) for path in (highlights, preview, grid)))
    if problems:
        # An older log would vouch for texts that it has not seen.
        output.unlink(missing_ok=True)
        raise DataError(f"{delta}: {'; '.join(problems)}")
    write_text(output, "\n".join(CHECKED) + "\n")
