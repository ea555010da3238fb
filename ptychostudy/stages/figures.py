"""Stage figures: heat maps over all cells, curves against dose and overlap."""

from pathlib import Path

from ptychostudy import figures, io


def run(*, summary: Path, correlation: Path, ms_ssim: Path, dose: Path, overlap: Path) -> None:
    """Draw the figures of a study from its summary.

    Parameters
    ----------
    summary : Path
        ``metrics_summary.json``.
    correlation, ms_ssim, dose, overlap : Path
        Output pictures (PNG).
    """
    found = io.read_json(summary, ["jobs", "seeds"])
    io.write_figure(correlation, figures.correlation_heatmap(found))
    io.write_figure(ms_ssim, figures.ms_ssim_heatmap(found))
    io.write_figure(dose, figures.dose_curves(found))
    io.write_figure(overlap, figures.overlap_curves(found))
