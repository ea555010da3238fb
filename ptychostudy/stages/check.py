"""Stage check: highlights, preview and grid must say the same as the numbers."""

from pathlib import Path

from ptychostudy import io
from ptychostudy.core.tables import CHECKED, check_highlights


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
    numbers = io.read_json(delta, ["deltas", "cells"])
    problems = check_highlights(numbers, *(io.read_text(path) for path in (highlights, preview, grid)))
    if problems:
        output.unlink(missing_ok=True)
        raise io.DataError(f"{delta}: {'; '.join(problems)}")
    io.write_text(output, "\n".join(CHECKED) + "\n")
