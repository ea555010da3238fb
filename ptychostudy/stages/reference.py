"""Stage reference: a measured scan reconstructed at its full dose; every arm is scored by it."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.probe_modes import read_probe
from ptychostudy.formats.valid_pixels import read_valid
from ptychostudy.io.arrays import open_frames, read_npz, write_npz
from ptychostudy.recipes.reference import reconstruct_reference
from ptychostudy.runs.work import Work

if TYPE_CHECKING:
    from ptychostudy.study.sections.reconstruct import ReconstructSettings

_log = logging.getLogger("ptychostudy")


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
        ``truth``: ``full-dose iterative reference``, and ``misfit``: ``R``, and ``R_expected`` from
        photon noise alone; ``probeModes`` where there are several.

    Raises
    ------
    ValueError
        If the reconstruction diverged.
    """
    positions = read_positions(read_npz(base, COORDINATES))
    probe = read_probe(base)
    # Frames stay on disk until they are used.
    counts = open_frames(base, "counts")
    valid = read_valid(base, counts.shape[-1])
    with Work("reference, full dose") as progress:
        reference = reconstruct_reference(
            counts, positions, probe, settings, progress.step, valid=valid
        )
    _log.info(reference.fit_text)
    converged = bool(reference.result.converged)
    record = {
        "truth": "full-dose iterative reference",
        "converged": converged,
        "misfit": reference.misfit.record,
    }
    write_npz(output, reference.arrays, record)
