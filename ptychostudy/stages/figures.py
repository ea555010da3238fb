"""Stage figures: heat maps over all cells, curves against dose and overlap."""

from pathlib import Path

from ptychostudy.figures.curves import dose_curves, overlap_curves
from ptychostudy.figures.grids import correlation_heatmap, ms_ssim_heatmap
from ptychostudy.io.pictures import write_figure
from ptychostudy.io.records import read_json


def run(*, summary: Path, correlation: Path, ms_ssim: Path, dose: Path, overlap: Path) -> None:
    """Draw the figures of a study from its summary.

    Parameters
    ----------
    summary : Path
        ``metrics_summary.json``.
    correlation, ms_ssim, dose, overlap : Path
        Output pictures (PNG).
    """
    study = read_json(summary, ["jobs", "seeds"])
    write_figure(correlation, correlation_heatmap(study))
    write_figure(ms_ssim, ms_ssim_heatmap(study))
    write_figure(dose, dose_curves(study))
    write_figure(overlap, overlap_curves(study))
