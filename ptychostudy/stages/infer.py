"""Stage infer: one shard of a cell's groups through one network onto partial canvases."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.scan import Scan, open_scan
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.measure.outcome import Statistics
from ptychostudy.networks.backend import start as prepare
from ptychostudy.networks.batches import GroupData
from ptychostudy.networks.config import network_from_config
from ptychostudy.networks.inference import Predictor
from ptychostudy.physics.canvas import PartialCanvas, stitch_window
from ptychostudy.physics.windows import scan_rectangle
from ptychostudy.runs.work import Work
from ptychostudy.sampling.groups import group_geometry

if TYPE_CHECKING:
    from ptychostudy.study.sections.infer import PatchSettings

__all__ = ["prepare", "run"]
_log = logging.getLogger("ptychostudy")
CHUNK = 128


def run(
    settings: "PatchSettings",
    *,
    arm: Literal["PtychoPINN", "Baseline"],
    bundle: Path,
    scan: Path,
    view: Path,
    shard: str,
    output: Path,
    batch_size: int | None = None,
    label: str = "",
) -> None:
    """Write the partial canvas of one network for one shard of groups; PtychoPINN's brings its untrained control.

    Parameters
    ----------
    settings : PatchSettings
        Section ``infer``.
    arm : str
        ``PtychoPINN`` or ``Baseline``.
    bundle : Path
        The trained network.
    scan, view : Path
        Frames; frame indices and groups.
    shard : str
        ``k-of-n``.
    output : Path
        For each arm ``{arm}_sums`` (3, H, W) int64, see `PartialCanvas`; origin, status and statistics in the metadata.
    batch_size : int, optional
        Groups in one network call; that of the configuration, or 16. It changes memory and speed, and the result by no
        more than float32 rounding.
    label : str
        Shown in progress lines.

    Raises
    ------
    DataError
        If the bundle is another arm's, or was not trained on this dose.
    """
    batch_size = 16 if batch_size is None else batch_size
    if batch_size < 1:
        raise ValueError(f"--batch-size is {batch_size}; needed: at least 1")
    source = open_scan(scan)
    found = read_npz(view, ["frames", "groups"])
    bundles = _bundles(bundle, arm)
    origin, shape = scan_rectangle(source.positions, settings.window_px // 2 + 1)
    arrays, records = {}, {}
    with Work(f"infer {arm} {label} shard {shard}"):
        for name, network in bundles.items():
            members = (
                found["frames"][found["groups"]]
                if network["config"]["frames"] > 1
                else found["frames"][:, None]
            )
            members = members[: settings.debug_limit]
            canvas = PartialCanvas(origin, shape)
            records[name] = _fill(
                canvas,
                network,
                source,
                members,
                settings=settings,
                batch_size=batch_size,
                shard=shard,
            )
            arrays[f"{name}_sums"] = canvas.sums
            _log.info("DIAGNOSTIC %s: %s", name, records[name]["diagnostic"])
    write_npz(output, arrays, {"origin": origin, "shard": shard, "arms": records})


def _bundles(path: Path, arm: str) -> dict[str, Any]:
    """Return the networks of a job; the control has PtychoPINN's form, so it is computed with it."""
    bundle = read_bundle(path)
    found = bundle["config"].get("arm")
    if found != arm:
        raise DataError(f"{path}: config.json: 'arm' is {found!r}; needed: {arm!r}")
    return {arm: bundle} | ({"Untrained": _untrained(bundle)} if arm == "PtychoPINN" else {})


def _untrained(bundle: dict[str, Any]) -> dict[str, Any]:
    """Return the control: random weights that see the detector only; the back-projection is physics, not training."""
    options = bundle["config"]["options"] | {"blind": True}
    return bundle | {"weights": None, "config": bundle["config"] | {"options": options}}


def _fill(
    canvas: PartialCanvas,
    bundle: Any,
    source: Scan,
    members: np.ndarray,
    *,
    settings: "PatchSettings",
    batch_size: int,
    shard: str,
) -> dict[str, Any]:
    """Stream the shard's groups through one network onto the canvas; return what became of them."""
    number, shards = (int(part) for part in shard.split("-of-"))
    chosen = np.array_split(np.arange(len(members)), shards)[number - 1]
    outcome = bundle["provenance"]["outcome"]
    if outcome["status"] != "ok" and bundle["weights"] is not None:
        found = {
            "status": "failed",
            "reason": f"training: {outcome['reason']}",
            "diagnostic": "not run",
        }
        return found | {
            "groups": 0,
            "nonzero_inputs": 0,
            "statistics": outcome.get("statistics") or {},
        }
    geometry = group_geometry(source.positions, members, source.counts.shape[-1])
    scale, gauge = _normalization(bundle, source)
    data = GroupData(source.counts, geometry.members, geometry.offsets, geometry.fractions, scale)
    model = network_from_config(bundle["config"], source.probe, geometry.side, bundle["weights"])
    network, size = Predictor(model, data, batch_size), settings.window_px
    inputs, outputs = Statistics(), Statistics()
    inset = (geometry.side - size) // 2
    for start in range(0, len(chosen), CHUNK):
        part = chosen[start : start + CHUNK]
        inputs.add(source.counts[geometry.members[part].ravel()])
        objects = network(part)
        patches = objects[:, inset : inset + size, inset : inset + size] / gauge
        outputs.add(patches)
        if outputs.bad:
            break
        canvas.add(patches, geometry.corners[part] + inset, stitch_window(size, settings.window))
    # Only what no other shard can mend fails here: dark frames and a constant output are judged on the whole canvas.
    reason = f"{outputs.bad} values of the output are not finite" if outputs.bad else ""
    diagnostic = f"input photons {inputs.text()}; output {outputs.text()}"
    found = {"status": "failed" if reason else "ok", "reason": reason, "diagnostic": diagnostic}
    seen = {
        "not_finite": outputs.bad,
        "largest": outputs.largest,
        "nonzero": outputs.nonzero,
        "values": outputs.size,
    }
    return found | {
        "groups": len(chosen),
        "nonzero_inputs": inputs.nonzero,
        "statistics": seen if reason else {},
    }


def _normalization(bundle: Any, source: Scan) -> tuple[float, float]:
    """Return the input scale and the probe's gauge with which the network saw frames of this dose in training."""
    dose, known = str(round(source.photons_requested)), bundle["normalization"]
    if dose not in known:
        raise DataError(
            f"the network {bundle['config']['arm']} was trained on doses {', '.join(known)}, the frames have {dose}; "
            "needed: frames of a dose it was trained on"
        )
    return known[dose]["input_scale"], known[dose]["probe_gauge"]
