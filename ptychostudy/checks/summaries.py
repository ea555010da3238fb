"""Checks of the summaries: manifest, metrics and differences say what the cells' own files say."""

from pathlib import PurePath
from typing import Any

from ptychostudy.checks.cells import Cell, read_status
from ptychostudy.checks.check import UNREADABLE
from ptychostudy.checks.differences import differences
from ptychostudy.checks.frames import judged_metadata
from ptychostudy.io.records import read_json
from ptychostudy.io.tables import read_csv
from ptychostudy.report.cell_records import make_cell
from ptychostudy.report.compliance import collect_compliance
from ptychostudy.report.deltas import make_delta
from ptychostudy.report.summary import summarize
from ptychostudy.report.verdict_texts import counted
from ptychostudy.study import layout
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import METRIC_COLUMNS

_COUNTS = ["n_jobs", "n_executed", "n_success", "n_failed", "execution_results"]
_SUMMARY_KEYS = [
    "n_jobs",
    "n_success",
    "n_failed",
    "aggregate_metrics",
    "phase_c_metadata_compliance",
]


def read_summary(hub: Hub) -> dict[str, Any]:
    """Read the summary of the study, as everything that is rendered from it does."""
    return _read(hub, layout.SUMMARY, ["jobs"])


def read_delta(hub: Hub) -> dict[str, Any]:
    """Read the differences between the arms."""
    return _read(hub, layout.DELTA, ["deltas"])


def manifest(hub: Hub) -> list[str]:
    """Compare the counts of the comparison manifest with the cells."""
    recorded = _read(hub, layout.COMPARISON_MANIFEST, _COUNTS)
    # Which cells there must be follows from the settings, not from what a run left behind.
    n_cells = len(list(hub.cells()))
    n_jobs = recorded["n_jobs"]
    n_results = len(recorded["execution_results"])
    n_executed = recorded["n_executed"]
    n_success = recorded["n_success"]
    n_failed = recorded["n_failed"]
    problems = []
    if n_jobs != n_cells or n_results != n_cells:
        problems.append(f"n_jobs is {n_jobs} with {n_results} results, needed {n_cells}")
    if n_success + n_failed != n_executed or n_executed != n_cells:
        problems.append(
            f"n_success {n_success} + n_failed {n_failed} is not n_executed {n_executed}"
        )
    if n_failed:
        problems.append(f"{n_failed} of {n_cells} comparisons failed")
    return problems


def metrics_summary(hub: Hub) -> list[str]:
    """Rebuild the summary from the cells and compare."""
    recorded = _read(hub, layout.SUMMARY, _SUMMARY_KEYS)
    return differences(recorded, rebuilt(hub), PurePath(layout.SUMMARY).name)


def delta_summary(hub: Hub) -> list[str]:
    """Rebuild the differences from the summary and compare."""
    recorded = _read(hub, layout.DELTA, ["deltas", "source_metrics"])
    recomputed = make_delta(read_summary(hub))
    return differences(recorded, recomputed, PurePath(layout.DELTA).name)


def rebuilt(hub: Hub) -> dict[str, Any]:
    """Build the summary again from the cells' own files, of all seeds."""
    compliance = collect_compliance(judged_metadata(hub))
    # The numbers are the first seed's; what further seeds add are intervals and verdicts.
    first, *others = hub.settings.seeds
    jobs = _cells_of_seed(hub)
    replicates = {}
    for seed, repetition in zip(others, hub.repetitions(), strict=True):
        replicates[seed] = _cells_of_seed(repetition)
    return summarize(
        jobs,
        compliance,
        seed=first,
        replicates=replicates,
        design=hub.settings.design,
        trained_on=hub.settings.trained_on,
    )


def usefulness(hub: Hub) -> dict[str, Any]:
    """Judge every arm, cell and seed anew.

    Where a file is bad there are no verdicts but the reason; then a check has failed, too.
    """
    try:
        verdicts = rebuilt(hub)["usefulness"]
    except UNREADABLE as error:
        return {"reason": f"could not judge: {error}", "verdicts": []}
    return {"reason": counted(verdicts), "verdicts": verdicts}


def _read(hub: Hub, path: str, keys: list[str]) -> dict[str, Any]:
    content: dict[str, Any] = read_json(hub.root / path, keys)
    return content


def _cells_of_seed(hub: Hub) -> list[dict[str, Any]]:
    """Read the cells of one seed."""
    return [_read_cell(hub, cell) for cell in hub.cells()]


def _read_cell(hub: Hub, cell: Cell) -> dict[str, Any]:
    """Read one cell as the summary holds it: its record and its table of metrics."""
    status = read_status(hub, cell)
    rows = read_csv(hub.analysis(*cell) / layout.METRICS, METRIC_COLUMNS)
    return make_cell(status, rows)
