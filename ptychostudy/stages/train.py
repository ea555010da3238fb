"""Stage train: one network, resumed from its last epoch where an earlier run was cut off."""

from dataclasses import asdict
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
from ptychostudy.networks.checkpoint import State
from ptychostudy.recipes.train import Known, Trained, spelt, train_network
from ptychostudy.runs.work import Work
from ptychostudy.study.names import HISTORY_COLUMNS

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

__all__ = ["prepare", "run"]


def run(
    settings: "NetworkSection",
    *,
    arm: Literal["PtychoPINN", "Baseline"],
    scan: list[Path],
    bundle: Path,
    history: Path,
    record: Path,
    view: Path | None = None,
    labels: list[Path] = [],  # noqa: B006 - read, never changed; the command line needs the type
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
        ``patched_train.npz`` of one dose, or of several that one network learns together; the
        frames of each dose are normalised by their own mean.
    bundle, history, record : Path
        Outputs ``wts.h5.zip``, ``history.csv``, ``training.json``.
    view : Path, optional
        Groups of a view; without it every frame is a group of its own.
    labels : list of Path
        ``ptychi_reconstruction.npz`` of each scan, where the setting ``labels`` is
        ``reconstruction``.
    label : str
        Shown in progress lines.
    """
    sources = _same_scan(scan)
    groups = None if view is None else _groups(view)
    inputs = {
        "settings": settings.plain(),
        "scan": [sha256_of(path) for path in (*scan, *labels)],
        "arm": arm,
        "code": provenance.code_digest(__name__),
    }
    state = State(bundle.with_name("training_state.npz"), inputs)
    with Work(f"train {arm} {label}".rstrip()) as progress:
        trained = train_network(
            arm,
            sources,
            groups,
            settings,
            known=_known(settings, labels, len(sources)),
            on_epoch=lambda row: progress.step(row["epoch"], settings.epochs, row["loss"]),
            initial_state=state.read(),
            save_state=state.write,
        )
    write_csv(history, HISTORY_COLUMNS, map(spelt, trained.result.history))
    _write(bundle, record, trained)
    state.path.unlink(missing_ok=True)


def _same_scan(paths: list[Path]) -> list[Scan]:
    """Open the frames of every dose; they must be those of one scan."""
    if not paths:
        raise ValueError("--scan names no file; needed: patched_train.npz of at least one dose")
    sources = [open_scan(path) for path in paths]
    doses = [round(source.photons_requested) for source in sources]
    for path, source in zip(paths, sources, strict=True):
        if not np.array_equal(source.positions, sources[0].positions):
            raise DataError(
                f"{path}: its positions are not those of {paths[0]}; "
                "needed: one scan at several doses"
            )
        if doses.count(round(source.photons_requested)) > 1:
            raise DataError(
                f"{path}: a second file of dose {source.photons_requested:g}; "
                "needed: each dose once"
            )
    return sources


def _groups(view: Path) -> np.ndarray:
    arrays = read_npz(view, ["frames", "groups"])
    groups: np.ndarray = arrays["frames"][arrays["groups"]]
    return groups


def _known(settings: "NetworkSection", paths: list[Path], scans: int) -> list[Known]:
    """Read the reconstructions that a network learns from, one for each scan, if it does."""
    if settings.kind != "supervised" or settings.labels == "truth":
        return []
    if len(paths) != scans:
        raise ValueError(
            f"--labels names {len(paths)} files; "
            f"needed: one reconstruction for each of {scans} scans"
        )
    return [_reconstruction(path) for path in paths]


def _reconstruction(path: Path) -> Known:
    record = read_metadata(path)
    if record["status"] != "ok":
        raise DataError(
            f"{path}: the reconstruction failed ({record['reason']}); needed: one to learn from"
        )
    arrays = read_npz(path, ["reconstructed_object", "coverage", "origin"])
    return Known(arrays["reconstructed_object"], arrays["coverage"], arrays["origin"])


def _write(bundle: Path, record: Path, trained: Trained) -> None:
    """Write the network, and the record of its training with what the bundle is."""
    made_by: dict[str, Any] = {
        "versions": provenance.versions(),
        "threads": provenance.threads(),
        "outcome": trained.outcome,
    }
    weights = trained.weights
    write_bundle(
        bundle,
        weights=weights,
        probe=trained.probe,
        config=trained.config,
        normalization={dose: asdict(one) for dose, one in trained.normalization.items()},
        provenance=made_by,
    )
    result = trained.result
    about = {
        "epochs_completed": len(result.history),
        "best_epoch": result.best_epoch,
        "micro_batch": result.micro_batch,
        "parameters": int(sum(np.size(value) for value in weights.values())),
        "bundle_path": bundle.name,
        "bundle_sha256": sha256_of(bundle),
        "bundle_size_bytes": bundle.stat().st_size,
        "config": trained.config,
    }
    write_json(record, trained.outcome | about)
