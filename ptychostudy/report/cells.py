"""The cells of a study as every table and figure reads them: which there are, what is shown, one number of one cell.

A job is the record of one cell (dose, view, split), from `ptychostudy.report.summary.make_cell`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.study.names import ARMS, CELL, SPLITS

DESIGNS = {
    "fixed_frame": "fixed photons per frame: a sparser view puts fewer photons on an object pixel",
    "fixed_fluence": "fixed fluence: a sparser view gets brighter frames, so that all views of a nominal dose put the "
    "same photons on an object pixel",
}


def cell_name(job: Mapping[str, Any]) -> str:
    """Return how a cell is called in messages and headings."""
    return f"dose {job['dose']}, {job['view']}, {job['split']}"


def cell_key(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return dose, view and split, and nothing else."""
    return {key: job[key] for key in CELL}


def cells_in_order(jobs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the jobs by dose and view, train before test.

    Raises
    ------
    ValueError
        If there is none, or a cell comes twice.
    """
    ordered = sorted(jobs, key=lambda job: (job["dose"], job["view"], SPLITS.index(job["split"])))
    if not ordered:
        raise ValueError("there is no cell to summarize; needed: at least one status.json")
    names = [cell_name(job) for job in ordered]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"cell {repeated[0]} comes {names.count(repeated[0])} times, needed: once")
    return ordered


def model_order(jobs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return all models, arms first, then the controls in alphabetical order; an arm that always failed is kept."""
    found = {model for job in jobs for model in job["arms"]}
    return [*ARMS, *sorted(found - set(ARMS))]


def score(job: Mapping[str, Any], model: str, metric: str, column: str = "phase") -> float | None:
    """Return one number of one cell; None for a failed arm or a truth without contrast in that column.

    ``rms_phase_rad`` (column phase) stands in the arm's record, every other metric in the table.
    """
    if metric == "rms_phase_rad":
        return job["arms"].get(model, {}).get(metric)  # type: ignore[no-any-return]
    for row in job["metrics"]:
        if row["model"] == model and row["metric"] == metric:
            return row[column]  # type: ignore[no-any-return]
    return None


def nominal_dose(job: Mapping[str, Any], design: str) -> int:
    """Return the dose by which cells are compared across views.

    For ``fixed_frame`` photons per frame. For ``fixed_fluence`` the photons per frame that the full scan would need to
    put the same fluence on the object: the cell's dose times the kept fraction ``s_img`` of the frames.
    """
    return (
        int(job["dose"])
        if design == "fixed_frame"
        else round(job["dose"] * job["overlap"]["s_img"])
    )


def truth_name(summary: Mapping[str, Any]) -> str:
    """Return what the arms were scored against: the simulated object, or a full-dose reference."""
    return " and ".join(sorted({job["truth"] for job in summary["jobs"]}))


def shown_cells(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the cells a reader is shown first: the test split, unseen in training, or all where there is none."""
    jobs = list(summary["jobs"])
    return [job for job in jobs if job["split"] == "test"] or jobs


def shown_splits(summary: Mapping[str, Any]) -> str:
    """Return the splits of `shown_cells` as text."""
    return " and ".join(sorted({job["split"] for job in shown_cells(summary)}))


def shown_column(summary: Mapping[str, Any]) -> str:
    """Return ``phase``, or ``amplitude`` where no truth of the study has phase contrast."""
    scores = (row["phase"] for job in summary["jobs"] for row in job["metrics"])
    return "phase" if any(value is not None for value in scores) else "amplitude"


def ending(arm: Mapping[str, Any]) -> str:
    """Return in a word how an iterative arm ended."""
    if arm.get("status") != "ok":
        return "failed"
    return {True: "converged", False: "not converged"}.get(arm.get("converged"), "N/A")  # type: ignore[arg-type]


def convergence(jobs: Sequence[Mapping[str, Any]]) -> str:
    """Return in how many of some cells the iterative arm converged, as text; empty where it never ran to an end."""
    known = [
        arm["converged"]
        for job in jobs
        if (arm := job["arms"].get("PtyChi", {})).get("converged") is not None
    ]
    return f"PtyChi converged in {sum(known)} of {len(known)} cells" if known else ""
