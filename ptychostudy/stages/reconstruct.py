"""Stage reconstruct: the iterative arms (pty-chi) on the frames of one view."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy import provenance
from ptychostudy.formats.arm_product import read_arm_product
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.io.atomic import DataError, sha256_of
from ptychostudy.io.records import write_json
from ptychostudy.io.threads import allowed_threads
from ptychostudy.measure.epochs import first_at_or_below
from ptychostudy.recipes.first_object import Start
from ptychostudy.recipes.reconstruct import Reconstruction, reconstruct_view
from ptychostudy.runs.work import Work
from ptychostudy.study.arm_names import HYBRID
from ptychostudy.study.names import NETWORKS

if TYPE_CHECKING:
    from ptychostudy.study.sections.reconstruct import ReconstructSettings


def run(
    settings: "ReconstructSettings",
    *,
    scan: Path,
    view: Path,
    output: Path,
    manifest: Path,
    start: Path | None = None,
    rival: Path | None = None,
    label: str = "",
) -> None:
    """Reconstruct with the known probe; a diverged run is recorded as failed.

    Parameters
    ----------
    settings : ReconstructSettings
        Section ``reconstruct``.
    scan, view : Path
        Frames; frame indices.
    output, manifest : Path
        ``ptychi_reconstruction.npz`` and ``manifest.json`` with the convergence record
        (`moved_over_floor` decides on `converged`, see `IterativeResult`) and the wall time.
    start : Path, optional
        Canvas of a network to start from, which makes the outputs Hybrid's. Default a flat object.
    rival : Path, optional
        What the same solver made from a flat start: its loss is that to reach.
    label : str
        Shown in progress lines.

    Raises
    ------
    DataError
        If the start is no network's, or lies beside the scan.
    """
    frames = read_npz(view, ["frames"])["frames"]
    first = None if start is None else _read_start(start)
    with Work(f"pty-chi {label}".rstrip()) as progress:
        made = reconstruct_view(open_scan(scan), frames, settings, progress.step, start=first)
    record = made.record(settings.algorithm)
    if first is not None:
        started = {"epochs": settings.epochs, **_started(first, rival, made)}
        record |= {"arm": HYBRID, "start": started}
    write_npz(output, made.arrays, record)
    # The time stands beside the product, whose bytes are the same in every run.
    run_record = {
        "settings": settings.plain(),
        "versions": provenance.versions(),
        "threads": allowed_threads(),
        "loss": made.arrays["loss"].tolist(),
        "wall_time_s": round(progress.seconds, 3),
        "output": output.name,
        "sha256": sha256_of(output),
    }
    write_json(manifest, record | run_record)


def _read_start(path: Path) -> Start:
    """Return the canvas of a network; of the control and of other arms none is started from."""
    product = read_arm_product(path)
    arm = product.record.get("arm")
    if arm not in NETWORKS:
        raise DataError(
            f"{path}: 'arm' in its metadata is {arm!r}; needed: one of {', '.join(NETWORKS)}"
        )
    return Start(str(path), product)


def _started(first: Start, rival: Path | None, made: Reconstruction) -> dict[str, Any]:
    """Return what a run started from, and after how many epochs it came as far as its rival."""
    target = None if rival is None else _final_loss(rival)
    loss = made.result.loss if made.result.finite else np.empty(0)
    return {
        "arm": first.arm,
        "sha256": sha256_of(first.where),
        "loss_to_reach": target,
        "reached": first_at_or_below(loss, target),
    }


def _final_loss(rival: Path) -> float | None:
    """Return the last loss of another run; None of one that failed."""
    if read_metadata(rival, ["status"])["status"] != "ok":
        return None
    return float(read_npz(rival, ["loss"])["loss"][-1])
