"""Passes of a training: as the settings say, or as many as the groups of its scan ask for."""

import math
from typing import TYPE_CHECKING

from ptychostudy.study.names import BASELINE, PINN

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

_STEPS = {PINN: 300, BASELINE: 400}
"""Steps that a network learns in, some more than in the quick study."""
_LEAST = {PINN: 3, BASELINE: 10}
"""Passes, as of the quick study, after which a scan of many groups has taught what it can."""
_MOST = 100
_CANVAS_STEPS = {PINN: 100, BASELINE: 200}
"""Steps of a network of canvases, each on one of them in one direction."""
_DIRECTIONS = 4


def passes(arm: str, groups: int, settings: "NetworkSection") -> int:
    """Return the passes over its groups that a training takes at most.

    A network learns by steps: where a scan has few frames, each must be seen more often.

    Parameters
    ----------
    arm : str
        ``PtychoPINN`` or ``Baseline``.
    groups : int
        Groups (Baseline: frames) of all doses, those among them that validate; of a network of
        canvases its lessons.
    settings : PinnSettings or BaselineSettings
    """
    if settings.epochs != "auto":
        return settings.epochs
    if settings.architecture == "canvas":
        return math.ceil(_CANVAS_STEPS[arm] / (_DIRECTIONS * groups))
    training = max(1, round(groups * (1 - settings.validation_fraction)))
    steps = math.ceil(training / settings.batch_size)
    wanted = math.ceil(_STEPS[arm] / steps)
    return min(max(wanted, _LEAST[arm]), _MOST)


def settled(settings: "NetworkSection", epochs: int) -> "NetworkSection":
    """Return the settings of a training with the `passes` that it takes."""
    return settings.model_copy(update={"epochs": epochs})
