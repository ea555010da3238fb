"""Stage grid: the phase-only grid of differences, as a text and as a picture."""

from pathlib import Path

from ptychostudy.figures.grids import ssim_grid
from ptychostudy.io.atomic import DataError
from ptychostudy.io.pictures import write_figure
from ptychostudy.io.records import read_json
from ptychostudy.io.text import read_text, write_text
from ptychostudy.report.delta_texts import check_preview, ssim_grid_summary


def run(*, delta: Path, preview: Path, summary: Path, output_md: Path, output_png: Path) -> None:
    """Render the differences after checking that the preview is about phase only.

    Parameters
    ----------
    delta, preview, summary : Path
        ``metrics_delta_summary.json``, ``metrics_delta_highlights_preview.txt`` and
        ``metrics_summary.json``.
    output_md, output_png : Path
        ``ssim_grid_summary.md``, ``ssim_grid.png``.
    """
    problems = check_preview(read_text(preview))
    if problems:
        raise DataError(f"{preview}: {'; '.join(problems)}; run the stage summarize again")
    differences = read_json(delta, ["deltas", "cells"])
    picture = ssim_grid(read_json(summary, ["jobs", "seeds"]))
    write_text(output_md, ssim_grid_summary(differences))
    write_figure(output_png, picture)
