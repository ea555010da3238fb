"""The record of one cell: what its status file says, joined with its table of metrics."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.report.cells import cell_name
from ptychostudy.study.names import SCORED

NO_NUMBER = "n/a"
"""What the table of metrics holds where there is no number."""


def make_cell(status: Mapping[str, Any], rows: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Join the status record of one cell with its table of metrics.

    Parameters
    ----------
    status : dict
        Content of ``status.json``.
    rows : iterable of dict
        Lines of ``comparison_metrics.csv``: ``model metric amplitude phase value``, texts; ``n/a``
        becomes None.

    Returns
    -------
    dict
        The status record with the list ``metrics``; a failed arm, whose lines hold no number, has
        none in it.

    Raises
    ------
    ValueError
        If a cell of the table is no finite number, if an arm has no line, or one that failed has a
        number.
    """
    metrics = [_scores(row) for row in rows]
    arms = status["arms"]
    failed = {model for model, record in arms.items() if record["status"] != "ok"}
    _check_models(status, metrics)
    _check_failed(status, metrics, failed)
    # What failed has no number, so it can enter no mean: its rows are dropped, not filled.
    return {**status, "metrics": [row for row in metrics if row["model"] not in failed]}


def _scores(row: Mapping[str, str]) -> dict[str, Any]:
    scores = {column: _number(row, column) for column in SCORED}
    return {"model": row["model"], "metric": row["metric"], **scores}


def _number(row: Mapping[str, str], column: str) -> float | None:
    text = row[column]
    if text == NO_NUMBER:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    # float() reads nan and inf, too; neither is a score.
    if not math.isfinite(number):
        raise ValueError(
            f"{row['model']} {row['metric']}: column {column!r} holds {text!r}, "
            "needed: a finite number or n/a"
        )
    return number


def _check_models(status: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> None:
    # A failed arm keeps its lines, n/a in each: a model without lines is a damaged table.
    named = {row["model"] for row in metrics}
    known = set(status["arms"])
    if named != known:
        raise ValueError(
            f"{cell_name(status)}: the table of metrics holds {sorted(named)}, "
            f"status.json {sorted(known)}; needed: the same models, those that failed among them"
        )


def _check_failed(
    status: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]], failed: set[str]
) -> None:
    scored = {row["model"] for row in metrics if _has_number(row)}
    wrong = sorted(scored & failed)
    if wrong:
        raise ValueError(
            f"{cell_name(status)}: the table of metrics holds numbers of {wrong}, which failed; "
            "needed: n/a"
        )


def _has_number(row: Mapping[str, Any]) -> bool:
    return any(row[column] is not None for column in SCORED)
