"""The cells (dose, view, split) of a study as the checks address them: names and records."""

from collections.abc import Iterable
from typing import Any

from ptychostudy.io.records import read_json
from ptychostudy.study.layout import Hub

Cell = tuple[int, str, str]


def cell_path(cell: Cell) -> str:
    """Return the folder of a cell below a part of the study, by which messages call it, too."""
    dose, view, split = cell
    return f"dose_{dose}/{view}/{split}"


def read_status(hub: Hub, cell: Cell, keys: Iterable[str] = ("arms",)) -> dict[str, Any]:
    """Read ``status.json`` of a cell, the record of its comparison."""
    status: dict[str, Any] = read_json(hub.analysis(*cell) / "status.json", list(keys))
    return status
