"""Position scale: whether all positions, longer or shorter by one factor, fit the frames better.

A wrong object pixel, or positions in a unit of which the file does not speak, leave each position
off by the same factor. Of a sample that is scaled too far apart no frame shares light with another,
so that any object fits: what is looked for is a minimum between two larger misfits.

A probe that is badly known asks for another factor, too, until it is refined: on 60 frames of the
measured star 0.89 leaves 0.041 in place of 0.071 after 24 passes, and 0.035 of 0.037 after 100. A
pixel that is a fifth too large leaves ten times of what the right one does.
"""

from dataclasses import dataclass, replace

import numpy as np

from ptychostudy.intake.conventions import clearly_better
from ptychostudy.intake.first_pass import PASSES, Sample, first_pass
from ptychostudy.measure.misfit import Misfit

# Few frames with few passes: a sample of them is some ten steps wide, and 5 % of that is half one.
_FRAMES, _PASSES = 30, 8
_LOW, _HIGH, _TRIED = 0.4, 2.5, 24
# What the best of those tried may be off by, and how finely the rest is looked at.
_FINER = 5
# What is clear, of what is left, and the passes after which it must still be so.
_SHARE, _LONG_PASSES = 0.5, 72


@dataclass(frozen=True)
class Scaled:
    """A factor for all positions, and how a first pass with it ended."""

    factor: float
    misfit: Misfit


def better_scale(sample: Sample, given: Misfit) -> Scaled | None:
    """Return the factor with which positions explain a sample clearly better, or None.

    Parameters
    ----------
    sample : Sample
    given : Misfit
        Of a first pass on the sample as it is.
    """
    factors = np.geomspace(_LOW, _HIGH, _TRIED)
    part = sample.part(_FRAMES)
    excess = np.array([_misfit(part, factor, _PASSES).excess for factor in factors])
    lowest = _lowest_inside(excess)
    if lowest is None:
        return None
    between = np.geomspace(factors[lowest - 1], factors[lowest + 1], _FINER + 2)[1:-1]
    trials = [Scaled(float(factor), _misfit(sample, factor, PASSES)) for factor in between]
    best = min(trials, key=lambda trial: trial.misfit.value)
    return best if _is_clear(best.misfit, given) and _lasts(sample, best.factor) else None


def _is_clear(best: Misfit, given: Misfit) -> bool:
    """Say whether a factor leaves less than half; a probe out of focus asks less clearly."""
    return clearly_better(best, given) and best.excess < _SHARE * given.excess


def _lasts(sample: Sample, factor: float) -> bool:
    """Say whether a factor is still clear once the probe has had the time to become right."""
    given, best = (_misfit(sample, each, _LONG_PASSES) for each in (1.0, factor))
    return _is_clear(best, given)


def _lowest_inside(values: np.ndarray) -> int | None:
    """Return the index of the lowest value that both its neighbours exceed, or None."""
    inner = values[1:-1]
    inside = np.flatnonzero((inner < values[:-2]) & (inner < values[2:])) + 1
    return int(inside[np.argmin(values[inside])]) if len(inside) else None


def _misfit(sample: Sample, factor: float, passes: int) -> Misfit:
    return first_pass(replace(sample, positions=sample.positions * factor), passes).misfit
