"""Stage picture: the fields of one cell beside the truth."""

from pathlib import Path

from ptychostudy.figures.fields import comparison_plot
from ptychostudy.io.arrays import read_npz
from ptychostudy.io.pictures import write_figure
from ptychostudy.io.records import read_json
from ptychostudy.io.tables import read_csv
from ptychostudy.report.captions import caption, known_name, panel_scores, title
from ptychostudy.report.cell_files import repeated_seed
from ptychostudy.study.arm_names import arms_of
from ptychostudy.study.names import CONTROLS, METRIC_COLUMNS

# Sharp enough on a screen; the pictures of all cells stay within the page and the report.
_DPI = 115


def run(*, aligned: Path, metrics: Path, status: Path, plot: Path) -> None:
    """Draw amplitude, phase and phase error of every arm and control that was scored.

    Parameters
    ----------
    aligned, metrics, status : Path
        ``reconstructions_aligned.npz``, ``comparison_metrics.csv`` and ``status.json`` of the cell.
    plot : Path
        Output ``comparison_plot.png``.
    """
    arrays = read_npz(aligned)
    cell = read_json(status, ["arms", "dose", "view", "split", "truth", "pixel_size_m"])
    models = [*arms_of(cell["arms"]), *CONTROLS]
    # A model that failed has scores of none, and no field to show.
    fields = {model: arrays[model] for model in models if model in arrays}
    figure = comparison_plot(
        fields,
        arrays["truth"],
        arrays["mask"],
        title(cell),
        scores=panel_scores(read_csv(metrics, METRIC_COLUMNS)),
        caption=caption(cell, repeated_seed(status)),
        known=known_name(cell),
        pixel_m=cell["pixel_size_m"],
    )
    write_figure(plot, figure, dpi=_DPI)
