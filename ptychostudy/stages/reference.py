"""Stage reference: the full-dose reconstruction of a measured scan, against which every arm is scored."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.io.arrays import open_frames, read_npz, write_npz
from ptychostudy.iterative.solver import reconstruct
from ptychostudy.physics import windows
from ptychostudy.physics.counts import mean_counts, scale_probe
from ptychostudy.runs.work import Work

if TYPE_CHECKING:
    from ptychostudy.study.sections.reconstruct import ReconstructSettings


def run(settings: "ReconstructSettings", *, base: Path, output: Path) -> None:
    """Reconstruct a measured scan at its full dose.

    Parameters
    ----------
    settings : ReconstructSettings
        Section ``reference``.
    base : Path
        ``base.npz`` of a study whose frames are measured.
    output : Path
        ``reference.npz`` with ``objectGuess``, ``probeGuess``, ``coverage`` and, in the metadata, ``truth``:
        ``full-dose iterative reference``.

    Raises
    ------
    ValueError
        If the reconstruction diverged.
    """
    arrays = read_npz(base, [*COORDINATES, "probeGuess"])
    counts = open_frames(base, "counts")
    positions = read_positions(arrays)
    n = counts.shape[-1]
    _, end = windows.extent(positions, n, 1)
    shape = (int(end[0]), int(end[1]))
    probe = scale_probe(arrays["probeGuess"], mean_counts(counts))
    with Work("reference, full dose") as progress:
        result = reconstruct(
            counts, positions, probe, shape, **settings.plain(), on_epoch=progress.step
        )
    if not result.finite:
        raise ValueError(
            "the full-dose reconstruction of the measured scan diverged; change the section 'reference'"
        )
    coverage = windows.light(result.probe, positions, shape)
    found = {
        "objectGuess": result.object,
        "probeGuess": result.probe,
        "coverage": coverage.astype(np.float32),
    }
    write_npz(
        output,
        found,
        {"truth": "full-dose iterative reference", "converged": bool(result.converged)},
    )
