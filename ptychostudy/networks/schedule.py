"""Learning rate: a cosine after a warm-up, also where several calls of the optimizer make up one step."""

import keras


def cosine(learning_rate, steps, epochs):
    """Return the schedule of a training: up within one epoch or a tenth of all steps, then a cosine to 2 %.

    Parameters
    ----------
    learning_rate : float
        Its peak.
    steps, epochs : int
        Steps in an epoch; epochs.
    """
    total = max(1, steps * epochs)
    warm = min(steps, total // 10)
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, total - warm, alpha=0.02, warmup_target=learning_rate, warmup_steps=warm
    )


class PerStep(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that counts steps, for an optimizer that counts the calls that make them up.

    Parameters
    ----------
    schedule : LearningRateSchedule
        Of steps.
    parts : int
        Calls in one step.
    """

    def __init__(self, schedule, parts):
        self.schedule, self.parts = schedule, parts

    def __call__(self, call):
        """Return the rate of the step that a call belongs to."""
        return self.schedule(keras.ops.floor_divide(call, self.parts))
