"""The cells of a study as every table and figure reads them: which there are, what is shown.

A cell is the record of one (dose, view, split), from `ptychostudy.report.cell_records.make_cell`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.study.arm_names import arms_of
from ptychostudy.study.names import CELL, FLAT, PTYCHI, SPLITS, TEST_SPLIT

Cell = Mapping[str, Any]
"""The status record of one cell with the list ``metrics``."""

Summary = Mapping[str, Any]
"""The content of ``metrics_summary.json``; its list ``jobs`` holds the cells."""

DESIGNS = {
    "fixed_frame": "fixed photons per frame: a sparser view puts fewer photons on an object pixel",
    "fixed_fluence": (
        "fixed fluence: a sparser view gets brighter frames, so that all views of a nominal dose "
        "put the same photons on an object pixel"
    ),
}
CONTROL = FLAT
"""The control that is a metric's zero: an object of ones."""

_NOT_RUN: Mapping[str, Any] = {"status": "failed", "reason": "not run"}
_ENDINGS = {True: "converged", False: "not converged"}


def cell_name(cell: Cell) -> str:
    """Return how a cell is called in messages and headings."""
    return f"dose {cell['dose']}, {cell['view']}, {cell['split']}"


def cell_key(cell: Cell) -> dict[str, Any]:
    """Return dose, view and split, and nothing else."""
    return {key: cell[key] for key in CELL}


def cells_in_order(cells: Iterable[Cell]) -> list[Cell]:
    """Return the cells by dose and view, train before test.

    Raises
    ------
    ValueError
        If there is none, or a cell comes twice.
    """
    ordered = sorted(cells, key=_rank)
    if not ordered:
        raise ValueError("there is no cell to summarize; needed: at least one status.json")
    names = [cell_name(cell) for cell in ordered]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        times = names.count(repeated[0])
        raise ValueError(f"cell {repeated[0]} comes {times} times, needed: once")
    return ordered


def _rank(cell: Cell) -> tuple[Any, ...]:
    # Of the splits, not the alphabet's order but that of the workflow: train before test.
    return cell["dose"], cell["view"], SPLITS.index(cell["split"])


def arms_in(cells: Iterable[Cell]) -> list[str]:
    """Return the arms of some cells: ours, then those of other programs in alphabetical order."""
    return arms_of(model for cell in cells for model in cell["arms"])


def model_order(cells: Iterable[Cell]) -> list[str]:
    """Return all models, arms first, then the controls in alphabetical order.

    An arm that always failed is kept.
    """
    models = {model for cell in cells for model in cell["arms"]}
    arms = arms_of(models)
    return [*arms, *sorted(models - set(arms))]


def arm_record(cell: Cell, model: str) -> Mapping[str, Any]:
    """Return how one model ended in a cell; one that is not named there failed: it was not run."""
    record: Mapping[str, Any] = cell["arms"].get(model, _NOT_RUN)
    return record


def reason_of(record: Mapping[str, Any]) -> str:
    """Return why an arm failed."""
    return record.get("reason") or "no reason given"


def score(cell: Cell, model: str, metric: str, column: str = "phase") -> float | None:
    """Return one number of one cell.

    None for a failed arm or a truth without contrast in that column. ``rms_phase_rad`` (column
    phase) stands in the arm's record, every other metric in the table.
    """
    value: float | None = None
    if metric == "rms_phase_rad":
        value = arm_record(cell, model).get(metric)
        return value
    for row in cell["metrics"]:
        if row["model"] == model and row["metric"] == metric:
            value = row[column]
            break
    return value


def nominal_dose(cell: Cell, design: str) -> int:
    """Return the dose by which cells are compared across views.

    For ``fixed_frame`` photons per frame. For ``fixed_fluence`` the photons per frame that the full
    scan would need to put the same fluence on the object: the cell's dose times the kept fraction
    ``s_img`` of the frames.
    """
    if design == "fixed_frame":
        return int(cell["dose"])
    # A cell's dose is the nominal one over s_img, rounded to whole photons; so is the way back.
    nominal: float = cell["dose"] * cell["overlap"]["s_img"]
    return round(nominal)


def truth_name(summary: Summary) -> str:
    """Return what the arms were scored against: the simulated object, or a full-dose reference."""
    truths = {cell["truth"] for cell in summary["jobs"]}
    return " and ".join(sorted(truths))


def known_word(cells: Iterable[Cell]) -> str:
    """Return in a word what some cells are scored against: measured frames have no truth."""
    return "reference" if any("reference" in cell["truth"] for cell in cells) else "truth"


def spoken(text: str, cells: Iterable[Cell]) -> str:
    """Return a text about the truth as it is to be said of some cells, which may have none."""
    return text.replace("truth", known_word(cells))


def shown_cells(summary: Summary) -> list[Cell]:
    """Return the cells a reader is shown first: the test split, unseen in training.

    Where there is no test split, all.
    """
    # Scores of the training split flatter a network that has seen its frames.
    cells = list(summary["jobs"])
    unseen = [cell for cell in cells if cell["split"] == TEST_SPLIT]
    return unseen or cells


def shown_splits(summary: Summary) -> str:
    """Return the splits of `shown_cells` as text."""
    splits = {cell["split"] for cell in shown_cells(summary)}
    return " and ".join(sorted(splits))


def shown_column(summary: Summary) -> str:
    """Return ``phase``, or ``amplitude`` where no truth of the study has phase contrast."""
    rows = [row for cell in summary["jobs"] for row in cell["metrics"]]
    has_phase = any(row["phase"] is not None for row in rows)
    return "phase" if has_phase else "amplitude"


def ending(record: Mapping[str, Any]) -> str:
    """Return in a word how an iterative arm ended."""
    if record.get("status") != "ok":
        return "failed"
    converged = record.get("converged")
    return "N/A" if converged is None else _ENDINGS[converged]


def convergence(cells: Sequence[Cell]) -> str:
    """Return in how many of some cells the iterative arm converged, as text.

    Empty where it never ran to an end.
    """
    outcomes = [arm_record(cell, PTYCHI).get("converged") for cell in cells]
    known = [converged for converged in outcomes if converged is not None]
    if not known:
        return ""
    return f"PtyChi converged in {sum(known)} of {len(known)} cells"
