"""Infer: one shard of a cell's groups through one network onto a partial canvas."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
from ptychostudy.recipes.detector import mask_of, trained_behind
from ptychostudy.recipes.normalization import Normalization, dose_key, normalization_of
from ptychostudy.recipes.shard import Shard
from ptychostudy.recipes.window import StitchWindow
from ptychostudy.sampling.groups import GroupGeometry, group_geometry
from ptychostudy.study.names import PINN, UNTRAINED

if TYPE_CHECKING:
    from ptychostudy.study.sections.infer import PatchSettings

CHUNK = 128
"""Groups whose patches stand in memory together."""


def untrained(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return the control of a bundle: random weights that see the detector only.

    The back-projection is physics, not training: the control does without.
    """
    config = dict(bundle["config"])
    config["options"] = {**config["options"], "blind": True}
    return {**bundle, "weights": None, "config": config}


def with_control(arm: str, bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the networks of a shard; the control has PtychoPINN's form and goes with it."""
    if arm != PINN:
        return {arm: bundle}
    return {arm: bundle, UNTRAINED: untrained(bundle)}


def members_of(bundle: Mapping[str, Any], frames: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the frames (g, C) of each group as a network takes them: grouped, or one by one."""
    # A network of single frames sees each frame of the view once, whatever its groups are.
    return frames[groups] if bundle["config"]["frames"] > 1 else frames[:, None]


@dataclass(frozen=True)
class Centre:
    """The part of a patch that is stitched; its edge has seen little light.

    Attributes
    ----------
    inset : int
        Pixels of the patch before it, on each axis.
    weights : (M, M) float
        Weight of each of its pixels.
    """

    inset: int
    weights: np.ndarray

    @classmethod
    def of(cls, side: int, window: StitchWindow) -> "Centre":
        """Return the centre of patches of a side."""
        size = window.side_px
        return cls((side - size) // 2, stitch_window(size, window.kind))

    def cut(self, patches: np.ndarray) -> np.ndarray:
        """Return the centres (k, M, M) of patches (k, P, P)."""
        along = slice(self.inset, self.inset + len(self.weights))
        return patches[:, along, along]


@dataclass(frozen=True)
class Patches:
    """Patches of the object, of some groups at a time.

    Attributes
    ----------
    data : GroupData
        Frames of the split.
    geometry : GroupGeometry
        All groups of the cell.
    network : Predictor
    centre : Centre
    probe_gauge : float
        What the network's objects are divided by, see `Normalization`.
    """

    data: GroupData
    geometry: GroupGeometry
    network: Predictor
    centre: Centre
    probe_gauge: float

    def photons(self, groups: np.ndarray) -> np.ndarray:
        """Return what the valid pixels count of the frames of groups (k,), k C of them."""
        frames = self.data.counts[self.data.members[groups].ravel()]
        return frames if self.data.valid is None else frames[:, self.data.valid]

    def of(self, groups: np.ndarray) -> np.ndarray:
        """Return the stitched centres (k, M, M) of groups (k,)."""
        centres: np.ndarray = self.centre.cut(self.network(groups)) / self.probe_gauge
        return centres

    def corners(self, groups: np.ndarray) -> np.ndarray:
        """Return the first pixel (k, 2) of each stitched centre in the object."""
        corners: np.ndarray = self.geometry.corners[groups] + self.centre.inset
        return corners


@dataclass(frozen=True)
class Passed:
    """What has gone through a network: its frames, and the centres of its patches."""

    inputs: Statistics = field(default_factory=Statistics)
    outputs: Statistics = field(default_factory=Statistics)


def infer_shard(
    bundle: Mapping[str, Any],
    source: Scan,
    members: np.ndarray,
    shard: Shard,
    settings: "PatchSettings",
    *,
    window: StitchWindow,
    batch_size: int,
) -> tuple[PartialCanvas, dict[str, Any]]:
    """Stream the groups of a shard through a network onto a canvas of the whole scan.

    Parameters
    ----------
    bundle : mapping
        A network, as `read_bundle` gives it.
    source : Scan
        Frames of the split, behind their own mask, whatever that of the training was.
    members : (g, C) int
        Frames of all groups of the cell.
    shard : Shard
    settings : PatchSettings
    window : StitchWindow
        What is stitched of each patch.
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
    canvas = _blank(source.positions, window)
    outcome = bundle["provenance"]["outcome"]
    # The control has no training that could have failed.
    if outcome["status"] != "ok" and bundle["weights"] is not None:
        return canvas, _not_run(outcome)
    # Before the shards are cut: a limit of a cell, not of each of its shards.
    members = members[: settings.debug_limit]
    chosen = shard.choose(len(members))
    patches = _patches(bundle, source, members, window, batch_size)
    passed = _fill(canvas, patches, chosen)
    return canvas, _record(len(chosen), passed)


def _blank(positions: np.ndarray, window: StitchWindow) -> PartialCanvas:
    """Return a canvas of the whole scan: shards must lie on the same one to be added."""
    # Groups are centred among their frames: half a window beyond the scan holds every patch.
    origin, shape = scan_rectangle(positions, window.side_px // 2 + 1)
    return PartialCanvas(origin, shape)


def _normalization(bundle: Mapping[str, Any], source: Scan) -> Normalization:
    """Return what the network was trained with at the dose of the frames.

    Frames behind another mask than those of the training are normalised by themselves.
    """
    dose = dose_key(source)
    learned = bundle["normalization"]
    if dose not in learned:
        raise DataError(
            f"the network {bundle['config']['arm']} was trained on doses {', '.join(learned)}, "
            f"the frames have {dose}; needed: frames of a dose it was trained on"
        )
    # Doses are photons of valid pixels: behind another mask the same dose is another light.
    if not trained_behind(bundle["config"], source):
        return normalization_of(source)
    return Normalization(learned[dose]["input_scale"], learned[dose]["probe_gauge"])


def _patches(
    bundle: Mapping[str, Any],
    source: Scan,
    members: np.ndarray,
    window: StitchWindow,
    batch_size: int,
) -> Patches:
    """Return what a network makes of the groups (g, C) of a cell."""
    learned = _normalization(bundle, source)
    mask = mask_of(source)
    geometry = group_geometry(source.positions, members, source.counts.shape[-1])
    data = GroupData(
        source.counts,
        geometry.members,
        geometry.offsets,
        geometry.fractions,
        learned.input_scale,
        valid=mask,
    )
    model = network_from_config(
        bundle["config"], source.probe, geometry.side, bundle["weights"], mask=mask
    )
    network = Predictor(model, data, batch_size)
    centre = Centre.of(geometry.side, window)
    return Patches(data, geometry, network, centre, learned.probe_gauge)


def _fill(canvas: PartialCanvas, patches: Patches, chosen: np.ndarray) -> Passed:
    """Add the patches of groups (k,) to the canvas; return what has passed."""
    passed = Passed()
    for groups in _chunks(chosen):
        passed.inputs.add(patches.photons(groups))
        centres = patches.of(groups)
        passed.outputs.add(centres)
        # Sums of a canvas are integers: what is not finite must not be added.
        if passed.outputs.bad:
            break
        canvas.add(centres, patches.corners(groups), patches.centre.weights)
    return passed


def _chunks(chosen: np.ndarray) -> Iterator[np.ndarray]:
    """Yield groups (k,) by as many as stand in memory together."""
    for start in range(0, len(chosen), CHUNK):
        yield chosen[start : start + CHUNK]


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


def _record(groups: int, passed: Passed) -> dict[str, Any]:
    """Return the record of a shard that ran."""
    inputs = passed.inputs
    outputs = passed.outputs
    # Only what no other shard can mend fails here: dark frames and a constant output are judged on
    # the whole canvas.
    reason = f"{outputs.bad} values of the output are not finite" if outputs.bad else ""
    return {
        "status": "failed" if reason else "ok",
        "reason": reason,
        "diagnostic": f"input photons {inputs.text()}; output {outputs.text()}",
        "groups": groups,
        "nonzero_inputs": inputs.nonzero,
        "statistics": _seen(outputs) if reason else {},
    }


def _seen(outputs: Statistics) -> dict[str, float]:
    """Return the numbers of an output that is not finite."""
    return {
        "not_finite": outputs.bad,
        "largest": outputs.largest,
        "nonzero": outputs.nonzero,
        "values": outputs.size,
    }
