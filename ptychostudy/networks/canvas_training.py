"""Training on canvases: each lesson a canvas, and how good a change of it is.

What judges an answer is no part of the network's graph: it returns its slope at the answer, and the
network descends along that. So the physics of a training is that of all else, and of any backend.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from ptychostudy.networks.backend import compiled, exhausted, out_of_memory
from ptychostudy.networks.canvas_features import Features
from ptychostudy.networks.canvas_model import CanvasModel, canvas_model, learned
from ptychostudy.networks.canvas_network import FLIPS, flipped
from ptychostudy.networks.descent import CLIP_NORM
from ptychostudy.networks.passes import Means, Validation
from ptychostudy.networks.schedule import cosine, epochs_of
from ptychostudy.networks.tensors import Tensor
from ptychostudy.networks.weights import as_array

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

Judge = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Loss of a canvas (H, W), and its gradient with respect to the conjugate of the canvas."""


@dataclass(frozen=True)
class Lesson:
    """A canvas to learn from.

    Attributes
    ----------
    features : Features
    judge : Judge
        By what the network learns.
    validated : callable
        Loss of a canvas by what it does not learn from.
    lit : (H, W) bool
        Where there is something to see.
    """

    features: Features
    judge: Judge
    validated: Callable[[np.ndarray], float]
    lit: np.ndarray


class CanvasCourse:
    """Lessons on canvases; in each epoch every one is given in all four directions.

    Parameters
    ----------
    lessons : sequence of Lesson
        Of any shapes.
    width : int
        Filters of the first level.
    settings : PinnSettings or BaselineSettings
        Of these ``epochs``, ``learning_rate`` and ``seed``.
    """

    micro_batch = 1

    def __init__(self, lessons: Sequence[Lesson], width: int, settings: "NetworkSection") -> None:
        self.lessons = lessons
        self.seed = settings.seed
        self.steps = len(lessons) * len(FLIPS)
        self.schedule = cosine(settings.learning_rate, self.steps, epochs_of(settings))
        shapes = {lesson.features.base.shape for lesson in lessons}
        # One for the shape of all: canvases of the views of a scan have the same.
        largest = tuple(max(sides) for sides in zip(*shapes, strict=True))
        self.model: CanvasModel = canvas_model(largest, width=width, seed=settings.seed)
        self.optimizer = keras.optimizers.Adam(self.schedule, global_clipnorm=CLIP_NORM)
        self.optimizer.build(self.model.trainer.trainable_variables)
        self.model.trainer.compile(self.optimizer, loss=_along, jit_compile=compiled())

    def rate(self, epoch: int) -> float:
        """Return the learning rate at the start of an epoch, counted from 0."""
        return float(ops.convert_to_numpy(self.schedule(epoch * self.steps)))

    def untrained_loss(self) -> float | None:
        """Return the loss of canvases without any change: what does not beat it is not kept."""
        losses = [lesson.validated(lesson.features.base) for lesson in self.lessons]
        return float(np.mean(losses))

    def learn(self, epoch: int) -> Means:
        """Give every lesson in all directions, in an order of this epoch."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, epoch]))
        losses = []
        for step in rng.permutation(self.steps):
            lesson = self.lessons[step // len(FLIPS)]
            losses.append(self._step(lesson, FLIPS[step % len(FLIPS)]))
            # No later step can mend weights that are not numbers.
            if not np.isfinite(losses[-1]):
                break
        return Means(float(np.mean(losses)), 0.0)

    def _step(self, lesson: Lesson, flip: tuple[int, int]) -> float:
        """Take a step along the slope of a lesson's loss; return the loss before it."""
        features = lesson.features
        shape = features.base.shape
        shown = self.model.padded(flipped(features.channels, flip))
        answer = self.model.cut(self.model.trainer.predict_on_batch(shown), shape)
        loss, gradient = lesson.judge(features.changed(flipped(answer, flip)))
        slope = np.zeros((1, *self.model.shape, 2), dtype=np.float32)
        slope[0, : shape[0], : shape[1]] = flipped(features.slope(gradient), flip)
        self.model.trainer.train_on_batch(shown, slope)
        return loss

    def validate(self) -> Validation:
        """Return the mean loss of what is not learned from, and the spread of the first canvas."""
        canvases = [learned(lesson.features, self.model) for lesson in self.lessons]
        losses = [
            lesson.validated(canvas) for lesson, canvas in zip(self.lessons, canvases, strict=True)
        ]
        return Validation(
            Means(float(np.mean(losses)), 0.0), _spread(canvases[0][self.lessons[0].lit])
        )

    def divide(self, error: Exception) -> None:
        """Raise the error: a step is one canvas, which cannot be divided."""
        if not out_of_memory(error):
            raise error
        raise exhausted(error) from error

    def state(self) -> dict[str, Any]:
        """Return the optimizer's variables, ``optimizer/NNN``."""
        variables = enumerate(self.optimizer.variables)
        return {f"optimizer/{k:03d}": as_array(variable) for k, variable in variables}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        for k, variable in enumerate(self.optimizer.variables):
            variable.assign(state[f"optimizer/{k:03d}"])


def _along(slope: Tensor, change: Tensor) -> Tensor:
    """Return what has, along a change, the slope that was asked for."""
    return ops.sum(slope * change)


def _spread(values: np.ndarray) -> dict[str, float]:
    """Return mean and standard deviation of amplitude and phase, as guards of a training ask."""
    amplitude = np.abs(values)
    phase = np.angle(values)
    return {
        "amplitude_mean": float(amplitude.mean()),
        "amplitude_std": float(amplitude.std()),
        "phase_mean": float(phase.mean()),
        "phase_std": float(phase.std()),
    }
