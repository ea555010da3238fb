"""Repetitions of a study: mean and interval of every score, paired differences, and how often an arm succeeded.

Seeds differ in photons, initial weights and order of the data; object, scan and groups are the same. So two arms of one
cell and seed are a pair. A failed arm enters no mean and no pair; it counts in the rate of success.
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
from ptychostudy.report.cells import cell_name, cell_key, model_order, score
from ptychostudy.study.names import ARMS, CELL, DELTA_METRICS, OTHERS, PARTS

MEASURED = (
    *((metric, column) for metric in ("ssim", "ms_ssim", "pearson", "mae") for column in PARTS),
    ("frc50", "value"),
    ("rms_phase_rad", "phase"),
)
METHOD = (
    "95 % bootstrap intervals of the mean over seeds, expanded percentiles (Hesterberg 2015), all resamples of up to "
    "five values; of three values it is their range, which covers the mean of normal values in 75 %, of five in 93 %. "
    "Fewer than three values: no interval. Rates: 95 % Wilson intervals"
)
_NONE: dict[str, Any] = {"values": {}, "mean": None, "low": None, "high": None}
# What one training or reconstruction is: cells that share it are one trial, not several.
_TRIALS = {
    "each": {"PtychoPINN": ("dose", "view"), "Baseline": ("dose",), "PtyChi": CELL},
    "all": {"PtychoPINN": ("view",), "Baseline": (), "PtyChi": CELL},
}


def seed_section(
    repetitions: Mapping[int, Sequence[Mapping[str, Any]]], *, trained_on: str = "each"
) -> dict[str, Any]:
    """Return the section ``seeds`` of ``metrics_summary.json``.

    Parameters
    ----------
    repetitions : dict of int to list of dict
        Jobs of each seed, in order; the first seed is that of the primary paths.
    trained_on : {'each', 'all'}
        Whether there is a network per dose or one for all doses: what counts as one trial.

    Returns
    -------
    dict
        ``n list method cells paired deltas runs success``. ``cells``: per cell, model, metric and column ``values``
        (seed: number), ``mean low high``. ``paired``: per cell, metric and column the difference of PtychoPINN to
        another arm, ``values mean low high n``. ``deltas``: the same of the means over cells. ``runs``: per cell and
        model how many seeds succeeded and converged, and why the others failed. ``success``: per arm ``ok trials rate
        low high``, and ``converged judged`` of reconstructions.

    Raises
    ------
    ValueError
        If a seed does not have the cells of the first one.
    """
    names = [cell_name(job) for job in next(iter(repetitions.values()))]
    for seed, jobs in repetitions.items():
        different = sorted({*names} ^ {cell_name(job) for job in jobs})
        if different:
            raise ValueError(
                f"seed {seed} and the first seed do not both have {different[0]}; needed: the same cells"
            )
    by_cell = [
        dict(zip(repetitions, jobs, strict=True))
        for jobs in zip(*repetitions.values(), strict=True)
    ]
    return {
        "n": len(repetitions),
        "list": list(repetitions),
        "method": METHOD,
        "cells": [entry for jobs in by_cell for entry in _cell_scores(jobs)],
        "paired": [entry for jobs in by_cell for entry in _cell_pairs(jobs)],
        "deltas": {f"vs_{other}": _mean_pairs(by_cell, other) for other in OTHERS},
        "runs": [_runs(jobs, model) for jobs in by_cell for model in model_order(jobs.values())],
        "success": {arm: _success(repetitions, arm, _TRIALS[trained_on][arm]) for arm in ARMS},
    }


def _statistics(values: Mapping[int, float | None]) -> dict[str, Any]:
    known = {str(seed): value for seed, value in values.items() if value is not None}
    low, high = bootstrap_interval(list(known.values())) or (None, None)
    return {"values": known, "mean": mean(list(known.values())), "low": low, "high": high}


def _cell_scores(jobs: Mapping[int, Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    place = cell_key(next(iter(jobs.values())))
    for model in model_order(jobs.values()):
        for metric, column in MEASURED:
            found = _statistics(
                {seed: score(job, model, metric, column) for seed, job in jobs.items()}
            )
            if found["values"]:
                yield {**place, "model": model, "metric": metric, "column": column, **found}


def _pairs(first: Mapping[int, float | None], second: Mapping[int, float | None]) -> dict[str, Any]:
    found = paired_difference(list(first.values()), list(second.values()))
    values = {
        str(seed): a - b
        for seed, a in first.items()
        if a is not None and (b := second.get(seed)) is not None
    }
    low, high = found.interval or (None, None)
    return {"values": values, "mean": found.mean, "low": low, "high": high, "n": found.pairs}


def _cell_pairs(jobs: Mapping[int, Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    place = cell_key(next(iter(jobs.values())))
    for other in OTHERS:
        for metric, column in MEASURED:
            first, second = (
                {seed: score(job, model, metric, column) for seed, job in jobs.items()}
                for model in (ARMS[0], other)
            )
            found = _pairs(first, second)
            if found["n"]:
                yield {
                    **place,
                    "metric": metric,
                    "column": column,
                    "difference": f"{ARMS[0]} - {other}",
                    **found,
                }


def _mean_pairs(by_cell: Sequence[Mapping[int, Mapping[str, Any]]], other: str) -> dict[str, Any]:
    """Pair the means over cells: only cells in which both arms have a number in every seed, the same for all seeds."""
    found: dict[str, Any] = {metric: {} for metric in DELTA_METRICS}
    for metric in DELTA_METRICS:
        for column in PARTS:
            both = [
                {
                    seed: [score(job, model, metric, column) for model in (ARMS[0], other)]
                    for seed, job in jobs.items()
                }
                for jobs in by_cell
            ]
            whole = [
                cell
                for cell in both
                if all(value is not None for pair in cell.values() for value in pair)
            ]
            means = [
                {
                    seed: math.fsum(cell[seed][k] or 0.0 for cell in whole) / len(whole)
                    for seed in by_cell[0]
                }
                for k in (0, 1)
                if whole
            ]
            found[metric][column] = {
                **(_pairs(*means) if means else _pairs({}, {})),
                "n_cells": len(whole),
            }
    return found


def _runs(jobs: Mapping[int, Mapping[str, Any]], model: str) -> dict[str, Any]:
    arms = {
        seed: job["arms"].get(model, {"status": "failed", "reason": "not run"})
        for seed, job in jobs.items()
    }
    good = [arm for arm in arms.values() if arm["status"] == "ok"]
    judged = [arm["converged"] for arm in good if arm.get("converged") is not None]
    failures = {
        str(s): arm.get("reason") or "no reason given"
        for s, arm in arms.items()
        if arm["status"] != "ok"
    }
    return {
        **cell_key(next(iter(jobs.values()))),
        "model": model,
        "n_ok": len(good),
        "converged": sum(judged),
        "judged": len(judged),
        "failures": failures,
    }


def _success(
    repetitions: Mapping[int, Sequence[Mapping[str, Any]]], arm: str, trial: Sequence[str]
) -> dict[str, Any]:
    trials: dict[tuple[Any, ...], bool] = {}
    judged = []
    for seed, jobs in repetitions.items():
        for job in jobs:
            found = job["arms"].get(arm, {"status": "failed"})
            name = (seed, *(job[key] for key in trial))
            trials[name] = trials.get(name, True) and found["status"] == "ok"
            judged += [found["converged"]] if found.get("converged") is not None else []
    ok = sum(trials.values())
    low, high = wilson_interval(ok, len(trials))
    found = {"ok": ok, "trials": len(trials), "rate": ok / len(trials), "low": low, "high": high}
    return found | {"converged": sum(judged), "judged": len(judged)}


def repeated(
    summary: Mapping[str, Any], job: Mapping[str, Any], model: str, metric: str, column: str
) -> Any:
    """Return ``values mean low high`` of one score of one cell over the seeds; empty where no seed has it."""
    wanted = {**cell_key(job), "model": model, "metric": metric, "column": column}
    return _first(summary["seeds"]["cells"], wanted) or _NONE


def paired(
    summary: Mapping[str, Any], job: Mapping[str, Any], other: str, metric: str, column: str
) -> Any:
    """Return ``values mean low high n`` of PtychoPINN minus another arm in one cell; empty where no seed has both."""
    wanted = {
        **cell_key(job),
        "metric": metric,
        "column": column,
        "difference": f"{ARMS[0]} - {other}",
    }
    return _first(summary["seeds"]["paired"], wanted) or {**_NONE, "n": 0}


def runs_of(summary: Mapping[str, Any], job: Mapping[str, Any], model: str) -> Any:
    """Return ``n_ok converged judged failures`` of one model in one cell over the seeds."""
    return _first(summary["seeds"]["runs"], {**cell_key(job), "model": model})


def _first(
    entries: Iterable[Mapping[str, Any]], wanted: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    return next(
        (entry for entry in entries if all(entry[key] == value for key, value in wanted.items())),
        None,
    )


def endings(summary: Mapping[str, Any], jobs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return how the runs of some cells ended, over all seeds: convergence of the iterative arm, then failed arms."""
    cells, found = [cell_key(job) for job in jobs], []
    runs = [run for run in summary["seeds"]["runs"] if cell_key(run) in cells]
    judged, converged = (
        sum(run[key] for run in runs if run["model"] == "PtyChi") for key in ("judged", "converged")
    )
    if judged:
        found.append(f"PtyChi converged in {converged} of {judged} runs")
    for arm in ARMS:
        failed = sum(len(run["failures"]) for run in runs if run["model"] == arm)
        if failed:
            found.append(f"{arm} failed in {failed} of {len(cells) * summary['seeds']['n']} runs")
    return found


def seeds_text(summary: Mapping[str, Any]) -> str:
    """Return how many repetitions there are, for captions."""
    found = summary["seeds"]
    if found["n"] == 1:
        return f"one seed ({found['list'][0]}): no interval"
    return f"{found['n']} seeds ({', '.join(map(str, found['list']))})"
