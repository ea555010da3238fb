"""Stage reconstruct: the iterative arm (pty-chi) on the frames of one view."""

from pathlib import Path
from typing import TYPE_CHECKING

from ptychostudy import provenance
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.io.atomic import sha256_of
from ptychostudy.io.records import write_json
from ptychostudy.recipes.reconstruct import reconstruct_view
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
        ``ptychi_reconstruction.npz`` and ``manifest.json`` with the convergence record
        (`moved_over_floor` decides on `converged`, see `IterativeResult`) and the wall time.
    label : str
        Shown in progress lines.
    """
    frames = read_npz(view, ["frames"])["frames"]
    with Work(f"pty-chi {label}".rstrip()) as progress:
        made = reconstruct_view(open_scan(scan), frames, settings, progress.step)
    record = made.record(settings.algorithm)
    write_npz(output, made.arrays, record)
    # The time stands beside the product, whose bytes are the same in every run.
    run_record = {
        "settings": settings.plain(),
        "versions": provenance.versions(),
        "threads": provenance.threads(),
        "loss": made.arrays["loss"].tolist(),
        "wall_time_s": round(progress.seconds, 3),
        "output": output.name,
        "sha256": sha256_of(output),
    }
    write_json(manifest, record | run_record)
