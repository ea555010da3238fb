"""Infer: one shard of a cell's groups through one network onto a partial canvas."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.scan import Scan
from ptychostudy.io.atomic import DataError
from ptychostudy.measure.outcome import Statistics
from ptychostudy.networks.batches import GroupData
from ptychostudy.networks.config import network_from_config
from ptychostudy.networks.inference import Predictor
from ptychostudy.physics.canvas import PartialCanvas, stitch_window
from ptychostudy.physics.windows import scan_rectangle
from ptychostudy.sampling.groups import GroupGeometry, group_geometry

if TYPE_CHECKING:
    from ptychostudy.study.sections.infer import PatchSettings

CHUNK = 128
"""Groups whose patches stand in memory together."""


@dataclass(frozen=True)
class Shard:
    """One of the parts into which the groups of a cell are cut.

    Attributes
    ----------
    number, of : int
        Part k of n, from 1.
    """

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> "Shard":
        """Read ``k-of-n``."""
        number, of = (int(part) for part in text.split("-of-"))
        return cls(number, of)

    def choose(self, groups: int) -> np.ndarray:
        """Return the indices (k,) of its groups, neighbours in the order of the groups."""
        return np.array_split(np.arange(groups), self.of)[self.number - 1]


def untrained(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return the control of a bundle: random weights that see the detector only.

    The back-projection is physics, not training: the control does without.
    """
    config = dict(bundle["config"])
    config["options"] = {**config["options"], "blind": True}
    return {**bundle, "weights": None, "config": config}


def members_of(bundle: Mapping[str, Any], frames: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the frames (g, C) of each group as a network takes them: grouped, or one by one."""
    return frames[groups] if bundle["config"]["frames"] > 1 else frames[:, None]


def infer_shard(
    bundle: Mapping[str, Any],
    source: Scan,
    members: np.ndarray,
    shard: Shard,
    settings: "PatchSettings",
    batch_size: int,
) -> tuple[PartialCanvas, dict[str, Any]]:
    """Stream the groups of a shard through a network onto a canvas of the whole scan.

    Parameters
    ----------
    bundle : mapping
        A network, as `read_bundle` gives it.
    source : Scan
        Frames of the split.
    members : (g, C) int
        Frames of all groups of the cell.
    shard : Shard
    settings : PatchSettings
    batch_size : int
        Groups in one network call.

    Returns
    -------
    canvas : PartialCanvas
    record : dict
        What became of them: status, reason, statistics, and what the outcome of the whole canvas
        is judged by.

    Raises
    ------
    DataError
        If the network was not trained on this dose.
    """
    members = members[: settings.debug_limit]
    # Groups are centred among their frames: half a window beyond the scan holds every patch.
    origin, shape = scan_rectangle(source.positions, settings.window_px // 2 + 1)
    canvas = PartialCanvas(origin, shape)
    outcome = bundle["provenance"]["outcome"]
    if outcome["status"] != "ok" and bundle["weights"] is not None:
        return canvas, _not_run(outcome)
    geometry = group_geometry(source.positions, members, source.counts.shape[-1])
    chosen = shard.choose(len(members))
    inputs, outputs = _fill(canvas, bundle, source, geometry, chosen, settings, batch_size)
    return canvas, _record(len(chosen), inputs, outputs)


def _fill(
    canvas: PartialCanvas,
    bundle: Mapping[str, Any],
    source: Scan,
    geometry: GroupGeometry,
    chosen: np.ndarray,
    settings: "PatchSettings",
    batch_size: int,
) -> tuple[Statistics, Statistics]:
    """Add the patches of the chosen groups to the canvas; return statistics of input and output."""
    scale, gauge = _normalization(bundle, source)
    model = network_from_config(bundle["config"], source.probe, geometry.side, bundle["weights"])
    data = GroupData(source.counts, geometry.members, geometry.offsets, geometry.fractions, scale)
    network = Predictor(model, data, batch_size)
    size = settings.window_px
    window = stitch_window(size, settings.window)
    # Only the centre of a patch is stitched: its edge has seen little light.
    inset = (geometry.side - size) // 2
    centre = slice(inset, inset + size)
    inputs = Statistics()
    outputs = Statistics()
    for start in range(0, len(chosen), CHUNK):
        part = chosen[start : start + CHUNK]
        inputs.add(source.counts[geometry.members[part].ravel()])
        patches = network(part)[:, centre, centre] / gauge
        outputs.add(patches)
        # Sums of a canvas are integers: what is not finite must not be added.
        if outputs.bad:
            break
        canvas.add(patches, geometry.corners[part] + inset, window)
    return inputs, outputs


def _normalization(bundle: Mapping[str, Any], source: Scan) -> tuple[float, float]:
    """Return the input scale and the probe's gauge of training, for the dose of the frames."""
    dose = str(round(source.photons_requested))
    known = bundle["normalization"]
    if dose not in known:
        raise DataError(
            f"the network {bundle['config']['arm']} was trained on doses {', '.join(known)}, "
            f"the frames have {dose}; needed: frames of a dose it was trained on"
        )
    return known[dose]["input_scale"], known[dose]["probe_gauge"]


def _not_run(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a network whose training failed."""
    return {
        "status": "failed",
        "reason": f"training: {outcome['reason']}",
        "diagnostic": "not run",
        "groups": 0,
        "nonzero_inputs": 0,
        "statistics": outcome.get("statistics") or {},
    }


def _record(groups: int, inputs: Statistics, outputs: Statistics) -> dict[str, Any]:
    # Only what no other shard can mend fails here: dark frames and a constant output are judged on
    # the whole canvas.
    reason = f"{outputs.bad} values of the output are not finite" if outputs.bad else ""
    seen = {
        "not_finite": outputs.bad,
        "largest": outputs.largest,
        "nonzero": outputs.nonzero,
        "values": outputs.size,
    }
    return {
        "status": "failed" if reason else "ok",
        "reason": reason,
        "diagnostic": f"input photons {inputs.text()}; output {outputs.text()}",
        "groups": groups,
        "nonzero_inputs": inputs.nonzero,
        "statistics": seen if reason else {},
    }
