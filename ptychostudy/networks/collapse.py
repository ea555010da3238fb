"""Guards of a training: outputs that are not finite, and outputs that have become constant."""

import math
from typing import Any, NamedTuple

import numpy as np

from ptychostudy.study.names import PARTS

COLLAPSED = 1e-4
"""Standard deviation below which an output counts as constant; a healthy one has 0.05 or more."""
ALL_DONE = "all epochs done"
"""Reason of a run that nothing but its last epoch ends."""


class Outcome(NamedTuple):
    """How a training stands after an epoch.

    Attributes
    ----------
    status : {"ok", "failed"}
        Failed means: never average this arm.
    reason : str
        Why it stopped, or would stop now.
    statistics : dict
        Numbers that were judged.
    """

    status: str
    reason: str
    statistics: dict[str, Any]


def output_statistics(canvas: np.ndarray, side: int) -> dict[str, float]:
    """Mean and standard deviation of amplitude and phase in the central square of canvases.

    Parameters
    ----------
    canvas : (B, P, P, 2)
        Real and imaginary part.
    side : int
        Side of the square in pixels.
    """
    centre = _central(canvas, side)
    real = centre[..., 0]
    imaginary = centre[..., 1]
    amplitude = np.hypot(real, imaginary)
    phase = np.arctan2(imaginary, real)
    return {
        "amplitude_mean": float(amplitude.mean()),
        "amplitude_std": float(amplitude.std()),
        "phase_mean": float(phase.mean()),
        "phase_std": float(phase.std()),
    }


def _central(canvas: np.ndarray, side: int) -> np.ndarray:
    """Cut canvases (B, P, P, 2) to the square (B, side, side, 2) at their centre."""
    # The rim, which no light reaches, is constant by design.
    low = (canvas.shape[1] - side) // 2
    keep = slice(low, low + side)
    return canvas[:, keep, keep]


def judge(statistics: dict[str, Any]) -> Outcome:
    """Find non-finite and constant outputs.

    Parameters
    ----------
    statistics : dict
        From `output_statistics`, with ``epoch``, ``loss`` and ``val_loss``.
    """
    fault = _fault(statistics)
    return Outcome("failed" if fault else "ok", fault or ALL_DONE, statistics)


def _fault(statistics: dict[str, Any]) -> str:
    """Return what is wrong with an output, or an empty text."""
    # First: a standard deviation that is not a number is below no bound.
    bad = [name for name, value in statistics.items() if not math.isfinite(value)]
    if bad:
        return f"not finite: {', '.join(bad)} in epoch {statistics['epoch']}"
    constant = _constant(statistics)
    if constant:
        return f"collapsed: {' and '.join(constant)} constant in epoch {statistics['epoch']}"
    return ""


def _constant(statistics: dict[str, Any]) -> list[str]:
    """Return which of amplitude and phase are constant."""
    constant = [part for part in PARTS if statistics[f"{part}_std"] < COLLAPSED]
    # An amplitude of zero nearly everywhere is a collapse, too, whatever a few pixels do.
    if not constant and statistics["amplitude_mean"] < COLLAPSED:
        return ["amplitude"]
    return constant
