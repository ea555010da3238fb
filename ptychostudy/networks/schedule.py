"""Learning rate for Keras, also where several calls make up one step."""

from typing import Any

import keras

from ptychostudy.networks.rates import FIRST, FLOOR, warm_steps
from ptychostudy.networks.tensors import Tensor


def cosine(
    learning_rate: float, steps: int, epochs: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return the schedule of a training for Keras, see `rate_of`.

    Parameters
    ----------
    learning_rate : float
        Its peak.
    steps, epochs : int
        Steps in an epoch; epochs.
    """
    total = max(1, steps * epochs)
    warm = warm_steps(steps, total)
    return keras.optimizers.schedules.CosineDecay(
        FIRST * learning_rate,
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
