"""Stage train: one network, resumed from its last epoch where an earlier run was cut off."""

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ptychostudy import io, provenance
from ptychostudy.core.counts import input_scale, mean_counts
from ptychostudy.core.groups import group_geometry
from ptychostudy.core.propagate import split_positions
from ptychostudy.networks.backend import start as prepare
from ptychostudy.networks.batches import GroupData, spatial_split
from ptychostudy.networks.bundle import network_config, network_from_config
from ptychostudy.networks.inference import get_weights
from ptychostudy.networks.training import TrainResult, train

__all__ = ["prepare", "run"]
HISTORY = ["epoch", "loss", "val_loss", "floor", "val_floor", "learning_rate"]


def run(
    settings: dict[str, Any],
    *,
    arm: Literal["PtychoPINN", "Baseline"],
    scan: Path,
    bundle: Path,
    history: Path,
    record: Path,
    view: Path | None = None,
    label: str = "",
) -> None:
    """Train one network; a collapsed or non-finite training is recorded as failed, not raised.

    Parameters
    ----------
    settings : dict
        Section ``train.pinn`` or ``train.baseline``.
    arm : str
        ``PtychoPINN`` or ``Baseline``.
    scan : Path
        ``patched_train.npz``.
    bundle, history, record : Path
        Outputs ``wts.h5.zip``, ``history.csv``, ``training.json``.
    view : Path, optional
        Groups of a view; without it every frame is a group of its own.
    label : str
        Shown in progress lines.
    """
    source = io.open_scan(scan)
    n = source.counts.shape[-1]
    groups = np.arange(len(source.counts))[:, None] if view is None else _groups(view)
    kind = settings.get("kind", "pinn")
    config = network_config(settings, arm=arm, kind=kind, n=n, frames=groups.shape[1])
    scale = input_scale(mean_counts(source.counts), n)
    gauge = float(np.linalg.norm(source.probe)) * scale / (n / 2)
    geometry = group_geometry(source.positions, groups, n)
    truth = (
        {} if kind == "pinn" else {"truth": source.truth * gauge, "corners": split_positions(source.positions, n)[0]}
    )
    data = GroupData(source.counts, groups, geometry.offsets, geometry.fractions, scale, **truth)
    model = network_from_config(config, source.probe, geometry.side)
    parts = spatial_split(groups, source.positions, settings["validation_fraction"])
    state = _State(
        bundle.with_name("training_state.npz"), {"settings": settings, "scan": io.sha256_of(scan), "arm": arm}
    )
    with io.Progress(f"train {arm} {label}".rstrip()) as progress:
        result = train(
            model,
            data,
            *parts,
            epochs=settings["epochs"],
            batch_size=settings["batch_size"],
            learning_rate=settings["learning_rate"],
            seed=settings["seed"],
            patience=settings["patience"],
            loss=settings.get("loss", "poisson"),
            support=np.abs(source.probe) ** 2,
            on_epoch=lambda row: progress.step(row["epoch"], settings["epochs"], row["loss"]),
            initial_state=state.read(),
            save_state=state.write,
        )
    io.write_csv(history, HISTORY, result.history)
    normalization = {"input_scale": scale, "probe_gauge": gauge}
    _write(bundle, record, model, config=config, probe=source.probe, normalization=normalization, result=result)
    state.path.unlink(missing_ok=True)


def _groups(view: Path) -> np.ndarray:
    found = io.read_npz(view, ["frames", "groups"])
    return found["frames"][found["groups"]]


def _write(
    bundle: Path, record: Path, model: Any, *, config: Any, probe: Any, normalization: Any, result: TrainResult
) -> None:
    outcome = {"status": result.status, "reason": result.reason, "statistics": result.statistics}
    made_by = {"versions": provenance.versions(), "threads": provenance.threads(), "outcome": outcome}
    weights = get_weights(model)
    io.write_bundle(
        bundle, weights=weights, probe=probe, config=config, normalization=normalization, provenance=made_by
    )
    io.write_json(
        record,
        {
            **outcome,
            "epochs_completed": len(result.history),
            "best_epoch": result.best_epoch,
            "micro_batch": result.micro_batch,
            "parameters": int(sum(np.size(value) for value in weights.values())),
            "bundle_path": bundle.name,
            "bundle_sha256": io.sha256_of(bundle),
            "bundle_size_bytes": bundle.stat().st_size,
            "config": config,
        },
    )


class _State:
    """The state after the last finished epoch, valid only for the same settings, data and code."""

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self.path = path
        text = json.dumps({**identity, "code": provenance.code_digest(__name__)}, sort_keys=True)
        self.identity = hashlib.sha256(text.encode()).hexdigest()

    def write(self, state: dict[str, Any]) -> None:
        arrays = {key: value for key, value in state.items() if isinstance(value, np.ndarray)}
        plain = {key: value for key, value in state.items() if key not in arrays}
        io.write_npz(self.path, arrays, {"identity": self.identity, "plain": plain})

    def read(self) -> dict[str, Any] | None:
        if not self.path.is_file():
            return None
        try:
            metadata = io.read_metadata(self.path)
            return {**io.read_npz(self.path), **metadata["plain"]} if metadata["identity"] == self.identity else None
        except io.DataError:
            return None  # a damaged state costs a fresh start, never a wrong one
