"""Stage train: one network, resumed from its last epoch where an earlier run was cut off."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ptychostudy import provenance
from ptychostudy.formats.bundle import write_bundle
from ptychostudy.formats.scan import Scan, open_scan
from ptychostudy.io.arrays import read_metadata, read_npz
from ptychostudy.io.atomic import DataError, sha256_of
from ptychostudy.io.records import write_json
from ptychostudy.io.tables import write_csv
from ptychostudy.networks.backend import start as prepare
from ptychostudy.networks.batches import GroupData, Labels, Pool, spatial_split
from ptychostudy.networks.checkpoint import State
from ptychostudy.networks.config import network_config, network_from_config
from ptychostudy.networks.training import TrainResult, train
from ptychostudy.networks.weights import get_weights
from ptychostudy.physics.counts import input_scale, mean_counts
from ptychostudy.physics.windows import split_positions
from ptychostudy.runs.work import Work
from ptychostudy.sampling.groups import group_geometry
from ptychostudy.study.names import HISTORY_COLUMNS

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import BaselineSettings, PinnSettings

__all__ = ["prepare", "run"]


def run(
    settings: "PinnSettings | BaselineSettings",
    *,
    arm: Literal["PtychoPINN", "Baseline"],
    scan: list[Path],
    bundle: Path,
    history: Path,
    record: Path,
    view: Path | None = None,
    labels: list[Path] = [],  # noqa: B006 - read, never changed; the command line needs the type list
    label: str = "",
) -> None:
    """Train one network; a collapsed or non-finite training is recorded as failed, not raised.

    Parameters
    ----------
    settings : PinnSettings or BaselineSettings
        Section ``train.pinn`` or ``train.baseline``.
    arm : str
        ``PtychoPINN`` or ``Baseline``.
    scan : list of Path
        ``patched_train.npz`` of one dose, or of several that one network learns together; the frames of each dose are
        normalised by their own mean.
    bundle, history, record : Path
        Outputs ``wts.h5.zip``, ``history.csv``, ``training.json``.
    view : Path, optional
        Groups of a view; without it every frame is a group of its own.
    labels : list of Path
        ``ptychi_reconstruction.npz`` of each scan, where the setting ``labels`` is ``reconstruction``.
    label : str
        Shown in progress lines.
    """
    sources = _same_scan(scan)
    source, n = sources[0], sources[0].counts.shape[-1]
    groups = np.arange(len(source.counts))[:, None] if view is None else _groups(view)
    kind = getattr(settings, "kind", "pinn")
    config = network_config(settings.plain(), arm=arm, kind=kind, n=n, frames=groups.shape[1])
    normalization = {str(round(one.photons_requested)): _normalization(one) for one in sources}
    learned = (
        _labels(settings, sources, list(normalization.values()), labels)
        if kind == "supervised"
        else None
    )
    if learned is not None and learned.covered is not None:
        groups = groups[_known(learned, groups[:, 0], np.abs(source.probe) ** 2)]
    parts = spatial_split(groups, source.positions, settings.validation_fraction)
    parts = [
        np.concatenate([part + k * len(groups) for k in range(len(sources))]) for part in parts
    ]
    side, data = _joined(sources, groups, normalization, learned)
    model = network_from_config(config, source.probe, side)
    inputs = {
        "settings": settings.plain(),
        "scan": [sha256_of(path) for path in (*scan, *labels)],
        "arm": arm,
        "code": provenance.code_digest(__name__),
    }
    state = State(bundle.with_name("training_state.npz"), inputs)
    with Work(f"train {arm} {label}".rstrip()) as progress:
        result = train(
            model,
            data,
            *parts,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            seed=settings.seed,
            patience=settings.patience,
            loss=getattr(settings, "loss", "poisson"),
            support=np.abs(source.probe) ** 2,
            on_epoch=lambda row: progress.step(row["epoch"], settings.epochs, row["loss"]),
            initial_state=state.read(),
            save_state=state.write,
        )
    write_csv(history, HISTORY_COLUMNS, map(_spelt, result.history))
    _write(
        bundle,
        record,
        model,
        config=config,
        probe=source.probe,
        normalization=normalization,
        result=result,
    )
    state.path.unlink(missing_ok=True)


def _same_scan(paths: list[Path]) -> list[Scan]:
    """Open the frames of every dose; they must be those of one scan."""
    if not paths:
        raise ValueError("--scan names no file; needed: patched_train.npz of at least one dose")
    found = [open_scan(path) for path in paths]
    doses = [round(one.photons_requested) for one in found]
    for path, one in zip(paths, found, strict=True):
        if not np.array_equal(one.positions, found[0].positions):
            raise DataError(
                f"{path}: its positions are not those of {paths[0]}; needed: one scan at several doses"
            )
        if doses.count(round(one.photons_requested)) > 1:
            raise DataError(
                f"{path}: a second file of dose {one.photons_requested:g}; needed: each dose once"
            )
    return found


def _groups(view: Path) -> np.ndarray:
    found = read_npz(view, ["frames", "groups"])
    return found["frames"][found["groups"]]


def _normalization(source: Scan) -> dict[str, float]:
    """Return what brings amplitudes of a dose, and objects behind its probe, to the network's units."""
    n = source.counts.shape[-1]
    scale = input_scale(mean_counts(source.counts), n)
    return {
        "input_scale": scale,
        "probe_gauge": float(np.linalg.norm(source.probe)) * scale / (n / 2),
    }


def _joined(
    sources: list[Scan], groups: np.ndarray, normalization: Any, labels: Labels | None
) -> Any:
    """Return the side of a group's canvas and the groups of all doses; the groups are the same in each."""
    k, times = len(sources[0].counts), len(sources)
    geometry = group_geometry(sources[0].positions, groups, sources[0].counts.shape[-1])
    scales = [found["input_scale"] for found in normalization.values()]
    return geometry.side, GroupData(
        sources[0].counts if times == 1 else Pool([source.counts for source in sources]),
        np.concatenate([groups + i * k for i in range(times)]),
        np.tile(geometry.offsets, (times, 1, 1)),
        np.tile(geometry.fractions, (times, 1, 1)),
        scales[0] if times == 1 else np.repeat(scales, k),
        labels,
    )


def _labels(
    settings: "PinnSettings | BaselineSettings",
    sources: list[Scan],
    normalization: list[Any],
    paths: list[Path],
) -> Labels:
    """Return the objects that a supervised network learns from: the truth, or reconstructions where they are known."""
    corners = split_positions(sources[0].positions, sources[0].counts.shape[-1])[0]
    owner, gauges = (
        np.repeat(np.arange(len(sources)), len(corners)),
        [found["probe_gauge"] for found in normalization],
    )
    if getattr(settings, "labels", "truth") == "truth":
        fields = [source.truth * gauge for source, gauge in zip(sources, gauges, strict=True)]
        return Labels(fields, np.tile(corners, (len(sources), 1)), owner)
    if len(paths) != len(sources):
        raise ValueError(
            f"--labels names {len(paths)} files; needed: one reconstruction for each of {len(sources)} scans"
        )
    found = [_reconstruction(path) for path in paths]
    return Labels(
        [each["reconstructed_object"] * gauge for each, gauge in zip(found, gauges, strict=True)],
        np.concatenate([corners - each["origin"] for each in found]),
        owner,
        [each["coverage"] > 0 for each in found],
    )


def _reconstruction(path: Path) -> dict[str, np.ndarray]:
    record = read_metadata(path)
    if record["status"] != "ok":
        raise DataError(
            f"{path}: the reconstruction failed ({record['reason']}); needed: one to learn from"
        )
    return read_npz(path, ["reconstructed_object", "coverage", "origin"])


def _known(labels: Labels, frames: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Choose the frames of which every reconstruction knows at least half of what the light met."""
    count, n = len(labels.corners) // len(labels.fields), len(light)
    shares = [
        np.tensordot(labels.patches(frames + k * count, n)[..., 2], light / light.sum(), 2)
        for k in range(len(labels.fields))
    ]
    chosen = np.flatnonzero(np.min(shares, axis=0) >= 0.5)
    if not len(chosen):
        raise DataError(
            "no frame lies where the reconstruction to learn from is covered; needed: that of these frames"
        )
    return chosen


def _spelt(numbers: dict[str, Any]) -> dict[str, Any]:
    """Spell numbers that are not finite: a record of why a training failed must hold them, and JSON knows none."""
    return {key: value if math.isfinite(value) else str(value) for key, value in numbers.items()}


def _write(
    bundle: Path,
    record: Path,
    model: Any,
    *,
    config: Any,
    probe: Any,
    normalization: Any,
    result: TrainResult,
) -> None:
    outcome = {
        "status": result.status,
        "reason": result.reason,
        "statistics": _spelt(result.statistics),
    }
    made_by = {
        "versions": provenance.versions(),
        "threads": provenance.threads(),
        "outcome": outcome,
    }
    weights = get_weights(model)
    write_bundle(
        bundle,
        weights=weights,
        probe=probe,
        config=config,
        normalization=normalization,
        provenance=made_by,
    )
    write_json(
        record,
        {
            **outcome,
            "epochs_completed": len(result.history),
            "best_epoch": result.best_epoch,
            "micro_batch": result.micro_batch,
            "parameters": int(sum(np.size(value) for value in weights.values())),
            "bundle_path": bundle.name,
            "bundle_sha256": sha256_of(bundle),
            "bundle_size_bytes": bundle.stat().st_size,
            "config": config,
        },
    )
