"""Stage reference: what every arm is scored against."""

from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy import io
from ptychostudy.core.counts import mean_counts, scale_probe
from ptychostudy.core.propagate import place, split_positions


def run(settings: dict[str, Any], *, base: Path, output: Path) -> None:
    """Pass a simulated object on as truth, or reconstruct a measured scan at its full dose as reference.

    Parameters
    ----------
    settings : dict
        Section ``reference`` for measured frames, empty for simulated ones.
    base : Path
        ``base.npz``.
    output : Path
        ``reference.npz`` with ``objectGuess``, ``probeGuess`` and, in the metadata, ``truth``: ``simulated object``
        or ``full-dose iterative reference``.
    """
    if not settings:
        arrays = io.read_npz(base, ["objectGuess", "probeGuess"])
        io.write_npz(output, arrays, {"truth": "simulated object"})
        return
    from ptychostudy import iterative  # torch costs seconds; a simulated study never pays them

    arrays = io.read_npz(base, ["ycoords", "xcoords", "probeGuess"])
    counts = io.open_frames(base, "counts")
    positions = np.stack([arrays["ycoords"], arrays["xcoords"]], axis=1)
    n = counts.shape[-1]
    shape = tuple(np.ceil(positions.max(axis=0)).astype(int) + n // 2 + 1)
    probe = scale_probe(arrays["probeGuess"], mean_counts(counts))
    with io.Progress("reference, full dose") as progress:
        result = iterative.reconstruct(counts, positions, probe, shape, **settings, on_epoch=progress.step)
    if not result.finite:
        raise ValueError("the full-dose reconstruction of the measured scan diverged; change the section 'reference'")
    corners, _ = split_positions(positions, n)
    coverage = place(np.broadcast_to(np.abs(result.probe) ** 2, counts.shape), corners, shape)
    found = {"objectGuess": result.object, "probeGuess": result.probe, "coverage": coverage.astype(np.float32)}
    io.write_npz(output, found, {"truth": "full-dose iterative reference", "converged": bool(result.converged)})
