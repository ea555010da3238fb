"""Training on canvases: each lesson a canvas, and how good a change of it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.networks.canvas_features import Features
from ptychostudy.networks.canvas_network import FLIPS, CanvasLearner, flipped, learned
from ptychostudy.networks.course import Means, Validation
from ptychostudy.networks.memory import exhausted, out_of_memory

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


MakeLearner = Callable[[tuple[int, int], int, int, "NetworkSection"], CanvasLearner]
"""Of the shape of the largest canvas, filters, steps in an epoch and settings."""


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
    make : callable
        `PlainCanvasLearner` or `KerasCanvasLearner`.
    """

    micro_batch = 1

    def __init__(
        self,
        lessons: Sequence[Lesson],
        width: int,
        settings: "NetworkSection",
        make: MakeLearner,
    ) -> None:
        self.lessons = lessons
        self.seed = settings.seed
        self.steps = len(lessons) * len(FLIPS)
        shapes = {lesson.features.base.shape for lesson in lessons}
        # One for the shape of all: canvases of the views of a scan have the same.
        rows, cols = (max(sides) for sides in zip(*shapes, strict=True))
        self.learner = make((rows, cols), width, self.steps, settings)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Those of the network, copied."""
        return self.learner.weights

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Give them to the network."""
        self.learner.set_weights(weights)

    def rate(self, epoch: int) -> float:
        """Return the learning rate at the start of an epoch, counted from 0."""
        return self.learner.rate(epoch * self.steps)

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
        network = self.learner.network
        losses = []

        def slope_at(answer: np.ndarray) -> np.ndarray:
            change = flipped(network.cut(answer, shape), flip)
            loss, gradient = lesson.judge(features.changed(change))
            losses.append(loss)
            slope = np.zeros(answer.shape, dtype=np.float32)
            slope[0, : shape[0], : shape[1]] = flipped(features.slope(gradient), flip)
            return slope

        self.learner.step(network.padded(flipped(features.channels, flip)), slope_at)
        return losses[0]

    def validate(self) -> Validation:
        """Return the mean loss of what is not learned from, and the spread of the first canvas."""
        canvases = [learned(lesson.features, self.learner.network) for lesson in self.lessons]
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
        """Return what the optimizer remembers."""
        return self.learner.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self.learner.restore(state)


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
