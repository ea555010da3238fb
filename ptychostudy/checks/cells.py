"""The cells (dose, view, split) of a study as the checks address them: names and records."""

from collections.abc import Iterable
from typing import Any

from ptychostudy.io.records import read_json
from ptychostudy.study import layout
from ptychostudy.study.hub import Hub

Cell = tuple[int, str, str]


def cell_path(cell: Cell) -> str:
    """Return the folder of a cell below a part of the study, by which messages call it, too."""
    dose, view, split = cell
    return layout.CELL.format(dose=dose, view=view, split=split)


def read_status(hub: Hub, cell: Cell, keys: Iterable[str] = ("arms",)) -> dict[str, Any]:
    """Read ``status.json`` of a cell, the record of its comparison."""
    status: dict[str, Any] = read_json(hub.analysis(*cell) / layout.STATUS, list(keys))
    return status
