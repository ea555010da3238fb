"""Stage stitch: the patches of all shards of one cell -> one canvas per network."""

from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy import io
from ptychostudy.core.canvas import Canvas, PartialCanvas, judge, scan_rectangle, stitch_window
from ptychostudy.core.synchronize import synchronize_phases

ARMS = ("PtychoPINN", "Baseline", "Untrained")


def run(
    settings: dict[str, Any], *, shards: list[Path], scan: Path, pinn: Path, baseline: Path, untrained: Path
) -> None:
    """Write one canvas per arm; an all-zero, constant or failed arm is recorded as failed with its statistics.

    Parameters
    ----------
    settings : dict
        Section ``infer``.
    shards : list of Path
        All shards of the cell.
    scan : Path
        Frames, whose positions span the canvas.
    pinn, baseline, untrained : Path
        Outputs: ``reconstructed_object``, ``coverage``, ``origin``; status, reason and statistics in the metadata.
    """
    found = sorted(
        ((io.read_metadata(path), path) for path in shards), key=lambda item: int(item[0]["shard"].split("-")[0])
    )
    expected = [f"{k}-of-{len(shards)}" for k in range(1, len(shards) + 1)]
    if [record["shard"] for record, _ in found] != expected:
        raise io.DataError(f"{shards[0].parent}: shards {[r['shard'] for r, _ in found]} do not make one whole")
    place = io.read_npz(scan, ["ycoords", "xcoords"])
    positions = np.stack([place["ycoords"], place["xcoords"]], axis=1)
    for arm, path in zip(ARMS, (pinn, baseline, untrained), strict=True):
        parts = [io.read_npz(shard, [f"{arm}_patches", f"{arm}_corners"]) for _, shard in found]
        patches, corners = (np.concatenate([part[f"{arm}_{key}"] for part in parts]) for key in ("patches", "corners"))
        failed = [record["arms"][arm] for record, _ in found if record["arms"][arm]["status"] != "ok"]
        canvas = _stitched(patches if not failed else np.zeros_like(patches), corners, positions, settings)
        outcome = judge(canvas) | ({"status": "failed", "reason": failed[0]["reason"]} if failed else {})
        arrays = {"reconstructed_object": canvas.field, "coverage": canvas.coverage, "origin": np.array(canvas.origin)}
        io.write_npz(path, arrays, {"arm": arm, **outcome, "groups": len(patches)})


def _stitched(patches: np.ndarray, corners: np.ndarray, positions: np.ndarray, settings: dict[str, Any]) -> Canvas:
    """Bring the patches to a common phase where wanted, and add them up."""
    if settings["phase_sync"]:
        factors = np.exp(-1j * synchronize_phases(patches, corners))
        patches = (patches * factors[:, None, None]).astype(np.complex64)
    total = PartialCanvas(*scan_rectangle(positions, settings["window_px"] // 2 + 1))
    total.add(patches, corners, stitch_window(settings["window_px"], settings["window"]))
    return total.finish()
