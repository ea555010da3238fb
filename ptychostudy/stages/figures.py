"""Stage figures: heat maps over all cells, curves against dose, overlap and spatial frequency."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.figures.curves import dose_curves, overlap_curves
from ptychostudy.figures.grids import correlation_heatmap, ms_ssim_heatmap
from ptychostudy.figures.rings import Place, Rings, frc_curves
from ptychostudy.figures.vector import svg_text
from ptychostudy.io.pictures import write_figure
from ptychostudy.io.records import read_json
from ptychostudy.io.tables import read_csv
from ptychostudy.io.text import write_text
from ptychostudy.report.cells import shown_cells
from ptychostudy.study.names import CURVE_COLUMNS


def run(
    *,
    summary: Path,
    curves: list[Path],
    correlation: Path,
    ms_ssim: Path,
    dose: Path,
    overlap: Path,
    frc: Path,
    vectors: list[Path],
) -> None:
    """Draw the figures of a study from its summary and its ring correlations.

    Parameters
    ----------
    summary : Path
        ``metrics_summary.json``.
    curves : list of Path
        ``frc_curves.csv`` of every cell, in its folder ``dose_{dose}/{view}/{split}``.
    correlation, ms_ssim, dose, overlap, frc : Path
        Output pictures (PNG).
    vectors : list of Path
        Some of them once more (SVG), by the same names.
    """
    study = read_json(summary, ["jobs", "seeds"])
    files = {path.parts[-4:-1]: path for path in curves}
    rings = dict(_rings(cell, files) for cell in shown_cells(study))
    drawn = {
        correlation: correlation_heatmap(study),
        ms_ssim: ms_ssim_heatmap(study),
        dose: dose_curves(study),
        overlap: overlap_curves(study),
        frc: frc_curves(study, rings),
    }
    by_name = {path.stem: figure for path, figure in drawn.items()}
    for path, figure in drawn.items():
        write_figure(path, figure)
    for vector in vectors:
        write_text(vector, svg_text(by_name[vector.stem]))


def _rings(
    cell: Mapping[str, Any], files: Mapping[tuple[str, ...], Path]
) -> tuple[Place, dict[str, Rings]]:
    """Return the place of a cell and the ring correlations of each model that was scored.

    Raises
    ------
    ValueError
        If none of the files lies in the folder of the cell.
    """
    folder = (f"dose_{cell['dose']}", cell["view"], cell["split"])
    if folder not in files:
        raise ValueError(f"no table of ring correlations in {'/'.join(folder)}; needed: one a cell")
    return (cell["dose"], cell["view"], cell["split"]), _by_model(files[folder])


def _by_model(table: Path) -> dict[str, Rings]:
    rows: dict[str, list[Sequence[float]]] = {}
    for row in read_csv(table, CURVE_COLUMNS):
        numbers = [float(row[column]) for column in ("frequency", "complex", "half_bit")]
        rows.setdefault(row["model"], []).append(numbers)
    return {model: Rings(*np.array(numbers).T) for model, numbers in rows.items()}
