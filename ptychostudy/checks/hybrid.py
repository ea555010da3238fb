"""Check of Hybrid: it starts from the canvas that is there, and saves the epochs it is said to."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptychostudy.checks.cells import Cell, cell_path, read_status
from ptychostudy.io.arrays import read_metadata, read_npz
from ptychostudy.io.atomic import sha256_of
from ptychostudy.io.records import read_json
from ptychostudy.measure.epochs import first_at_or_below
from ptychostudy.study import layout
from ptychostudy.study.arm_names import HYBRID
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import CELL


def starts(hub: Hub) -> list[str]:
    """Compare every Hybrid with its manifest, the canvas it is of, and PtyChi's loss."""
    problems = []
    for cell in hub.cells():
        problems += [f"{cell_path(cell)}: {HYBRID} {problem}" for problem in _problems(hub, cell)]
    return problems


def _problems(hub: Hub, cell: Cell) -> list[str]:
    place: dict[str, int | str] = dict(zip(CELL, cell, strict=True))
    product = hub.path(layout.HYBRID, **place)
    record = read_metadata(product, ["start", "status"])
    started = record["start"]
    problems = []
    if read_json(hub.path(layout.HYBRID_RECORD, **place), ["sha256"])["sha256"] != sha256_of(
        product
    ):
        problems.append("is not the product that its record names")
    told = read_status(hub, cell)["arms"].get(HYBRID, {})
    if told.get("start") != started:
        problems.append(f"start is {told.get('start')} in status.json, {started} in its own record")
    return [*problems, *_of_canvas(hub, place, started), *_of_loss(hub, place, record)]


def _of_canvas(hub: Hub, place: Mapping[str, Any], started: Mapping[str, Any]) -> list[str]:
    wanted = hub.settings.start
    if started["arm"] != wanted:
        return [f"starts from {started['arm']}, reconstruct.start names {wanted}"]
    if sha256_of(hub.path(layout.CANVAS, **place, arm=wanted)) != started["sha256"]:
        return [f"starts from another canvas of {wanted} than the one that is there"]
    return []


def _of_loss(hub: Hub, place: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    """Compare the epochs that are saved with the losses of both solvers."""
    rival = hub.path(layout.PRODUCT, **place)
    ended = read_metadata(rival, ["status"])["status"] == "ok"
    target = float(read_npz(rival, ["loss"])["loss"][-1]) if ended else None
    good = record["status"] == "ok"
    loss = read_npz(hub.path(layout.HYBRID, **place), ["loss"])["loss"] if good else np.empty(0)
    found = {"loss_to_reach": target, "reached": first_at_or_below(loss, target)}
    return [
        f"{key} is {record['start'][key]}, recomputed {value}"
        for key, value in found.items()
        if record["start"][key] != value
    ]
