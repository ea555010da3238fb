"""Stage picture: the fields of one cell beside the truth."""

import re
from pathlib import Path
from typing import Any

from ptychostudy.figures.fields import comparison_plot
from ptychostudy.io.arrays import read_npz
from ptychostudy.io.pictures import write_figure
from ptychostudy.io.records import read_json
from ptychostudy.io.tables import read_csv
from ptychostudy.report.cell_tables import describe
from ptychostudy.report.cells import ending
from ptychostudy.report.markdown import photon_text
from ptychostudy.study.names import ARMS, CONTROLS, METRIC_COLUMNS, SCORED


def run(*, aligned: Path, metrics: Path, status: Path, plot: Path) -> None:
    """Draw amplitude and phase of every arm and control that was scored.

    Parameters
    ----------
    aligned, metrics, status : Path
        ``reconstructions_aligned.npz``, ``comparison_metrics.csv`` and ``status.json`` of the cell.
    plot : Path
        Output ``comparison_plot.png``.
    """
    arrays, record = read_npz(aligned), read_json(status, ["arms", "dose", "view", "split"])
    fields = {arm: arrays[arm] for arm in (*ARMS, *CONTROLS) if arm in arrays}
    title = f"{photon_text(record['dose'])} photons per frame, {record['view']}, {record['split']}"
    scores, caption = _scores(metrics), _caption(record, status)
    figure = comparison_plot(
        fields, arrays["truth"], arrays["mask"], title, scores=scores, caption=caption
    )
    write_figure(plot, figure)


def _scores(metrics: Path) -> dict[str, dict[str, tuple[float | None, ...]]]:
    """Return ``{model: {metric: (amplitude, phase, value)}}``; None where a metric has no meaning."""
    found: dict[str, dict[str, tuple[float | None, ...]]] = {}
    for row in read_csv(metrics, METRIC_COLUMNS):
        values = tuple(None if row[part] == "n/a" else float(row[part]) for part in SCORED)
        found.setdefault(row["model"], {})[row["metric"]] = values
    return found


def _caption(record: dict[str, Any], status: Path) -> str:
    repetition = re.search(r"seeds/seed_([0-9]+)/", status.as_posix())
    failed = [f"{arm} failed" for arm, found in record["arms"].items() if found["status"] != "ok"]
    ended = "; ".join(
        [f"PtyChi {ending(record['arms']['PtyChi'])}", *(f for f in failed if "PtyChi" not in f)]
    )
    return (
        f"Measured dose {record['photons_measured']:.6g} photons per frame, {describe(record)}. {ended}. "
        f"Seed: {repetition.group(1) if repetition else 'the first'}. Truth: {record['truth']}."
    )
