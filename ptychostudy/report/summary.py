"""One source for every report: the cells of a study, their means per arm and the differences between arms.

A job is one cell (dose, view, split). A failed arm has no numbers, so it enters no mean and no difference.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.report.cells import cell_name, cell_key, ending, cells_in_order, model_order, score
from ptychostudy.report.seeds import seed_section
from ptychostudy.report.usefulness import verdicts
from ptychostudy.study.names import ARMS, DELTA_METRICS, OTHERS, PARTS

METRICS_PATH = "analysis/metrics_summary.json"


def make_cell(status: Mapping[str, Any], rows: Iterable[Mapping[str, str]]) -> dict[str, Any]:
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
        The status record with the list ``metrics``; a failed arm, whose lines hold no number, has none in it.

    Raises
    ------
    ValueError
        If a cell of the table is no finite number, if an arm has no line, or one that failed has a number.
    """
    metrics: list[dict[str, Any]] = [
        {"model": row["model"], "metric": row["metric"]}
        | {column: _number(row, column) for column in (*PARTS, "value")}
        for row in rows
    ]
    named = {row["model"] for row in metrics}
    if named != set(status["arms"]):
        raise ValueError(
            f"{cell_name(status)}: the table of metrics holds {sorted(named)}, status.json {sorted(status['arms'])}; "
            "needed: the same models, those that failed among them"
        )
    failed = {model for model, arm in status["arms"].items() if arm["status"] != "ok"}
    scored = {
        row["model"]
        for row in metrics
        if any(row[column] is not None for column in (*PARTS, "value"))
    }
    if scored & failed:
        raise ValueError(
            f"{cell_name(status)}: the table of metrics holds numbers of {sorted(scored & failed)}, which failed; "
            "needed: n/a"
        )
    return {**status, "metrics": [row for row in metrics if row["model"] not in failed]}


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


def summarize(
    jobs: Iterable[Mapping[str, Any]],
    compliance: Mapping[str, Any],
    *,
    seed: int = 0,
    replicates: Mapping[int, Iterable[Mapping[str, Any]]] | None = None,
    design: str = "fixed_frame",
    trained_on: str = "each",
) -> dict[str, Any]:
    """Return the content of ``metrics_summary.json``.

    Parameters
    ----------
    jobs : iterable of dict
        From `make_cell`, in any order; those of the first seed.
    compliance : dict
        From `collect_compliance`.
    seed : int
        The first seed.
    replicates : dict of int to iterable of dict
        Jobs of every further seed.
    design : {'fixed_frame', 'fixed_fluence'}
        What the views of a dose share.
    trained_on : {'each', 'all'}
        Whether there is a network per dose or one for all doses.

    Returns
    -------
    dict
        ``n_jobs n_executed n_success n_failed jobs aggregate_metrics arms definitions design seeds usefulness
        phase_c_metadata_compliance``; jobs sorted by dose, view, train before test. ``arms`` counts, per model, the
        cells it was scored in and the reasons of those in which it failed. All are of the first seed, but for
        ``seeds``, see `ptychostudy.report.seeds.seed_section`, and ``usefulness``, see
        `ptychostudy.report.usefulness.verdicts`.

    Raises
    ------
    ValueError
        If there is no job, a cell comes twice, or the seeds do not have the same cells.
    """
    ordered = cells_in_order(jobs)
    repetitions = {seed: ordered} | {
        other: cells_in_order(found) for other, found in (replicates or {}).items()
    }
    models = model_order(ordered)
    return {
        **_counts(ordered),
        "jobs": [
            {key: value for key, value in job.items() if key != "definitions"} for job in ordered
        ],
        "definitions": {
            name: text for job in ordered for name, text in job.get("definitions", {}).items()
        },
        "aggregate_metrics": {model: _aggregate(ordered, model) for model in models},
        "arms": {model: _success(ordered, model) for model in models},
        "design": design,
        "seeds": seed_section(repetitions, trained_on=trained_on),
        "usefulness": verdicts(repetitions),
        "phase_c_metadata_compliance": dict(compliance),
    }


def _counts(jobs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    success = sum(job["status"] == "success" for job in jobs)
    return {
        "n_jobs": len(jobs),
        "n_executed": len(jobs),
        "n_success": success,
        "n_failed": len(jobs) - success,
    }


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _aggregate(jobs: Sequence[Mapping[str, Any]], model: str) -> dict[str, dict[str, float | None]]:
    def all_of(metric: str, column: str) -> list[float]:
        return [value for job in jobs if (value := score(job, model, metric, column)) is not None]

    similarity: dict[str, float | None] = {}
    for column in PARTS:
        similarity[f"mean_{column}"] = _mean(all_of("ms_ssim", column))
        similarity[f"best_{column}"] = max(all_of("ms_ssim", column), default=None)
    return {
        "ms_ssim": similarity,
        "mae": {f"mean_{column}": _mean(all_of("mae", column)) for column in PARTS},
    }


def _success(jobs: Sequence[Mapping[str, Any]], model: str) -> dict[str, Any]:
    seen = [(job, job["arms"][model]) for job in jobs if model in job["arms"]]
    failures = {
        cell_name(job): arm.get("reason") or "no reason given"
        for job, arm in seen
        if arm["status"] != "ok"
    }
    return {"n_ok": len(seen) - len(failures), "n_failed": len(failures), "failures": failures}


def make_comparison_manifest(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``comparison_manifest.json``: which cells were compared, and which arms failed there."""
    return {
        **{key: summary[key] for key in ("n_jobs", "n_executed", "n_success", "n_failed")},
        "jobs": [cell_key(job) for job in summary["jobs"]],
        "execution_results": [_result(job) for job in summary["jobs"]],
    }


def _result(job: Mapping[str, Any]) -> dict[str, Any]:
    failed = {
        model: arm.get("reason") or ""
        for model, arm in job["arms"].items()
        if arm["status"] != "ok"
    }
    result = cell_key(job) | {
        "status": job["status"],
        "returncode": int(job["status"] != "success"),
        "failed_arms": sorted(failed),
    }
    if failed:
        result["error"] = "; ".join(
            f"{model}: {reason or 'no reason given'}" for model, reason in failed.items()
        )
    return result


def make_delta(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``metrics_delta_summary.json``: PtychoPINN minus the other arm.

    The mean runs over the cells in which **both** arms have a number (``n_cells``), so that no difference compares
    different cells; where nothing failed it is the difference of the means in `summarize`. ``cells`` holds the
    difference in each cell beside its photons per object pixel, overlap and how PtyChi ended there. All are of the
    first ``seed``. The ancestor's ``generated_at`` is left out: the file is hashed, and hashed files carry no
    timestamp.
    """
    jobs = summary["jobs"]
    return {
        "source_metrics": METRICS_PATH,
        "seed": summary["seeds"]["list"][0],
        "deltas": {f"vs_{other}": _mean_difference(jobs, other) for other in OTHERS},
        "cells": [
            cell_key(job)
            | _light(job)
            | {f"vs_{other}": _difference(job, other) for other in OTHERS}
            for job in jobs
        ],
    }


def _light(job: Mapping[str, Any]) -> dict[str, Any]:
    overlap = {"overlap_area": "metric_2_image_based_avg", "overlap_linear": "linear_overlap"}
    found = {name: job.get("overlap", {}).get(key) for name, key in overlap.items()}
    found |= {"photons_per_pixel": job.get("photons_per_pixel")}
    return {**cell_key(job), **found, "ptychi": ending(job["arms"].get("PtyChi", {}))}


def _difference(job: Mapping[str, Any], other: str) -> dict[str, dict[str, float | None]]:
    found: dict[str, dict[str, float | None]] = {metric: {} for metric in DELTA_METRICS}
    for metric in DELTA_METRICS:
        for column in PARTS:
            first, second = (score(job, model, metric, column) for model in (ARMS[0], other))
            found[metric][column] = None if first is None or second is None else first - second
    return found


def _mean_difference(jobs: Sequence[Mapping[str, Any]], other: str) -> dict[str, dict[str, Any]]:
    each = [_difference(job, other) for job in jobs]
    return {
        metric: {column: _mean(one[metric][column] for one in each) for column in PARTS}
        | {"n_cells": sum(any(value is not None for value in one[metric].values()) for one in each)}
        for metric in DELTA_METRICS
    }


def judge_metadata(
    path: str, metadata: Mapping[str, Any] | None, error: str = ""
) -> dict[str, Any]:
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
    judged = {
        "npz_path": path,
        "has_metadata": metadata is not None,
        "has_canonical_transform": canonical,
    }
    judged["compliant"] = metadata is not None and canonical
    if not judged["compliant"]:
        judged["error"] = (
            error or "_metadata lists no data_transformations with the operation 'canonicalize'"
        )
    return judged


def collect_compliance(judged: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Arrange records of `judge_metadata` as ``{dose_d: {split: record}}``, read from ``dose_d/patched_split.npz``."""
    found: dict[str, dict[str, Any]] = {}
    for record in judged:
        *_, dose, name = record["npz_path"].split("/")
        found.setdefault(dose, {})[name.removesuffix(".npz").removeprefix("patched_")] = dict(
            record
        )
    return found
