"""Stage stitch: add the shards of one cell up to one canvas per network."""

from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy import io
from ptychostudy.core.canvas import Canvas, PartialCanvas, judge

ARMS = ("PtychoPINN", "Baseline", "Untrained")


def run(*, shards: list[Path], pinn: Path, baseline: Path, untrained: Path) -> None:
    """Write one canvas per arm; an all-zero, constant or failed arm is recorded as failed with its statistics.

    Parameters
    ----------
    shards : list of Path
        All shards of the cell.
    pinn, baseline, untrained : Path
        Outputs: ``reconstructed_object``, ``coverage``, ``origin``; status, reason and statistics in the metadata.
    """
    records = [io.read_metadata(path) for path in shards]
    wanted = len(shards)
    numbers = sorted(int(record["shard"].split("-of-")[0]) for record in records)
    if numbers != list(range(1, wanted + 1)) or any(not r["shard"].endswith(f"-of-{wanted}") for r in records):
        raise io.DataError(f"{shards[0].parent}: shards {[r['shard'] for r in records]} do not make one whole")
    for arm, path in zip(ARMS, (pinn, baseline, untrained), strict=True):
        total = None
        for shard, record in zip(shards, records, strict=True):
            sums = io.read_npz(shard, [f"{arm}_sums"])[f"{arm}_sums"]
            total = total or PartialCanvas(record["origin"], sums.shape[1:])
            total.merge(sums)
        write_product(path, total.finish(), {"arm": arm, **_judge([record["arms"][arm] for record in records], total)})


def _judge(parts: list[dict[str, Any]], total: PartialCanvas) -> dict[str, Any]:
    canvas = total.finish()
    failed = [part["reason"] for part in parts if part["status"] != "ok"]
    outcome = judge(canvas)
    if failed:
        outcome = {**outcome, "status": "failed", "reason": failed[0]}
    return {**outcome, "groups": sum(part["groups"] for part in parts)}


def write_product(path: Path, canvas: Canvas, record: dict[str, Any]) -> None:
    """Write the one product in which all branches meet: a complex object with origin and coverage."""
    arrays = {
        "reconstructed_object": canvas.field,
        "coverage": canvas.coverage,
        "origin": np.array(canvas.origin, dtype=np.int64),
    }
    io.write_npz(path, arrays, record)
