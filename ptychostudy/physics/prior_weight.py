"""How strong a smoothness prior is: as photons say that the object has not been fitted to."""

from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.physics.maximum import plain, smoothed
from ptychostudy.physics.scan_likelihood import ScanLikelihood

if TYPE_CHECKING:
    from ptychostudy.study.sections.maximise import MaximiseSettings

_FIRST = 1 / 8
_FACTOR = 2.0
_LAST = 64.0
_ITERATIONS = 25
"""With each weight, from the object of the last one."""


def choose_weight(
    seen: ScanLikelihood, held_out: ScanLikelihood, settings: "MaximiseSettings"
) -> float:
    """Return the weight with which an object fits held-out photons best.

    Weights double from 1/8 while the fit gets better; between the best and its neighbours the
    least of a parabola in the logarithm is taken. Each object starts from that of the last weight.

    Parameters
    ----------
    seen, held_out : ScanLikelihood
        Of the photons that an object is made of, and of those it is judged by.
    settings : MaximiseSettings
    """
    field = plain(seen, settings)
    weights: list[float] = []
    misses: list[float] = []
    weight = _FIRST
    while weight <= _LAST and not _rises(misses):
        field = smoothed(seen, field, weight, _ITERATIONS)
        weights.append(weight)
        misses.append(held_out.value_and_gradient(field)[0])
        weight *= _FACTOR
    return _least(np.array(weights), np.array(misses))


def _rises(misses: list[float]) -> bool:
    return len(misses) > 1 and misses[-1] > misses[-2]


def _least(weights: np.ndarray, misses: np.ndarray) -> float:
    """Return where the parabola through the best of three weights and its neighbours is least."""
    best = int(np.argmin(misses))
    if best in (0, len(weights) - 1):
        return float(weights[best])
    before, least, after = misses[best - 1 : best + 2]
    # Of three equally spaced values; the middle one is the least, so this lies within half a step.
    offset = 0.5 * (before - after) / (before - 2 * least + after)
    return float(weights[best] * _FACTOR**offset)
