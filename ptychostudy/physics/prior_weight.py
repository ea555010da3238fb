"""How strong a smoothness prior is: as photons say that the object has not been fitted to."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.physics.maximum import plain, smooth_at_all_scales, smoothed, steps_with_prior
from ptychostudy.physics.scan_likelihood import ScanLikelihood

if TYPE_CHECKING:
    from ptychostudy.study.sections.maximise import MaximiseSettings

_FIRST = 1 / 8
_FACTOR = 2.0
_LAST = 64.0
_ITERATIONS = 25
"""With each weight, from the object of the last one."""
# At all scales, where each weight has a flat start, powers of the factor: from 1/16 to 64.
_LEAST_POWER, _FIRST_POWER, _GREATEST_POWER = -4, -1, 6


def choose_weight(
    seen: ScanLikelihood, held_out: ScanLikelihood, settings: "MaximiseSettings"
) -> float:
    """Return the weight with which an object fits held-out photons best.

    Weights double from 1/8 while the fit gets better, each object starting from that of the last
    weight; at all scales they double from 1/2, or halve where that is no better, each from a flat
    start. Between the best and its neighbours the least of a parabola in the logarithm is taken.

    Parameters
    ----------
    seen, held_out : ScanLikelihood
        Of the photons that an object is made of, and of those it is judged by.
    settings : MaximiseSettings
    """
    if settings.scales == "all":
        return _chosen_apart(seen, held_out, steps_with_prior(settings))
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


def _chosen_apart(seen: ScanLikelihood, held_out: ScanLikelihood, iterations: int) -> float:
    """Return the weight of the least misfit, of objects that have nothing to do with each other."""

    def miss(power: int) -> float:
        field = smooth_at_all_scales(seen, _FACTOR**power, iterations)
        return held_out.value_and_gradient(field)[0]

    misses = {_FIRST_POWER: miss(_FIRST_POWER)}
    _go(misses, miss, 1)
    if min(misses, key=lambda power: misses[power]) == _FIRST_POWER:
        _go(misses, miss, -1)
    powers = sorted(misses)
    return _least(_FACTOR ** np.array(powers), np.array([misses[power] for power in powers]))


def _go(misses: dict[int, float], miss: Callable[[int], float], way: int) -> None:
    """Add the misses of further powers, one way, until one is no better than the last."""
    power = _FIRST_POWER
    while _LEAST_POWER <= power + way <= _GREATEST_POWER:
        power += way
        misses[power] = miss(power)
        if misses[power] >= misses[power - way]:
            return


def _least(weights: np.ndarray, misses: np.ndarray) -> float:
    """Return where the parabola through the best of three weights and its neighbours is least."""
    best = int(np.argmin(misses))
    if best in (0, len(weights) - 1):
        return float(weights[best])
    before, least, after = misses[best - 1 : best + 2]
    # Of three equally spaced values; the middle one is the least, so this lies within half a step.
    offset = 0.5 * (before - after) / (before - 2 * least + after)
    return float(weights[best] * _FACTOR**offset)
