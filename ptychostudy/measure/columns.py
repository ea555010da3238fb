"""The quantities a prediction is scored on: amplitude, phase and the complex field.

amplitude
    ``|pred|`` against ``|truth|``.
phase
    Errors are the wrapped difference ``angle(pred conj(truth))`` in radians. Metrics that need an
    image take both phases about the truth's mean direction, unwrapped where the truth winds, minus
    the truth's mean over the mask: no global phase enters the luminance term of ``ssim``, which
    then sees low-frequency errors, and a flat object stays below 0.05 where a reference at the
    truth's minimum would give it up to 0.4. The prediction's image is its own phase, never "truth
    plus wrapped difference": that hands it the truth, and pure noise correlates with it. Pixels on
    which the truth is opaque have no phase and are left out.
value
    The complex field.

A truth without contrast in one column (a pure-amplitude object in phase, a pure-phase object in
amplitude) has no such column: any number there would be a metric of noise, and a flat object would
win it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ptychostudy.measure.fields import CONSTANT
from ptychostudy.measure.phase import phase_pair


@dataclass(frozen=True)
class Column:
    """One scored quantity.

    Attributes
    ----------
    pred, truth : (H, W) float or complex
        Images.
    error : (H, W) float or complex
        Signed or complex error, in phase the wrapped difference.
    mask : (H, W) bool
        Scored pixels.
    """

    pred: np.ndarray
    truth: np.ndarray
    error: np.ndarray
    mask: np.ndarray

    @property
    def pred_values(self) -> np.ndarray:
        """Values of the prediction on the scored pixels."""
        return np.asarray(self.pred[self.mask])

    @property
    def truth_values(self) -> np.ndarray:
        """Values of the truth on the scored pixels."""
        return np.asarray(self.truth[self.mask])

    @property
    def error_values(self) -> np.ndarray:
        """Errors on the scored pixels."""
        return np.asarray(self.error[self.mask])

    @cached_property
    def span(self) -> float:
        """Range of the truth's values, the diameter of `_circle` for complex ones."""
        values = self.truth_values
        return _circle(values) if np.iscomplexobj(values) else float(np.ptp(values))


def _circle(values: np.ndarray) -> float:
    """Return the diameter of the circle about the mean that holds every complex value.

    Ranges of real and imaginary part would change with the global phase, this does not.
    """
    return float(2 * np.abs(values - values.mean()).max())


def columns(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> dict[str, Column]:
    """Return the columns on which the truth has contrast, by name.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction, gauge removed, and truth.
    mask : (H, W) bool
        Compared pixels.
    """
    amplitude = _amplitude(pred, truth, mask)
    brightest = amplitude.truth_values.max()
    clear = mask & (amplitude.truth > CONSTANT * brightest)
    candidates = {
        "amplitude": amplitude,
        "phase": _phase(pred, truth, clear),
        "value": Column(pred, truth, pred - truth, mask),
    }
    # Rounding is relative to the field's magnitude; that of a phase to one radian.
    scale = {"amplitude": brightest, "phase": 1.0, "value": brightest}
    return {
        name: column for name, column in candidates.items() if column.span > CONSTANT * scale[name]
    }


def _amplitude(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> Column:
    own = np.abs(pred)
    wanted = np.abs(truth)
    return Column(own, wanted, own - wanted, mask)


def _phase(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> Column:
    own, wanted, difference = phase_pair(pred, truth, mask)
    return Column(own, wanted, difference, mask)
