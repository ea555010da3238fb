"""Stitch: add the shards of a cell up to one canvas, and judge it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ptychostudy.measure.outcome import judge
from ptychostudy.physics.canvas import Canvas, PartialCanvas


@dataclass(frozen=True)
class ShardSums:
    """What one shard put onto the canvas of an arm.

    Attributes
    ----------
    origin : (int, int)
        Row and column of the canvas's first pixel in the object.
    sums : (3, H, W) int64
        As of `PartialCanvas`.
    record : mapping
        ``status``, ``reason``, ``statistics``, ``groups`` and ``nonzero_inputs`` of the shard.
    """

    origin: tuple[int, int]
    sums: np.ndarray
    record: Mapping[str, Any]


def stitch(shards: Sequence[ShardSums]) -> tuple[Canvas, dict[str, Any]]:
    """Add all shards of a cell up.

    Parameters
    ----------
    shards : sequence of ShardSums
        All of the cell, on one canvas.

    Returns
    -------
    canvas : Canvas
    record : dict
        Status, reason, statistics and number of groups, whatever the shards were.
    """
    first = shards[0]
    total = PartialCanvas(first.origin, first.sums.shape[1:])
    # Integers: any number of shards, in any order, adds up to the same bits.
    for shard in shards:
        total.merge(shard.sums)
    canvas = total.finish()
    records = [shard.record for shard in shards]
    groups = sum(record["groups"] for record in records)
    # All shards of a cell were stitched in one way, which is only told where its scan chose it.
    chosen = {key: records[0][key] for key in ("stitching",) if key in records[0]}
    return canvas, {**_outcome(canvas, records), "groups": groups, **chosen}


def _outcome(canvas: Canvas, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the verdict on the canvas, or why a shard failed, or that every frame was dark."""
    outcome = judge(canvas)
    for record in records:
        if record["status"] != "ok":
            return _failed_with(record, outcome)
    # A network makes something of dark frames, too; that is no reconstruction. A few of them may
    # fill one shard of many, so only all shards together say that nothing was seen.
    if not any(record["nonzero_inputs"] for record in records):
        outcome.update(status="failed", reason="no frame holds a photon")
    return outcome


def _failed_with(record: Mapping[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of a canvas of which a shard failed: its reason, the numbers of both."""
    return {
        "status": "failed",
        "reason": record["reason"],
        "statistics": {**outcome["statistics"], **record["statistics"]},
    }
