"""Gauge of a reconstruction: scale, global phase and phase ramp, which diffraction cannot fix.

Everything is fitted on the complex field. Plane fits on wrapped angles break as soon as the phase
wraps.
"""

from typing import Any

import numpy as np

from ptychostudy.measure.fields import check_fields
from ptychostudy.measure.ramp import phase_ramp, ramp_field

PLANE = "plane"
MEAN = "mean"
NONE = "none"


def complex_factor(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> complex:
    """Return the complex c that minimises ``sum mask |c pred - truth|^2``.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction and truth.
    mask : (H, W) bool
        Compared pixels.

    Raises
    ------
    ValueError
        As `check_fields`.
    """
    pred, truth, mask = check_fields(pred, truth, mask)
    values = pred[mask]
    power = np.vdot(values, values).real
    return complex(np.vdot(values, truth[mask]) / power)


def amplitude_factor(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Return the real positive a that minimises ``sum mask (a |pred| - |truth|)^2``."""
    pred, truth, mask = check_fields(pred, truth, mask)
    amplitude = np.abs(pred[mask])
    wanted = np.abs(truth[mask])
    return float(amplitude @ wanted / (amplitude @ amplitude))


def remove_gauge(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray, *, phase_align: str = PLANE
) -> tuple[np.ndarray, dict[str, Any]]:
    """Bring a prediction into the truth's gauge.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction and truth.
    mask : (H, W) bool
        Pixels the gauge is fitted on.
    phase_align : {'plane', 'mean', 'none'}
        ``plane``: linear phase ramp and complex factor; ``mean``: complex factor; ``none``: a real
        positive amplitude factor, the phase stays untouched.

    Returns
    -------
    field : (H, W) complex128
        ``factor * exp(-i ramp . (r - centre)) * pred``, centre ``= (H - 1, W - 1) / 2``.
    record : dict
        ``factor`` (complex) and ``ramp`` ((rows, cols) in rad/px).

    Raises
    ------
    ValueError
        As `check_fields`, or if `phase_align` is unknown.
    """
    _check_choice(phase_align)
    pred, truth, mask = check_fields(pred, truth, mask)
    ramp = (0.0, 0.0)
    if phase_align == NONE:
        factor = complex(amplitude_factor(pred, truth, mask))
        return factor * pred, {"factor": factor, "ramp": ramp}
    # The ramp goes first: under one the mean product vanishes, from which the factor is taken.
    if phase_align == PLANE:
        ramp = phase_ramp(pred, truth, mask)
    straight = pred * ramp_field(pred.shape, ramp)
    factor = complex_factor(straight, truth, mask)
    return factor * straight, {"factor": factor, "ramp": ramp}


def _check_choice(phase_align: str) -> None:
    if phase_align not in (PLANE, MEAN, NONE):
        raise ValueError(f"phase_align must be 'plane', 'mean' or 'none', found {phase_align!r}")
