"""What the repetitions of a study say of one cell, read from the section ``seeds`` of its summary.

`ptychostudy.report.seed_section` makes that section.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.report.cells import Cell, Summary, cell_key
from ptychostudy.study.arm_names import arms_of
from ptychostudy.study.names import PINN, PTYCHI

_NONE: Mapping[str, Any] = {"values": {}, "mean": None, "low": None, "high": None}
_NO_PAIR: Mapping[str, Any] = {**_NONE, "n": 0}


def repeated(
    summary: Summary, cell: Cell, model: str, metric: str, column: str
) -> Mapping[str, Any]:
    """Return ``values mean low high`` of one score of one cell over the seeds.

    Empty where no seed has it.
    """
    # The section has no entry of what no seed has.
    wanted = {**cell_key(cell), "model": model, "metric": metric, "column": column}
    return _first(summary["seeds"]["cells"], wanted) or _NONE


def paired(summary: Summary, cell: Cell, other: str, metric: str, column: str) -> Mapping[str, Any]:
    """Return ``values mean low high n`` of PtychoPINN minus another arm in one cell.

    Empty where no seed has both.
    """
    wanted = {
        **cell_key(cell),
        "metric": metric,
        "column": column,
        "difference": difference_name(other),
    }
    return _first(summary["seeds"]["paired"], wanted) or _NO_PAIR


def difference_name(other: str) -> str:
    """Return how a difference to another arm is called."""
    return f"{PINN} - {other}"


def runs_of(summary: Summary, cell: Cell, model: str) -> Any:
    """Return ``n_ok converged judged failures`` of one model in one cell over the seeds."""
    return _first(summary["seeds"]["runs"], {**cell_key(cell), "model": model})


def _first(
    entries: Iterable[Mapping[str, Any]], wanted: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    for entry in entries:
        if all(entry[key] == value for key, value in wanted.items()):
            return entry
    return None


def endings(summary: Summary, cells: Iterable[Cell]) -> list[str]:
    """Return how the runs of some cells ended, over all seeds.

    Convergence of the iterative arm comes first, then the arms that failed.
    """
    keys = [cell_key(cell) for cell in cells]
    runs = [run for run in summary["seeds"]["runs"] if cell_key(run) in keys]
    # An arm runs once per cell and seed; cells of one training count each.
    n_runs = len(keys) * summary["seeds"]["n"]
    return [*_converged(runs), *_failures(runs, n_runs)]


def _converged(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    # Networks do not say whether they converged.
    iterative = [run for run in runs if run["model"] == PTYCHI]
    judged = sum(run["judged"] for run in iterative)
    converged = sum(run["converged"] for run in iterative)
    return [f"PtyChi converged in {converged} of {judged} runs"] if judged else []


def _failures(runs: Sequence[Mapping[str, Any]], n_runs: int) -> list[str]:
    texts = []
    for arm in arms_of(run["model"] for run in runs):
        failed = sum(len(run["failures"]) for run in runs if run["model"] == arm)
        if failed:
            texts.append(f"{arm} failed in {failed} of {n_runs} runs")
    return texts


def seeds_text(summary: Summary) -> str:
    """Return how many repetitions there are, for captions."""
    seeds = summary["seeds"]["list"]
    if len(seeds) == 1:
        return f"one seed ({seeds[0]}): no interval"
    return f"{len(seeds)} seeds ({', '.join(map(str, seeds))})"
