"""Reconstruct: the iterative arm on the frames of one view."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.arm_product import COVERAGE, FIELD, ORIGIN
from ptychostudy.formats.probe_modes import MODES
from ptychostudy.formats.scan import Scan
from ptychostudy.iterative.result import IterativeResult
from ptychostudy.iterative.solver import OnEpoch, reconstruct
from ptychostudy.measure.misfit import Misfit, scan_misfit
from ptychostudy.measure.outcome import judge
from ptychostudy.physics.canvas import Canvas
from ptychostudy.physics.modes import first_mode
from ptychostudy.recipes.first_object import Start, first_object
from ptychostudy.recipes.probe_modes import starting_probe
from ptychostudy.recipes.scan_canvas import relative_light, scan_canvas
from ptychostudy.study.names import PTYCHI

if TYPE_CHECKING:
    from ptychostudy.study.sections.reconstruct import ReconstructSettings


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
    misfit : Misfit or None
        Of object and probe with these frames; None of a diverged run.
    """

    canvas: Canvas
    result: IterativeResult
    outcome: dict[str, Any]
    frames: int
    misfit: Misfit | None = None

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Return what is stored of it."""
        probe = self.result.probe
        return {
            FIELD: self.canvas.field,
            "reconstructed_probe": first_mode(probe),
            **({MODES: probe} if probe.ndim > 2 else {}),
            COVERAGE: self.canvas.coverage,
            ORIGIN: np.array(self.canvas.origin, dtype=np.int64),
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
            "misfit": None if self.misfit is None else self.misfit.record,
        }


def reconstruct_view(
    source: Scan,
    frames: np.ndarray,
    settings: "ReconstructSettings",
    on_epoch: OnEpoch,
    *,
    start: Start | None = None,
) -> Reconstruction:
    """Reconstruct the frames of a view with the known probe.

    Parameters
    ----------
    source : Scan
        All frames of the split: they say how large the canvas is, the same for every view.
    frames : (m,) int
        Those of the view.
    settings : ReconstructSettings
    on_epoch : callable
        Told epoch, epochs and loss.
    start : Start, optional
        What to begin with; of a canvas that failed nothing is begun. Default a flat object.
    """
    origin, shape = scan_canvas(source.positions, source.counts.shape[-1])
    positions = source.positions[frames] - origin
    probe = starting_probe(source.whole_probe, settings, "reconstruct")
    coverage = relative_light(probe, positions, shape)
    if start is not None and not start.product.good:
        return _not_begun(start, Canvas(np.ones(shape, np.complex64), coverage, origin), probe)
    result = reconstruct(
        source.counts[frames],
        positions,
        probe,
        shape,
        settings,
        valid=source.valid,
        start=None if start is None else first_object(start, origin, coverage),
        on_epoch=on_epoch,
    )
    # Of a diverged run a picture is kept; that it failed is in the outcome.
    field = result.object if result.finite else np.nan_to_num(result.object)
    canvas = Canvas(field, coverage, origin)
    misfit = _misfit(result, positions, source, frames) if result.finite else None
    return Reconstruction(canvas, result, _outcome(canvas, result), len(frames), misfit)


def _not_begun(start: Start, flat: Canvas, probe: np.ndarray) -> Reconstruction:
    """Return what there is where the canvas to start from failed: a flat object, and the reason."""
    wave = probe.astype(np.complex64)
    nothing = IterativeResult(flat.field, wave, np.empty(0), False, np.nan, np.inf, False)
    reason = f"{start.arm}, which it starts from, failed: {start.product.record['reason']}"
    outcome = {**judge(flat), "status": "failed", "reason": reason}
    return Reconstruction(flat, nothing, outcome, 0)


def _misfit(
    result: IterativeResult, positions: np.ndarray, source: Scan, frames: np.ndarray
) -> Misfit:
    counts = source.counts[frames]
    return scan_misfit(result.object, result.probe, positions, counts, source.valid)


def _outcome(canvas: Canvas, result: IterativeResult) -> dict[str, Any]:
    """Return the verdict on a canvas; of a diverged run its numbers are those of the picture."""
    outcome = judge(canvas)
    if not result.finite:
        reason = "the iteration diverged to non-finite values"
        outcome.update(status="failed", reason=reason)
    return outcome
