"""How strong a smoothness prior is: as photons say that the object has not been fitted to."""

from collections.abc import Callable

import numpy as np

from ptychostudy.physics.maximum import smooth
from ptychostudy.physics.scan_likelihood import ScanLikelihood

_FACTOR = 2.0
# Powers of the factor: from 1/16 to 64.
_LEAST_POWER, _FIRST_POWER, _GREATEST_POWER = -4, -1, 6
# With each weight: more move the one that is chosen by less than a tenth.
_ITERATIONS = 20


def choose_weight(seen: ScanLikelihood, held_out: ScanLikelihood, iterations: int) -> float:
    """Return the weight with which an object fits held-out photons best.

    Weights double from 1/2 while the fit gets better, or halve where that is no better, each object
    from a flat start. Between the best and its neighbours the least of a parabola in the logarithm
    is taken.

    Parameters
    ----------
    seen, held_out : ScanLikelihood
        Of the photons that an object is made of, and of those it is judged by.
    iterations : int
        With the prior; of more than 20, these are enough to tell weights apart.
    """

    def miss(power: int) -> float:
        field = smooth(seen, _FACTOR**power, min(iterations, _ITERATIONS))
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
