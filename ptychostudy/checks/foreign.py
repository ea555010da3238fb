"""Check of the arms of other programs: they are those of the files that the study names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.checks.cells import Cell, cell_path, read_status
from ptychostudy.checks.differences import close
from ptychostudy.formats.arm_product import ORIGIN, ArmProduct, read_arm_product
from ptychostudy.io.arrays import read_npz
from ptychostudy.io.atomic import sha256_of
from ptychostudy.physics.rectangle import cut
from ptychostudy.study import layout
from ptychostudy.study.arm_names import foreign
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import CELL

_MASK = "mask"
_TOLD = ("source", "placed")
"""What of a product's record stands in that of its comparison, too."""


def sources(hub: Hub) -> list[str]:
    """Compare every adopted product with the file it is of, and with what the cell has of it."""
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
    product = read_arm_product(hub.path(layout.FOREIGN, **place, foreign=name))
    problems = _of_source(hub, name, product.record["source"], place)
    for key in _TOLD:
        told, known = recorded.get(key), product.record.get(key)
        if told != known:
            problems.append(f"{key} is {told} in status.json, {known} in its own record")
    fields = read_npz(hub.analysis(*cell) / layout.FIELDS, [name, _MASK, ORIGIN])
    return problems + _of_comparison(product, recorded, fields[name], fields)


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


def _of_comparison(
    product: ArmProduct,
    recorded: Mapping[str, Any],
    field: np.ndarray,
    place: Mapping[str, np.ndarray],
) -> list[str]:
    """Compare what a comparison scored with what was adopted."""
    mask = place[_MASK]
    row, col = place[ORIGIN].tolist()
    rows, cols = mask.shape
    problems = []
    if not np.array_equal(cut(product.field, product.origin, (row, col), (rows, cols)), field):
        problems.append("is another field in the comparison than the adopted one")
    # A comparison fails what covers too little; it makes nothing good again.
    if not product.good:
        good = recorded["status"] == "ok"
        return (
            [*problems, f"failed ({product.record.get('reason')}), is ok here"]
            if good
            else problems
        )
    covered = cut(product.coverage, product.origin, (row, col), (rows, cols)) > 0
    share = float(np.sum(mask & covered) / max(mask.sum(), 1))
    if not close(recorded.get("covered", -1.0), share):
        problems.append(f"covers {recorded.get('covered')} by status.json, recomputed {share}")
    return problems
