"""Check of the metrics: tables and records hold what scoring the stored fields again gives."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.checks.cells import Cell, read_status
from ptychostudy.checks.differences import close
from ptychostudy.io.arrays import read_metadata, read_npz
from ptychostudy.io.tables import read_csv
from ptychostudy.measure.metrics import evaluate, rms_phase
from ptychostudy.study import layout
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import CONTROLS, FLAT, METRIC_COLUMNS, SCORED

# Tables hold nine digits. The absolute part is for scores near zero, which are mostly rounding.
_RELATIVE, _ABSOLUTE = 1e-6, 1e-9

Fields = Mapping[str, np.ndarray]
Scores = Mapping[str, tuple[float | None, ...]]
"""From a metric to its numbers in the columns `SCORED`."""
Rows = Mapping[tuple[str, str], Mapping[str, str]]
"""From (model, metric) to a row of a table."""


def recomputed(hub: Hub) -> list[str]:
    """Recompute every metric from the stored aligned fields.

    Both tables and the phase errors of the records are compared to 1e-6 relative; of tables scores
    near zero to 1e-9.
    """
    problems = []
    for cell in hub.cells():
        problems += _wrong_metrics(hub, cell)
    return problems


def _wrong_metrics(hub: Hub, cell: Cell) -> list[str]:
    folder = hub.analysis(*cell)
    name = folder.relative_to(hub.root)
    aligned_file = folder / layout.ALIGNED
    fields = read_npz(aligned_file)
    # Scored as the comparison says that it did.
    sigma = read_metadata(aligned_file)["settings"]["ms_ssim_sigma"]
    rows = _read_rows(folder / layout.METRICS)
    # Which models there are follows from the settings, not from what the files hold.
    models = [*hub.arms, *CONTROLS]
    scores = _evaluated(fields, models, sigma)
    records = read_status(hub, cell)["arms"]
    problems = _wrong_models(rows, models)
    problems += _wrong_phase_errors(records, fields, models)
    problems += _wrong_rows(rows, scores, models)
    return [f"{name}: {problem}" for problem in problems]


def _read_rows(table_file: Path) -> dict[tuple[str, str], dict[str, str]]:
    rows = read_csv(table_file, METRIC_COLUMNS)
    return {(row["model"], row["metric"]): row for row in rows}


def _evaluated(fields: Fields, models: Sequence[str], ms_ssim_sigma: float) -> dict[str, Scores]:
    """Score every model that has a field."""
    scores: dict[str, Scores] = {}
    for model in models:
        if model in fields:
            evaluation = evaluate(
                fields[model], fields["truth"], fields["mask"], ms_ssim_sigma=ms_ssim_sigma
            )
            scores[model] = evaluation.rows
    return scores


def _wrong_models(rows: Rows, models: Sequence[str]) -> list[str]:
    listed = {model for model, _ in rows}
    wrong = sorted(listed ^ set(models))
    return [f"the table lists too much or too little: {wrong}"] if wrong else []


def _wrong_phase_errors(
    records: Mapping[str, Any], fields: Fields, models: Sequence[str]
) -> list[str]:
    """Compare the phase errors, which are in no table; whether an arm is useful rests on them."""
    problems = []
    for model in models:
        recorded = records.get(model, {}).get("rms_phase_rad")
        rms = _rms_phase(fields, model)
        if not _same_error(recorded, rms):
            problems.append(f"{model} rms_phase_rad is {recorded} in status.json, recomputed {rms}")
    return problems


def _rms_phase(fields: Fields, model: str) -> float | None:
    if model not in fields:
        return None
    return rms_phase(fields[model], fields["truth"], fields["mask"])


def _same_error(recorded: float | None, recomputed: float | None) -> bool:
    if recorded is None or recomputed is None:
        return recorded is recomputed  # of an arm that failed there is neither
    return close(recorded, recomputed)


def _wrong_rows(rows: Rows, scores: Mapping[str, Scores], models: Sequence[str]) -> list[str]:
    # Of an arm that failed there is no field, and no number in the table. The control Flat, an
    # object of ones, comes from no arm: it is always there, with every metric.
    failed = dict.fromkeys(scores[FLAT], (None,) * len(SCORED))
    problems = []
    for model in models:
        for metric, values in scores.get(model, failed).items():
            row = rows.get((model, metric))
            problems += _compare_row(row, values, f"{model} {metric}")
    return problems


def _compare_row(
    row: Mapping[str, str] | None, values: tuple[float | None, ...], where: str
) -> list[str]:
    if row is None:
        return [f"{where} is missing from the table"]
    problems = []
    for column, value in zip(SCORED, values, strict=True):
        text = row[column]
        if not _same_score(text, value):
            problems.append(f"{where} {column} is {text}, recomputed {value}")
    return problems


def _same_score(text: str, value: float | None) -> bool:
    """Say whether a cell of the table holds a score; ``n/a`` stands where none is defined."""
    if value is None or text == "n/a":
        return value is None and text == "n/a"
    return math.isclose(float(text), value, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
