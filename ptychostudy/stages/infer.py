"""Stage infer: one shard of a cell's groups through the networks; the stitched centre of every patch is kept."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy import io
from ptychostudy.core.groups import group_geometry
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
    """Write the patches of both networks and of the untrained control for one shard of groups.

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
        For each arm ``{arm}_patches`` (k, M, M) complex64 and ``{arm}_corners`` (k, 2) object pixels of their elements
        [0, 0]; status and statistics in the metadata.
    label : str
        Shown in progress lines.
    """
    source = io.open_scan(scan)
    found = io.read_npz(view, ["frames", "groups"])
    bundles = {"PtychoPINN": io.read_bundle(pinn), "Baseline": io.read_bundle(baseline)}
    bundles["Untrained"] = bundles["PtychoPINN"] | {"weights": None}
    arrays, records = {}, {}
    with io.Progress(f"infer {label} shard {shard}"):
        for arm, bundle in bundles.items():
            members = found["frames"][found["groups"]] if bundle["config"]["frames"] > 1 else found["frames"][:, None]
            members = members[: settings["debug_limit"]]
            patches, corners, records[arm] = _patches(bundle, source, members, shard=shard, settings=settings)
            arrays |= {f"{arm}_patches": patches, f"{arm}_corners": corners}
            _log.info("DIAGNOSTIC %s: %s", arm, records[arm]["diagnostic"])
    io.write_npz(output, arrays, {"shard": shard, "arms": records})


def _patches(bundle: Any, source: io.Scan, members: np.ndarray, *, shard: str, settings: Any) -> Any:
    """Stream the shard's groups through one network; return patches, corners and what became of them."""
    size, n = settings["window_px"], source.counts.shape[-1]
    number, shards = (int(part) for part in shard.split("-of-"))
    chosen = np.array_split(np.arange(len(members)), shards)[number - 1]
    geometry = group_geometry(source.positions, members, n)
    inset = (geometry.side - size) // 2
    patches = np.zeros((len(chosen), size, size), dtype=np.complex64)
    outcome = bundle["provenance"]["outcome"]
    if outcome["status"] != "ok" and bundle["weights"] is not None:
        record = {"status": "failed", "reason": f"training: {outcome['reason']}", "diagnostic": "not run"}
        return patches, geometry.corners[chosen] + inset, record
    scale, gauge = bundle["normalization"]["input_scale"], bundle["normalization"]["probe_gauge"]
    data = GroupData(source.counts, geometry.members, geometry.offsets, geometry.fractions, scale)
    model = network_from_config(bundle["config"], source.probe, geometry.side, bundle["weights"])
    for start in range(0, len(chosen), CHUNK):
        part = chosen[start : start + CHUNK]
        objects = predict(model, data, part, batch_size=settings["batch_size"])
        patches[start : start + CHUNK] = objects[:, inset : inset + size, inset : inset + size] / gauge
    return patches, geometry.corners[chosen] + inset, _judged(patches)


def _judged(patches: np.ndarray) -> dict[str, Any]:
    finite = np.isfinite(patches)
    magnitude = np.abs(np.where(finite, patches, 0)).astype(np.float64)
    text = f"mean={magnitude.mean():.6f}, max={magnitude.max():.6f}, nonzero_count={np.count_nonzero(magnitude)}/{magnitude.size}"
    if finite.all():
        return {"status": "ok", "reason": "", "diagnostic": text}
    return {
        "status": "failed",
        "reason": f"{int((~finite).sum())} values of the output are not finite",
        "diagnostic": text,
    }
