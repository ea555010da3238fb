"""What stands around the picture of one cell: title, caption, and the scores of each panel."""

from collections.abc import Iterable, Mapping
from typing import Any

from ptychostudy.report.cell_texts import describe, measured_text
from ptychostudy.report.cells import Cell, ending, known_word
from ptychostudy.report.markdown import photon_text
from ptychostudy.study.names import PTYCHI, SCORED


def title(cell: Cell) -> str:
    """Return what stands above the picture of one cell."""
    return f"{photon_text(cell['dose'])} photons per frame, {cell['view']}, {cell['split']}"


def known_name(cell: Cell) -> str:
    """Return what the field is called that the arms are scored against: measured data have none."""
    return known_word([cell]).capitalize()


def caption(cell: Cell, seed: int | None) -> str:
    """Return what stands below the picture of one cell; `seed` is None of the first one."""
    name = "the first" if seed is None else seed
    return (
        f"Measured dose {measured_text(cell)} photons per frame, {describe(cell)}. "
        f"{_endings(cell['arms'])}. Seed: {name}. {known_name(cell)}: {cell['truth']}."
    )


def _endings(arms: Mapping[str, Mapping[str, Any]]) -> str:
    # The iterative arm is always named: that it converged is a result, too.
    iterative = f"{PTYCHI} {ending(arms[PTYCHI])}"
    failed = [model for model, record in arms.items() if record["status"] != "ok"]
    others = [f"{model} failed" for model in failed if model != PTYCHI]
    return "; ".join([iterative, *others])


def panel_scores(
    rows: Iterable[Mapping[str, str]],
) -> dict[str, dict[str, tuple[float | None, ...]]]:
    """Return the scores that are shown in the picture of one cell.

    Parameters
    ----------
    rows : iterable of dict
        Lines of ``comparison_metrics.csv``.

    Returns
    -------
    dict
        ``{model: {metric: (amplitude, phase, value)}}``; None where a metric has no meaning.
    """
    by_model: dict[str, dict[str, tuple[float | None, ...]]] = {}
    for row in rows:
        texts = [row[column] for column in SCORED]
        # A line of an arm that failed holds n/a in every column.
        values = tuple(None if text == "n/a" else float(text) for text in texts)
        by_model.setdefault(row["model"], {})[row["metric"]] = values
    return by_model
