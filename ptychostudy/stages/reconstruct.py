"""Stage reconstruct: the iterative arm (pty-chi) on the frames of one view."""

from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy import io, iterative, provenance
from ptychostudy.core.canvas import Canvas, judge
from ptychostudy.core.propagate import place, split_positions


def run(settings: dict[str, Any], *, scan: Path, view: Path, output: Path, manifest: Path, label: str = "") -> None:
    """Reconstruct from a flat start with the known probe; a diverged run is recorded as failed.

    Parameters
    ----------
    settings : dict
        Section ``reconstruct``.
    scan, view : Path
        Frames; frame indices.
    output, manifest : Path
        ``ptychi_reconstruction.npz`` and ``manifest.json`` with the convergence record (`moved_over_floor` decides on
        `converged`, see `IterativeResult`) and the wall time.
    label : str
        Shown in progress lines.
    """
    source = io.open_scan(scan)
    frames = io.read_npz(view, ["frames"])["frames"]
    positions, n = source.positions[frames], source.counts.shape[-1]
    origin = np.maximum(split_positions(source.positions, n)[0].min(axis=0) - 2, 0)
    shape = tuple(int(v) for v in split_positions(source.positions, n)[0].max(axis=0) + n + 2 - origin)
    with io.Progress(f"pty-chi {label}".rstrip()) as progress:
        result = iterative.reconstruct(
            source.counts[frames], positions - origin, source.probe, shape, **settings, on_epoch=progress.step
        )
    corners, _ = split_positions(positions - origin, n)
    light = place(np.broadcast_to(np.abs(source.probe) ** 2, (len(frames), n, n)), corners, shape)
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
    record = {"arm": "PtyChi", **outcome, "algorithm": settings["algorithm"], "converged": bool(result.converged)}
    record |= {"change_last_ten": float(np.nan_to_num(result.change_last_ten)), "frames": len(frames)}
    record |= {"moved_over_floor": round(result.moved, 4) if np.isfinite(result.moved) else None}
    io.write_npz(output, arrays, record)
    run_record = {"settings": settings, "versions": provenance.versions(), "threads": provenance.threads()}
    run_record |= {"loss": [float(v) for v in arrays["loss"]], "wall_time_s": round(progress.seconds, 3)}
    io.write_json(manifest, record | run_record | {"output": output.name, "sha256": io.sha256_of(output)})
