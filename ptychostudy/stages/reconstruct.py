"""Stage reconstruct: the iterative arm (pty-chi) on the frames of one view."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy import provenance
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.io.atomic import sha256_of
from ptychostudy.io.records import write_json
from ptychostudy.iterative.solver import reconstruct
from ptychostudy.measure.outcome import judge
from ptychostudy.physics import windows
from ptychostudy.physics.canvas import Canvas
from ptychostudy.runs.work import Work

if TYPE_CHECKING:
    from ptychostudy.study.sections.reconstruct import ReconstructSettings


def run(
    settings: "ReconstructSettings",
    *,
    scan: Path,
    view: Path,
    output: Path,
    manifest: Path,
    label: str = "",
) -> None:
    """Reconstruct from a flat start with the known probe; a diverged run is recorded as failed.

    Parameters
    ----------
    settings : ReconstructSettings
        Section ``reconstruct``.
    scan, view : Path
        Frames; frame indices.
    output, manifest : Path
        ``ptychi_reconstruction.npz`` and ``manifest.json`` with the convergence record (`moved_over_floor` decides on
        `converged`, see `IterativeResult`) and the wall time.
    label : str
        Shown in progress lines.
    """
    source = open_scan(scan)
    frames = read_npz(view, ["frames"])["frames"]
    positions, n = source.positions[frames], source.counts.shape[-1]
    # The nearest pixels bound the windows exactly; fractions would add a row or a column.
    first, end = windows.extent(windows.corners(source.positions, 0), n, 2)
    origin = np.maximum(first, 0)
    shape = (int(end[0] - origin[0]), int(end[1] - origin[1]))
    with Work(f"pty-chi {label}".rstrip()) as progress:
        result = reconstruct(
            source.counts[frames],
            positions - origin,
            source.probe,
            shape,
            **settings.plain(),
            on_epoch=progress.step,
        )
    light = windows.light(source.probe, positions - origin, shape)
    # A pixel counts as covered where the scan puts at least 2 % of the brightest pixel's light.
    coverage = np.where(light > 0.02 * light.max(), light / light.max(), 0.0).astype(np.float32)
    field = np.nan_to_num(result.object) if not result.finite else result.object
    canvas = Canvas(field, coverage, (int(origin[0]), int(origin[1])))
    outcome = judge(canvas)
    if not result.finite:
        outcome |= {"status": "failed", "reason": "the iteration diverged to non-finite values"}
    arrays = {
        "reconstructed_object": canvas.field,
        "reconstructed_probe": result.probe,
        "coverage": coverage,
        "origin": np.array(canvas.origin, dtype=np.int64),
        "loss": np.nan_to_num(result.loss),
    }
    record = {
        "arm": "PtyChi",
        **outcome,
        "algorithm": settings.algorithm,
        "converged": bool(result.converged),
    }
    record |= {
        "change_last_ten": float(np.nan_to_num(result.change_last_ten)),
        "frames": len(frames),
    }
    record |= {"moved_over_floor": round(result.moved, 4) if np.isfinite(result.moved) else None}
    write_npz(output, arrays, record)
    run_record = {
        "settings": settings.plain(),
        "versions": provenance.versions(),
        "threads": provenance.threads(),
    }
    run_record |= {
        "loss": [float(v) for v in arrays["loss"]],
        "wall_time_s": round(progress.seconds, 3),
    }
    write_json(manifest, record | run_record | {"output": output.name, "sha256": sha256_of(output)})
