"""Position scale: whether all positions, longer or shorter by one factor, fit the frames better.

A wrong object pixel, or positions in a unit of which the file does not speak, leave each position
off by the same factor. Of a sample that is scaled too far apart no frame shares light with another,
so that any object fits: what is looked for is a minimum between two larger misfits.
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
    return best if clearly_better(best.misfit, given) else None


def _lowest_inside(values: np.ndarray) -> int | None:
    """Return the index of the lowest value that both its neighbours exceed, or None."""
    inner = values[1:-1]
    inside = np.flatnonzero((inner < values[:-2]) & (inner < values[2:])) + 1
    return int(inside[np.argmin(values[inside])]) if len(inside) else None


def _misfit(sample: Sample, factor: float, passes: int) -> Misfit:
    return first_pass(replace(sample, positions=sample.positions * factor), passes).misfit
