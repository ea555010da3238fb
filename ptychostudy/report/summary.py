"""One source for every report: the cells of a study, their means per arm, and who failed where.

A failed arm has no numbers, so it enters no mean and no difference.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.report.cells import (
    Cell,
    Summary,
    cell_key,
    cell_name,
    cells_in_order,
    model_order,
    reason_of,
    score,
    spoken,
)
from ptychostudy.report.deltas import mean_of_known
from ptychostudy.report.seed_section import seed_section
from ptychostudy.report.usefulness import verdicts
from ptychostudy.study.names import PARTS

_COUNTS = ("n_jobs", "n_executed", "n_success", "n_failed")


def summarize(
    cells: Iterable[Cell],
    compliance: Mapping[str, Any],
    *,
    seed: int = 0,
    replicates: Mapping[int, Iterable[Cell]] | None = None,
    design: str = "fixed_frame",
    trained_on: str = "each",
) -> dict[str, Any]:
    """Return the content of ``metrics_summary.json``.

    Parameters
    ----------
    cells : iterable of dict
        From `ptychostudy.report.cell_records.make_cell`, in any order; those of the first seed.
    compliance : dict
        From `ptychostudy.report.compliance.collect_compliance`.
    seed : int
        The first seed.
    replicates : dict of int to iterable of dict
        Cells of every further seed.
    design : {'fixed_frame', 'fixed_fluence'}
        What the views of a dose share.
    trained_on : {'each', 'all'}
        Whether there is a network per dose or one for all doses.

    Returns
    -------
    dict
        ``n_jobs n_executed n_success n_failed jobs aggregate_metrics arms definitions design seeds
        usefulness phase_c_metadata_compliance``; ``jobs``: the cells, sorted by dose, view, train
        before test. ``arms`` counts, per model, the cells it was scored in and the reasons of those
        in which it failed. All are of the first seed, but for ``seeds``, see
        `ptychostudy.report.seed_section.seed_section`, and ``usefulness``, see
        `ptychostudy.report.usefulness.verdicts`.

    Raises
    ------
    ValueError
        If there is no cell, one comes twice, or the seeds do not have the same cells.
    """
    ordered = cells_in_order(cells)
    # The first seed comes first: captions, trials and pairs name the seeds in this order.
    repetitions = {seed: ordered}
    for other, repeated in (replicates or {}).items():
        repetitions[other] = cells_in_order(repeated)
    models = model_order(ordered)
    return {
        **_counts(ordered),
        "jobs": [_without_definitions(cell) for cell in ordered],
        "definitions": _definitions(ordered),
        "aggregate_metrics": {model: _aggregate(ordered, model) for model in models},
        "arms": {model: _outcomes(ordered, model) for model in models},
        "design": design,
        "seeds": seed_section(repetitions, trained_on=trained_on),
        "usefulness": verdicts(repetitions),
        "phase_c_metadata_compliance": dict(compliance),
    }


def _counts(cells: Sequence[Cell]) -> dict[str, int]:
    n = len(cells)
    n_success = sum(cell["status"] == "success" for cell in cells)
    # A cell in which an arm failed was executed, too: its files exist, and only what failed is out.
    return {"n_jobs": n, "n_executed": n, "n_success": n_success, "n_failed": n - n_success}


def _without_definitions(cell: Cell) -> dict[str, Any]:
    # They are the same in every cell and stand in the summary once.
    return {key: value for key, value in cell.items() if key != "definitions"}


def _definitions(cells: Iterable[Cell]) -> dict[str, str]:
    definitions: dict[str, str] = {}
    for cell in cells:
        said = cell.get("definitions", {})
        definitions |= {metric: spoken(text, [cell]) for metric, text in said.items()}
    return definitions


def _aggregate(cells: Sequence[Cell], model: str) -> dict[str, dict[str, float | None]]:
    """Return mean and best MS-SSIM and mean MAE of a model, as the ancestor's tables have them."""
    similarity: dict[str, float | None] = {}
    error: dict[str, float | None] = {}
    for column in PARTS:
        scores = _known_scores(cells, model, "ms_ssim", column)
        similarity[f"mean_{column}"] = mean_of_known(scores)
        similarity[f"best_{column}"] = max(scores, default=None)
        error[f"mean_{column}"] = mean_of_known(_known_scores(cells, model, "mae", column))
    return {"ms_ssim": similarity, "mae": error}


def _known_scores(cells: Iterable[Cell], model: str, metric: str, column: str) -> list[float]:
    scores = [score(cell, model, metric, column) for cell in cells]
    return [value for value in scores if value is not None]


def _outcomes(cells: Iterable[Cell], model: str) -> dict[str, Any]:
    """Return in how many cells a model has a result, and why it has none in the others."""
    records = {cell_name(cell): cell["arms"][model] for cell in cells if model in cell["arms"]}
    # As JSON sorts them: texts of the summary are the same before it is written and after.
    failures = {
        name: reason_of(record)
        for name, record in sorted(records.items())
        if record["status"] != "ok"
    }
    n_failed = len(failures)
    return {"n_ok": len(records) - n_failed, "n_failed": n_failed, "failures": failures}


def make_comparison_manifest(summary: Summary) -> dict[str, Any]:
    """Return the content of ``comparison_manifest.json``: which cells were compared.

    A cell in which an arm failed has a non-zero ``returncode`` and names the arm.
    """
    cells = summary["jobs"]
    return {
        **{key: summary[key] for key in _COUNTS},
        "jobs": [cell_key(cell) for cell in cells],
        "execution_results": [_result(cell) for cell in cells],
    }


def _result(cell: Cell) -> dict[str, Any]:
    failed = {
        model: reason_of(record)
        for model, record in cell["arms"].items()
        if record["status"] != "ok"
    }
    result = {
        **cell_key(cell),
        "status": cell["status"],
        # As of a process: other than 0 where an arm failed.
        "returncode": int(cell["status"] != "success"),
        "failed_arms": sorted(failed),
    }
    if failed:
        reasons = [f"{model}: {reason}" for model, reason in failed.items()]
        result["error"] = "; ".join(reasons)
    return result
