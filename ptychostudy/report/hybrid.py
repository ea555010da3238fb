"""How many epochs a network's canvas saves the iterative solver: Hybrid beside PtyChi."""

from collections.abc import Iterable, Mapping
from typing import Any

from ptychostudy.report.cells import Cell, Summary, arm_record, reason_of, shown_cells
from ptychostudy.report.markdown import MISSING, photon_text, table
from ptychostudy.study.arm_names import HYBRID
from ptychostudy.study.names import PTYCHI

_HEADER = ("Dose", "View", "Split", "Starts from", "Epochs", f"{PTYCHI}'s loss after", "Saved")
_WHAT = (
    f"{HYBRID} is {PTYCHI} from another first object, the canvas of a network; epochs, likelihood "
    f"and all else are the same. {PTYCHI}'s loss after: the first epoch whose loss is no higher "
    f"than {PTYCHI}'s last. The loss hardly knows the smooth parts of a phase: equal losses are no "
    "equal errors. First seed."
)


def hybrid_blocks(summary: Summary) -> list[list[str]]:
    """Return the section on the epochs that are saved; nothing in a study without that arm."""
    cells = _with_hybrid(summary["jobs"])
    if not cells:
        return []
    rows = [
        [str(cell["dose"]), cell["view"], cell["split"], *_texts(arm_record(cell, HYBRID))]
        for cell in cells
    ]
    return [["## Epochs Saved By A Start"], [_WHAT], table(_HEADER, rows)]


def _with_hybrid(cells: Iterable[Cell]) -> list[Cell]:
    return [cell for cell in cells if HYBRID in cell["arms"]]


def _texts(record: Mapping[str, Any]) -> list[str]:
    started = record.get("start") or {}
    epochs, reached = started.get("epochs"), started.get("reached")
    if record["status"] != "ok":
        return [started.get("arm", MISSING), str(epochs or MISSING), "failed", MISSING]
    if reached is None:
        return [started["arm"], str(epochs), "never", "0"]
    return [started["arm"], str(epochs), str(reached), str(epochs - reached)]


def epochs_saved(summary: Summary) -> list[str]:
    """Return a sentence for each shown cell; nothing in a study without that arm."""
    return [_sentence(cell) for cell in _with_hybrid(shown_cells(summary))]


def _sentence(cell: Cell) -> str:
    place = f"{photon_text(cell['dose'])} photons, {cell['view']}"
    record = arm_record(cell, HYBRID)
    if record["status"] != "ok":
        return f"{place}: {HYBRID} failed ({reason_of(record)})."
    started = record["start"]
    arm, epochs, reached = started["arm"], started["epochs"], started["reached"]
    if reached is None:
        return f"{place}: {HYBRID}, from {arm}, never reaches {PTYCHI}'s final loss."
    return (
        f"{place}: {HYBRID}, from {arm}, reaches {PTYCHI}'s final loss after {reached} of "
        f"{epochs} epochs."
    )
