"""One source for every report: the cells of a study, their means per arm and the differences between arms.

A job is one cell (dose, view, split). A failed arm has no numbers, so it enters no mean and no difference.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ARMS = ("PtychoPINN", "Baseline", "PtyChi")
OTHERS = ("Baseline", "PtyChi")
COLUMNS = ("amplitude", "phase")
DELTA_METRICS = ("ms_ssim", "mae")
METRICS_PATH = "analysis/metrics_summary.json"
_SPLITS = ("train", "test")
_CELL = ("dose", "view", "split")


def make_job(status: Mapping[str, Any], rows: Iterable[Mapping[str, str]]) -> dict[str, Any]:
    """Join the status record of one cell with its table of metrics.

    Parameters
    ----------
    status : dict
        Content of ``status.json``.
    rows : iterable of dict
        Lines of ``comparison_metrics.csv``: ``model metric amplitude phase value``, texts; ``n/a`` becomes None.

    Returns
    -------
    dict
        The status record with the list ``metrics``.

    Raises
    ------
    ValueError
        If a cell of the table is no finite number, if an arm that succeeded has no line or one that failed has some.
    """
    metrics: list[dict[str, Any]] = [
        {"model": row["model"], "metric": row["metric"]}
        | {column: _number(row, column) for column in (*COLUMNS, "value")}
        for row in rows
    ]
    scored = {row["model"] for row in metrics}
    good = {model for model, arm in status["arms"].items() if arm["status"] == "ok"}
    if scored != good:
        raise ValueError(
            f"{cell_name(status)}: the table of metrics holds {sorted(scored)}, but status.json says {sorted(good)} "
            "succeeded; needed: the same models"
        )
    return {**status, "metrics": metrics}


def _number(row: Mapping[str, str], column: str) -> float | None:
    if row[column] == "n/a":
        return None
    try:
        number = float(row[column])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(
            f"{row['model']} {row['metric']}: column {column!r} holds {row[column]!r}, needed: a finite number or n/a"
        )
    return number


def cell_name(job: Mapping[str, Any]) -> str:
    """Return how a cell is called in messages and headings."""
    return f"dose {job['dose']}, {job['view']}, {job['split']}"


def summarize(jobs: Iterable[Mapping[str, Any]], compliance: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``metrics_summary.json``.

    Parameters
    ----------
    jobs : iterable of dict
        From `make_job`, in any order.
    compliance : dict
        From `collect_compliance`.

    Returns
    -------
    dict
        ``n_jobs n_executed n_success n_failed jobs aggregate_metrics arms definitions
        phase_c_metadata_compliance``; jobs sorted by dose, view, train before test. ``arms`` counts, per model, the
        cells it was scored in and the reasons of those in which it failed.

    Raises
    ------
    ValueError
        If there is no job, or a cell comes twice.
    """
    ordered = sorted(jobs, key=lambda job: (job["dose"], job["view"], _SPLITS.index(job["split"])))
    if not ordered:
        raise ValueError("there is no cell to summarize; needed: at least one status.json")
    names = [cell_name(job) for job in ordered]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"cell {repeated[0]} comes {names.count(repeated[0])} times, needed: once")
    models = model_order(ordered)
    return {
        **_counts(ordered),
        "jobs": [{key: value for key, value in job.items() if key != "definitions"} for job in ordered],
        "definitions": {name: text for job in ordered for name, text in job.get("definitions", {}).items()},
        "aggregate_metrics": {model: _aggregate(ordered, model) for model in models},
        "arms": {model: _success(ordered, model) for model in models},
        "phase_c_metadata_compliance": dict(compliance),
    }


def _counts(jobs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    success = sum(job["status"] == "success" for job in jobs)
    return {"n_jobs": len(jobs), "n_executed": len(jobs), "n_success": success, "n_failed": len(jobs) - success}


def model_order(jobs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return all models, arms first, then the controls in alphabetical order; an arm that always failed is kept."""
    found = {model for job in jobs for model in job["arms"]}
    return [*ARMS, *sorted(found - set(ARMS))]


def score(job: Mapping[str, Any], model: str, metric: str, column: str = "phase") -> float | None:
    """Return one number of one cell; None for a failed arm or a truth without contrast in that column."""
    for row in job["metrics"]:
        if row["model"] == model and row["metric"] == metric:
            return row[column]  # type: ignore[no-any-return]
    return None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _aggregate(jobs: Sequence[Mapping[str, Any]], model: str) -> dict[str, dict[str, float | None]]:
    def all_of(metric: str, column: str) -> list[float]:
        return [value for job in jobs if (value := score(job, model, metric, column)) is not None]

    similarity: dict[str, float | None] = {}
    for column in COLUMNS:
        similarity[f"mean_{column}"] = _mean(all_of("ms_ssim", column))
        similarity[f"best_{column}"] = max(all_of("ms_ssim", column), default=None)
    return {
        "ms_ssim": similarity,
        "mae": {f"mean_{column}": _mean(all_of("mae", column)) for column in COLUMNS},
    }


def _success(jobs: Sequence[Mapping[str, Any]], model: str) -> dict[str, Any]:
    seen = [(job, job["arms"][model]) for job in jobs if model in job["arms"]]
    failures = {cell_name(job): arm.get("reason") or "no reason given" for job, arm in seen if arm["status"] != "ok"}
    return {"n_ok": len(seen) - len(failures), "n_failed": len(failures), "failures": failures}


def make_manifest(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``comparison_manifest.json``: which cells were compared, and which arms failed there."""
    return {
        **{key: summary[key] for key in ("n_jobs", "n_executed", "n_success", "n_failed")},
        "jobs": [{key: job[key] for key in _CELL} for job in summary["jobs"]],
        "execution_results": [_result(job) for job in summary["jobs"]],
    }


def _result(job: Mapping[str, Any]) -> dict[str, Any]:
    failed = {model: arm.get("reason") or "" for model, arm in job["arms"].items() if arm["status"] != "ok"}
    result = {key: job[key] for key in _CELL}
    result |= {"status": job["status"], "returncode": int(job["status"] != "success"), "failed_arms": sorted(failed)}
    if failed:
        result["error"] = "; ".join(f"{model}: {reason or 'no reason given'}" for model, reason in failed.items())
    return result


def make_delta(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``metrics_delta_summary.json``: PtychoPINN minus the other arm.

    The mean runs over the cells in which **both** arms have a number (``n_cells``), so that no difference compares
    different cells; where nothing failed it is the difference of the means in `summarize`. ``cells`` holds the
    difference in each cell. The ancestor's ``generated_at`` is left out: the file is hashed, and hashed files carry no
    timestamp.
    """
    jobs = summary["jobs"]
    return {
        "source_metrics": METRICS_PATH,
        "deltas": {f"vs_{other}": _mean_difference(jobs, other) for other in OTHERS},
        "cells": [
            {key: job[key] for key in _CELL} | {f"vs_{other}": _difference(job, other) for other in OTHERS}
            for job in jobs
        ],
    }


def _difference(job: Mapping[str, Any], other: str) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = {metric: {} for metric in DELTA_METRICS}
    for metric in DELTA_METRICS:
        for column in COLUMNS:
            first, second = (score(job, model, metric, column) for model in (ARMS[0], other))
            found[metric][column] = None if first is None or second is None else first - second
    return found


def _mean_difference(jobs: Sequence[Mapping[str, Any]], other: str) -> dict[str, dict[str, Any]]:
    each = [_difference(job, other) for job in jobs]
    return {
        metric: {column: _mean(one[metric][column] for one in each) for column in COLUMNS}
        | {"n_cells": sum(any(value is not None for value in one[metric].values()) for one in each)}
        for metric in DELTA_METRICS
    }


def judge_metadata(path: str, metadata: Mapping[str, Any] | None, error: str = "") -> dict[str, Any]:
    """Say whether a phase C file tells where it came from.

    Parameters
    ----------
    path : str
        File, relative to the hub.
    metadata : dict or None
        Its JSON metadata; None where it could not be read.
    error : str
        Why it could not be read.

    Returns
    -------
    dict
        ``npz_path has_metadata has_canonical_transform compliant`` and, where not compliant, ``error``. The canonical
        transform is the step ``canonicalize`` in the list ``data_transformations``.
    """
    steps = (metadata or {}).get("data_transformations")
    canonical = isinstance(steps, list) and any(
        isinstance(step, dict) and step.get("operation") == "canonicalize" for step in steps
    )
    judged = {"npz_path": path, "has_metadata": metadata is not None, "has_canonical_transform": canonical}
    judged["compliant"] = metadata is not None and canonical
    if not judged["compliant"]:
        judged["error"] = error or "_metadata lists no data_transformations with the operation 'canonicalize'"
    return judged


def collect_compliance(judged: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Arrange records of `judge_metadata` as ``{dose_d: {split: record}}``, read from ``dose_d/patched_split.npz``."""
    found: dict[str, dict[str, Any]] = {}
    for record in judged:
        *_, dose, name = record["npz_path"].split("/")
        found.setdefault(dose, {})[name.removesuffix(".npz").removeprefix("patched_")] = dict(record)
    return found


def truth_name(summary: Mapping[str, Any]) -> str:
    """Return what the arms were scored against: the simulated object, or a full-dose reference."""
    return " and ".join(sorted({job["truth"] for job in summary["jobs"]}))


def shown_jobs(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the cells a reader is shown first: the test split, unseen in training, or all where there is none."""
    jobs = list(summary["jobs"])
    return [job for job in jobs if job["split"] == "test"] or jobs


def shown_column(summary: Mapping[str, Any]) -> str:
    """Return ``phase``, or ``amplitude`` where no truth of the study has phase contrast."""
    scores = (row["phase"] for job in summary["jobs"] for row in job["metrics"])
    return "phase" if any(value is not None for value in scores) else "amplitude"
