"""How far a training goes in a step: a rise, then a cosine; and how steep a slope may be."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

CLIP_NORM = 1.0
"""Largest norm of the gradient of all weights together."""
FLOOR = 0.02
"""Last rate of the cosine, relative to the peak."""
FIRST = 0.1
"""First rate of the rise, relative to the peak."""


def epochs_of(settings: "NetworkSection") -> int:
    """Return the passes of a training.

    Raises
    ------
    ValueError
        If nobody has settled them yet; see `ptychostudy.recipes.passes`.
    """
    if settings.epochs == "auto":
        raise ValueError("epochs is auto; needed: the number that the groups of the scan ask for")
    return settings.epochs


def warm_steps(steps: int, total: int) -> int:
    """Return the steps of the rise: an epoch, or a tenth of all where that is less."""
    # Adam's first moments are means over few gradients: a small rate keeps early steps small.
    return min(steps, total // 10)


def rate_of(step: int, peak: float, steps: int, epochs: int) -> float:
    """Return the learning rate of a step: a rise to the peak, then a cosine to 2 % of it.

    Parameters
    ----------
    step : int
        Counted from 0.
    peak : float
    steps, epochs : int
        Steps in an epoch; epochs.
    """
    total = max(1, steps * epochs)
    warm = warm_steps(steps, total)
    if step < warm:
        return peak * (FIRST + (1 - FIRST) * step / warm)
    passed = min(1.0, (step - warm) / (total - warm))
    return peak * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * passed)))
