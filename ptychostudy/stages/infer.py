"""Stage infer: one shard of a cell's groups through the networks onto partial canvases."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy import io
from ptychostudy.core.canvas import PartialCanvas, scan_rectangle, stitch_window
from ptychostudy.core.groups import GroupGeometry, group_geometry
from ptychostudy.networks.backend import start as prepare
from ptychostudy.networks.bundle import network_from_config
from ptychostudy.networks.training import GroupData, predict

__all__ = ["prepare", "run"]
_log = logging.getLogger("ptychostudy")
CHUNK = 128


def run(
    settings: dict[str, Any],
    *,
    pinn: Path,
    baseline: Path,
    scan: Path,
    view: Path,
    shard: str,
    output: Path,
    label: str = "",
) -> None:
    """Write the partial canvases of both networks and of the untrained control for one shard of groups.

    Parameters
    ----------
    settings : dict
        Section ``infer``.
    pinn, baseline : Path
        Bundles.
    scan, view : Path
        Frames; frame indices and groups.
    shard : str
        ``k-of-n``.
    output : Path
        ``shard_{k-of-n}.npz``: for each arm ``{arm}_sums`` (3, H, W) int64; origin and statistics in the metadata.
    label : str
        Shown in progress lines.
    """
    source = io.open_scan(scan)
    found = io.read_npz(view, ["frames", "groups"])
    bundles = {"PtychoPINN": io.read_bundle(pinn), "Baseline": io.read_bundle(baseline)}
    bundles["Untrained"] = bundles["PtychoPINN"] | {"weights": None}
    grouped, single = found["frames"][found["groups"]], found["frames"][:, None]
    margin = settings["window_px"] // 2 + 1
    origin, shape = scan_rectangle(source.positions, margin)
    arrays, records = {}, {}
    with io.Progress(f"infer {label} shard {shard}"):
        for arm, bundle in bundles.items():
            members = grouped if bundle["config"]["frames"] > 1 else single
            members = members[: settings["debug_limit"]]
            geometry = group_geometry(source.positions, members, source.counts.shape[-1])
            canvas = PartialCanvas(origin, shape)
            records[arm] = _shard(arm, bundle, source, geometry, shard, settings, canvas)
            arrays[f"{arm}_sums"] = canvas.sums
    io.write_npz(output, arrays, {"origin": canvas.origin, "shard": shard, "arms": records})


def _shard(
    arm: str, bundle: Any, source: io.Scan, geometry: GroupGeometry, shard: str, settings: Any, canvas: PartialCanvas
) -> Any:
    """Stream the shard's groups through one network; return its status and statistics."""
    outcome = bundle["provenance"]["outcome"]
    number, shards = (int(part) for part in shard.split("-of-"))
    chosen = np.array_split(np.arange(len(geometry.members)), shards)[number - 1]
    if outcome["status"] != "ok" and bundle["weights"] is not None:
        return {"status": "failed", "reason": f"training: {outcome['reason']}", "groups": len(chosen), "statistics": {}}
    scale, gauge = bundle["normalization"]["input_scale"], bundle["normalization"]["probe_gauge"]
    data = GroupData(source.counts, geometry.members, geometry.offsets, geometry.fractions, scale)
    model = network_from_config(bundle["config"], source.probe, geometry.side, bundle["weights"])
    size = settings["window_px"]
    inset = (geometry.side - size) // 2
    window = stitch_window(size, settings["window"])
    total = {"mean": 0.0, "square": 0.0, "max": 0.0, "nonzero_count": 0, "size": 0}
    for start in range(0, len(chosen), CHUNK):
        part = chosen[start : start + CHUNK]
        objects = predict(model, data, part, batch_size=settings["batch_size"])
        patches = objects[:, inset : inset + size, inset : inset + size] / gauge
        finite = bool(np.all(np.isfinite(patches)))
        _add(total, np.nan_to_num(patches))
        if not finite:
            return {"status": "failed", "reason": "non-finite output", "groups": len(chosen), "statistics": total}
        canvas.add(patches, geometry.corners[part] + inset, window)
    _log.info("DIAGNOSTIC %s groups %d-%d: %s", arm, chosen[0], chosen[-1], _text(total))
    return {"status": "ok", "reason": "", "groups": len(chosen), "statistics": total}


def _add(total: dict[str, Any], patches: np.ndarray) -> None:
    magnitude = np.abs(patches).astype(np.float64)
    total["mean"] += float(patches.astype(np.complex128).sum().real)
    total["square"] += float((magnitude**2).sum())
    total["max"] = max(total["max"], float(magnitude.max(initial=0.0)))
    total["nonzero_count"] += int(np.count_nonzero(magnitude))
    total["size"] += int(magnitude.size)


def _text(total: dict[str, Any]) -> str:
    size = max(total["size"], 1)
    return f"mean={total['mean'] / size:.6f}, max={total['max']:.6f}, nonzero_count={total['nonzero_count']}/{size}"
