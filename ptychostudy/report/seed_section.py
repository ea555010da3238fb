"""Repetitions of a study: means with intervals, paired differences, and how often an arm succeeded.

Seeds differ in photons, initial weights and order of the data; object, scan and groups are the
same. So two arms of one cell and seed are a pair. A failed arm enters no mean and no pair; it
counts in the rate of success.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.measure.statistics import (
    bootstrap_interval,
    mean,
    paired_difference,
    wilson_interval,
)
from ptychostudy.report.cells import (
    Cell,
    arm_record,
    arms_in,
    cell_key,
    cell_name,
    model_order,
    reason_of,
    score,
)
from ptychostudy.report.seeds import difference_name
from ptychostudy.study.arm_names import FEED_FORWARD, further
from ptychostudy.study.names import BASELINE, CELL, DELTA_METRICS, OTHERS, PARTS, PINN

MEASURED = (
    *((metric, column) for metric in ("ssim", "ms_ssim", "pearson", "mae") for column in PARTS),
    ("frc50", "value"),
    ("rms_phase_rad", "phase"),
)
"""The scores, as (metric, column), that are followed over the seeds."""

METHOD = (
    "95 % bootstrap intervals of the mean over seeds, expanded percentiles (Hesterberg 2015), all "
    "resamples of up to five values; of three values it is their range, which covers the mean of "
    "normal values in 75 %, of five in 93 %. Fewer than three values: no interval. Rates: 95 % "
    "Wilson intervals"
)
# What one training is: cells that share it are one trial, not several. What is not trained is made
# anew in each cell.
_TRIALS: dict[str, dict[str, tuple[str, ...]]] = {
    "each": {PINN: ("dose", "view"), BASELINE: ("dose",), FEED_FORWARD: ("dose", "view")},
    "all": {PINN: ("view",), BASELINE: (), FEED_FORWARD: ("view",)},
}

Repetitions = Mapping[int, Sequence[Cell]]
"""The cells of each seed, in the same order."""

Repeated = Mapping[int, Cell]
"""One cell in each seed."""


def seed_section(repetitions: Repetitions, *, trained_on: str = "each") -> dict[str, Any]:
    """Return the section ``seeds`` of ``metrics_summary.json``.

    Parameters
    ----------
    repetitions : dict of int to list of dict
        Cells of each seed, in order; the first seed is that of the primary paths.
    trained_on : {'each', 'all'}
        Whether there is a network per dose or one for all doses: what counts as one trial.

    Returns
    -------
    dict
        ``n list method cells paired deltas runs success``. ``cells``: per cell, model, metric and
        column ``values`` (seed: number), ``mean low high``. ``paired``: per cell, metric and column
        the difference of PtychoPINN to another arm, ``values mean low high n``. ``deltas``: the
        same of the means over cells. ``runs``: per cell and model how many seeds succeeded and
        converged, and why the others failed. ``success``: per arm ``ok trials rate low high``, and
        ``converged judged`` of reconstructions.

    Raises
    ------
    ValueError
        If a seed does not have the cells of the first one.
    """
    _check_cells(repetitions)
    by_cell = _by_cell(repetitions)
    trials = _TRIALS[trained_on]
    arms = arms_in(cell for cells in repetitions.values() for cell in cells)
    return {
        "n": len(repetitions),
        "list": list(repetitions),
        "method": METHOD,
        "cells": [entry for cells in by_cell for entry in _score_entries(cells)],
        "paired": [entry for cells in by_cell for entry in _paired_entries(cells)],
        "deltas": {f"vs_{other}": _deltas(by_cell, other) for other in OTHERS},
        "runs": [entry for cells in by_cell for entry in _run_entries(cells)],
        "success": {arm: _success(repetitions, arm, trials.get(arm, CELL)) for arm in arms},
    }


def _check_cells(repetitions: Repetitions) -> None:
    first = next(iter(repetitions.values()))
    names = {cell_name(cell) for cell in first}
    for seed, cells in repetitions.items():
        # Without the same cells neither pairs nor means over cells could be compared.
        different = sorted(names ^ {cell_name(cell) for cell in cells})
        if different:
            raise ValueError(
                f"seed {seed} and the first seed do not both have {different[0]}; "
                "needed: the same cells"
            )


def _by_cell(repetitions: Repetitions) -> list[Repeated]:
    """Turn the cells of each seed into the seeds of each cell."""
    columns = zip(*repetitions.values(), strict=True)
    return [dict(zip(repetitions, cells, strict=True)) for cells in columns]


def _key_of(cells: Repeated) -> dict[str, Any]:
    """Return dose, view and split of a cell; they are the same in every seed."""
    return cell_key(next(iter(cells.values())))


def _known_scores(cells: Repeated, model: str, metric: str, column: str) -> dict[int, float]:
    """Return one score of a cell, by seed; seeds in which there is none are left out."""
    scores = {seed: score(cell, model, metric, column) for seed, cell in cells.items()}
    return {seed: value for seed, value in scores.items() if value is not None}


def _named(values: Mapping[int, float]) -> dict[str, float]:
    # JSON has only texts as keys; as such they are made here, so that reading changes nothing.
    return {str(seed): value for seed, value in values.items()}


def _score_entries(cells: Repeated) -> Iterable[dict[str, Any]]:
    key = _key_of(cells)
    for model in model_order(cells.values()):
        for metric, column in MEASURED:
            values = _known_scores(cells, model, metric, column)
            if values:
                labels = {"model": model, "metric": metric, "column": column}
                yield {**key, **labels, **_statistics(values)}


def _statistics(values: Mapping[int, float]) -> dict[str, Any]:
    numbers = list(values.values())
    # Fewer than three values say nothing of their spread: there is no interval.
    low, high = bootstrap_interval(numbers) or (None, None)
    return {"values": _named(values), "mean": mean(numbers), "low": low, "high": high}


def _paired_entries(cells: Repeated) -> Iterable[dict[str, Any]]:
    key = _key_of(cells)
    for other in (*OTHERS, *further(arms_in(cells.values()))):
        for metric, column in MEASURED:
            first = _known_scores(cells, PINN, metric, column)
            second = _known_scores(cells, other, metric, column)
            statistics = _paired_statistics(first, second)
            if statistics["n"]:
                labels = {"metric": metric, "column": column, "difference": difference_name(other)}
                yield {**key, **labels, **statistics}


def _paired_statistics(first: Mapping[int, float], second: Mapping[int, float]) -> dict[str, Any]:
    seeds = [seed for seed in first if seed in second]
    # Photons and seed are the same on both sides, so what they shift drops out here.
    values = {seed: first[seed] - second[seed] for seed in seeds}
    difference = paired_difference(
        [first[seed] for seed in seeds], [second[seed] for seed in seeds]
    )
    low, high = difference.interval or (None, None)
    return {
        "values": _named(values),
        "mean": difference.mean,
        "low": low,
        "high": high,
        "n": difference.pairs,
    }


def _deltas(by_cell: Sequence[Repeated], other: str) -> dict[str, dict[str, Any]]:
    return {
        metric: {column: _delta(by_cell, other, metric, column) for column in PARTS}
        for metric in DELTA_METRICS
    }


def _delta(by_cell: Sequence[Repeated], other: str, metric: str, column: str) -> dict[str, Any]:
    """Pair the means over cells: only cells in which both arms have a number in every seed.

    So the cells are the same for all seeds, and no mean moves because a cell is missing from it.
    """
    n_seeds = len(by_cell[0])
    firsts, seconds = [], []
    for cells in by_cell:
        first = _known_scores(cells, PINN, metric, column)
        second = _known_scores(cells, other, metric, column)
        if len(first) == len(second) == n_seeds:
            firsts.append(first)
            seconds.append(second)
    statistics = _paired_statistics(_mean_by_seed(firsts), _mean_by_seed(seconds))
    return {**statistics, "n_cells": len(firsts)}


def _mean_by_seed(scores: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Return the mean over cells in each seed; nothing of no cell."""
    if not scores:
        return {}
    n = len(scores)
    return {seed: math.fsum(values[seed] for values in scores) / n for seed in scores[0]}


def _run_entries(cells: Repeated) -> Iterable[dict[str, Any]]:
    for model in model_order(cells.values()):
        yield {**_key_of(cells), "model": model, **_runs(cells, model)}


def _runs(cells: Repeated, model: str) -> dict[str, Any]:
    records = {seed: arm_record(cell, model) for seed, cell in cells.items()}
    good = [record for record in records.values() if record["status"] == "ok"]
    judged = _judged(good)
    failures = {
        str(seed): reason_of(record) for seed, record in records.items() if record["status"] != "ok"
    }
    return {
        "n_ok": len(good),
        "converged": sum(judged),
        "judged": len(judged),
        "failures": failures,
    }


def _judged(records: Iterable[Mapping[str, Any]]) -> list[bool]:
    """Return whether each run converged, of those that say so: a network's do not."""
    outcomes = [record.get("converged") for record in records]
    return [converged for converged in outcomes if converged is not None]


def _success(repetitions: Repetitions, arm: str, shared: Sequence[str]) -> dict[str, Any]:
    """Return how often an arm succeeded; `shared` is what the cells of one trial have in common."""
    trials: dict[tuple[Any, ...], bool] = {}
    records = []
    for seed, cells in repetitions.items():
        for cell in cells:
            record = arm_record(cell, arm)
            trial = (seed, *(cell[key] for key in shared))
            # A training that failed in one of its cells failed.
            trials[trial] = trials.get(trial, True) and record["status"] == "ok"
            records.append(record)
    judged = _judged(records)
    return {**_rate(trials.values()), "converged": sum(judged), "judged": len(judged)}


def _rate(outcomes: Iterable[bool]) -> dict[str, Any]:
    known = list(outcomes)
    ok = sum(known)
    # Wilson's interval keeps a width where every trial succeeded, or none.
    low, high = wilson_interval(ok, len(known))
    return {"ok": ok, "trials": len(known), "rate": ok / len(known), "low": low, "high": high}
