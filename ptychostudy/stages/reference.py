"""Stage reference: the full-dose reconstruction of a measured scan, which every arm is scored by."""

from pathlib import Path
from typing import TYPE_CHECKING

from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.io.arrays import open_frames, read_npz, write_npz
from ptychostudy.recipes.reconstruct import reconstruct_reference
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
        ``reference.npz`` with ``objectGuess``, ``probeGuess``, ``coverage`` and, in the metadata,
        ``truth``: ``full-dose iterative reference``.

    Raises
    ------
    ValueError
        If the reconstruction diverged.
    """
    arrays = read_npz(base, [*COORDINATES, "probeGuess"])
    positions = read_positions(arrays)
    counts = open_frames(base, "counts")
    with Work("reference, full dose") as progress:
        result, coverage = reconstruct_reference(
            counts, positions, arrays["probeGuess"], settings, progress.step
        )
    reference = {
        "objectGuess": result.object,
        "probeGuess": result.probe,
        "coverage": coverage,
    }
    converged = bool(result.converged)
    write_npz(output, reference, {"truth": "full-dose iterative reference", "converged": converged})
