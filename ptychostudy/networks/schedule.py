"""Learning rate: a cosine after a warm-up, also where several calls make up one step."""

from typing import TYPE_CHECKING, Any

import keras

from ptychostudy.networks.tensors import Tensor

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

FLOOR = 0.02
"""Last rate of the cosine, relative to the peak."""


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


def cosine(
    learning_rate: float, steps: int, epochs: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return the schedule of a training: a rise within one epoch, then a cosine to 2 %.

    The rise takes a tenth of all steps where that is less than an epoch.

    Parameters
    ----------
    learning_rate : float
        Its peak.
    steps, epochs : int
        Steps in an epoch; epochs.
    """
    total = max(1, steps * epochs)
    # Adam's first moments are means over few gradients: a small rate keeps early steps small.
    warm = min(steps, total // 10)
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / 10,
        total - warm,
        alpha=FLOOR,
        warmup_target=learning_rate,
        warmup_steps=warm,
    )


class PerStep(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # as Layer
    """A schedule that counts steps, for an optimizer that counts the calls that make them up.

    Parameters
    ----------
    schedule : LearningRateSchedule
        Of steps.
    parts : int
        Calls in one step.
    """

    def __init__(
        self, schedule: keras.optimizers.schedules.LearningRateSchedule, parts: int
    ) -> None:
        self.schedule = schedule
        self.parts = parts

    def __call__(self, call: Any) -> Tensor:
        """Return the rate of the step that a call belongs to."""
        return self.schedule(keras.ops.floor_divide(call, self.parts))
