"""Check of the arms of other programs: they are those of the files that the study names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ptychostudy.checks.cells import Cell, cell_path, read_status
from ptychostudy.io.arrays import read_metadata
from ptychostudy.io.atomic import sha256_of
from ptychostudy.study import layout
from ptychostudy.study.arm_names import foreign
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import CELL

_TOLD = ("source", "placed")
"""What of a product's record stands in that of its comparison, too."""


def sources(hub: Hub) -> list[str]:
    """Compare every adopted product with the file it is of, and with what the cell says of it."""
    problems = []
    for cell in hub.cells():
        recorded = read_status(hub, cell)["arms"]
        for name in foreign(hub.settings.arms.extra):
            found = _problems_of(hub, cell, name, recorded.get(name))
            problems += [f"{cell_path(cell)}: {name} {problem}" for problem in found]
    return problems


def _problems_of(hub: Hub, cell: Cell, name: str, recorded: Mapping[str, Any] | None) -> list[str]:
    place: dict[str, int | str] = dict(zip(CELL, cell, strict=True))
    if recorded is None:
        return ["is missing from status.json"]
    product = read_metadata(hub.path(layout.FOREIGN, **place, foreign=name), ["status", "source"])
    problems = _of_source(hub, name, product["source"], place)
    for key in _TOLD:
        if product.get(key) != recorded.get(key):
            problems.append(f"{key} is {recorded.get(key)} in status.json, was {product.get(key)}")
    # A comparison fails what covers too little; it makes nothing good again.
    if product["status"] != "ok" and recorded["status"] == "ok":
        problems.append(f"failed ({product.get('reason')}), but is ok in status.json")
    return problems


def _of_source(
    hub: Hub, name: str, source: Mapping[str, Any], place: Mapping[str, int | str]
) -> list[str]:
    named = hub.settings.arms.files(**place, seed=hub.settings.seeds[0])[name]
    if Path(source["file"]) != Path(named):
        return [f"is of {source['file']}, arms.extra names {named}"]
    file = hub.study / named
    if not file.is_file():
        return [f"is of {named}, which is not there any more"]
    if sha256_of(file) != source["sha256"]:
        return [f"is of {named}, which has changed since"]
    return []
