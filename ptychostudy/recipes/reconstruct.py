"""Reconstruct: the iterative arm on the frames of one view, and the reference of a measured scan."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.scan import Scan
from ptychostudy.iterative.result import IterativeResult
from ptychostudy.iterative.solver import OnEpoch, reconstruct
from ptychostudy.measure.outcome import judge
from ptychostudy.physics import windows
from ptychostudy.physics.canvas import Canvas
from ptychostudy.physics.counts import mean_counts, scale_probe
from ptychostudy.study.names import PTYCHI

if TYPE_CHECKING:
    from ptychostudy.study.sections.reconstruct import ReconstructSettings

COVERED = 0.02
"""A pixel is covered where the scan puts at least this share of the brightest pixel's light."""


@dataclass(frozen=True)
class Reconstruction:
    """What the iterative arm made of a view.

    Attributes
    ----------
    canvas : Canvas
        Field, coverage and origin; of a diverged run the field with zeros for what is not finite.
    result : IterativeResult
        Probe, loss and how far it moved.
    outcome : dict
        ``status``, ``reason`` and ``statistics``.
    frames : int
        How many were used.
    """

    canvas: Canvas
    result: IterativeResult
    outcome: dict[str, Any]
    frames: int

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Return what is stored of it."""
        return {
            "reconstructed_object": self.canvas.field,
            "reconstructed_probe": self.result.probe,
            "coverage": self.canvas.coverage,
            "origin": np.array(self.canvas.origin, dtype=np.int64),
            "loss": np.nan_to_num(self.result.loss),
        }

    def record(self, algorithm: str) -> dict[str, Any]:
        """Return how it ended, for the metadata of the product; JSON knows no NaN."""
        moved = self.result.moved
        return {
            "arm": PTYCHI,
            **self.outcome,
            "algorithm": algorithm,
            "converged": bool(self.result.converged),
            "change_last_ten": float(np.nan_to_num(self.result.change_last_ten)),
            "frames": self.frames,
            "moved_over_floor": round(moved, 4) if np.isfinite(moved) else None,
        }


def reconstruct_view(
    source: Scan, frames: np.ndarray, settings: "ReconstructSettings", on_epoch: OnEpoch
) -> Reconstruction:
    """Reconstruct the frames of a view from a flat start with the known probe.

    Parameters
    ----------
    source : Scan
        All frames of the split: they say how large the canvas is, the same for every view.
    frames : (m,) int
        Those of the view.
    settings : ReconstructSettings
    on_epoch : callable
        Told epoch, epochs and loss.
    """
    n = source.counts.shape[-1]
    # The nearest pixels bound the windows exactly; fractions would add a row or a column.
    first, end = windows.extent(windows.corners(source.positions, 0), n, 2)
    origin = np.maximum(first, 0)
    shape = (int(end[0] - origin[0]), int(end[1] - origin[1]))
    positions = source.positions[frames] - origin
    result = reconstruct(
        source.counts[frames], positions, source.probe, shape, settings, on_epoch=on_epoch
    )
    light = windows.light(source.probe, positions, shape)
    covered = light > COVERED * light.max()
    coverage = np.where(covered, light / light.max(), 0.0).astype(np.float32)
    # Of a diverged run a picture is kept; that it failed is in the outcome.
    field = result.object if result.finite else np.nan_to_num(result.object)
    canvas = Canvas(field, coverage, (int(origin[0]), int(origin[1])))
    outcome = judge(canvas)
    if not result.finite:
        diverged = "the iteration diverged to non-finite values"
        outcome |= {"status": "failed", "reason": diverged}
    return Reconstruction(canvas, result, outcome, len(frames))


def reconstruct_reference(
    counts: np.ndarray,
    positions: np.ndarray,
    probe: np.ndarray,
    settings: "ReconstructSettings",
    on_epoch: OnEpoch,
) -> tuple[IterativeResult, np.ndarray]:
    """Reconstruct a measured scan at its full dose.

    Parameters
    ----------
    counts : (k, N, N) uint
        Measured frames.
    positions : (k, 2) float
        Window centres (row, col).
    probe : (N, N) complex
        In any units: it is scaled to the photons of the frames.
    settings : ReconstructSettings
    on_epoch : callable
        Told epoch, epochs and loss.

    Returns
    -------
    result : IterativeResult
    coverage : (H, W) float32
        Photons that the scan put on each pixel.

    Raises
    ------
    ValueError
        If the reconstruction diverged.
    """
    _, end = windows.extent(positions, counts.shape[-1], 1)
    # From pixel 0 on: the object keeps the coordinates of the file.
    shape = (int(end[0]), int(end[1]))
    scaled = scale_probe(probe, mean_counts(counts))
    result = reconstruct(counts, positions, scaled, shape, settings, on_epoch=on_epoch)
    if not result.finite:
        raise ValueError(
            "the full-dose reconstruction of the measured scan diverged; "
            "change the section 'reference'"
        )
    return result, windows.light(result.probe, positions, shape).astype(np.float32)
