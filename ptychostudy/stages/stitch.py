"""Stage stitch: add the shards of one cell up to one canvas per network."""

from pathlib import Path

import numpy as np

from ptychostudy import io
from ptychostudy.core.canvas import PartialCanvas, judge

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
    found = sorted(
        ((io.read_metadata(path), path) for path in shards), key=lambda item: int(item[0]["shard"].split("-")[0])
    )
    expected = [f"{k}-of-{len(shards)}" for k in range(1, len(shards) + 1)]
    if [record["shard"] for record, _ in found] != expected:
        raise io.DataError(f"{shards[0].parent}: shards {[r['shard'] for r, _ in found]} do not make one whole")
    for arm, path in zip(ARMS, (pinn, baseline, untrained), strict=True):
        sums = [io.read_npz(shard, [f"{arm}_sums"])[f"{arm}_sums"] for _, shard in found]
        total = PartialCanvas(found[0][0]["origin"], sums[0].shape[1:])
        for part in sums:
            total.merge(part)
        canvas, records = total.finish(), [record["arms"][arm] for record, _ in found]
        failed = [record["reason"] for record in records if record["status"] != "ok"]
        outcome = judge(canvas) | ({"status": "failed", "reason": failed[0]} if failed else {})
        arrays = {"reconstructed_object": canvas.field, "coverage": canvas.coverage, "origin": np.array(canvas.origin)}
        io.write_npz(path, arrays, {"arm": arm, **outcome, "groups": sum(record["groups"] for record in records)})
