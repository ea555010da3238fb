"""Stage stitch: add the shards of one cell up to the canvas of one arm."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.measure.outcome import judge
from ptychostudy.physics.canvas import Canvas, PartialCanvas


def run(
    *, arm: Literal["PtychoPINN", "Baseline", "Untrained"], shards: list[Path], output: Path
) -> None:
    """Write the canvas of an arm; an all-zero, constant or failed arm is recorded as failed with its statistics.

    Parameters
    ----------
    arm : str
        ``PtychoPINN``, ``Baseline`` or the control ``Untrained``, which is in PtychoPINN's shards.
    shards : list of Path
        All shards of the cell that hold the arm.
    output : Path
        ``reconstructed_object``, ``coverage``, ``origin``; status, reason and statistics in the metadata.

    Raises
    ------
    DataError
        If the shards do not make one whole, or hold other arms.
    """
    found = sorted(
        ((read_metadata(path), path) for path in shards),
        key=lambda item: int(item[0]["shard"].split("-")[0]),
    )
    expected = [f"{k}-of-{len(shards)}" for k in range(1, len(shards) + 1)]
    if not found or [record["shard"] for record, _ in found] != expected:
        where = shards[0].parent if shards else "--shards"
        raise DataError(f"{where}: shards {[r['shard'] for r, _ in found]} do not make one whole")
    sums = [read_npz(path, [f"{arm}_sums"])[f"{arm}_sums"] for _, path in found]
    total = PartialCanvas(found[0][0]["origin"], sums[0].shape[1:])
    for part in sums:
        total.merge(part)
    canvas, records = total.finish(), [record["arms"][arm] for record, _ in found]
    arrays = {
        "reconstructed_object": canvas.field,
        "coverage": canvas.coverage,
        "origin": np.array(canvas.origin),
    }
    write_npz(
        output,
        arrays,
        {"arm": arm, **_outcome(canvas, records), "groups": sum(r["groups"] for r in records)},
    )


def _outcome(canvas: Canvas, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the verdict on the canvas, or why a shard failed, or that every frame was dark; whatever the shards."""
    found = judge(canvas)
    for record in records:
        if record["status"] != "ok":
            statistics = found["statistics"] | record["statistics"]
            return {"status": "failed", "reason": record["reason"], "statistics": statistics}
    if not any(record["nonzero_inputs"] for record in records):
        return found | {"status": "failed", "reason": "no frame holds a photon"}
    return found
