"""A training as it goes: epochs, early stopping, guards, and exact resume.

All randomness comes from seed and epoch; the state after an epoch is a plain dictionary of arrays
and numbers, from which a run continues to the same bits (CPU) as if it had never stopped.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ptychostudy.networks.collapse import ALL_DONE, Outcome, judge
from ptychostudy.networks.rates import epochs_of
from ptychostudy.networks.stopping import Best

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

_log = logging.getLogger("ptychostudy")


class Means(NamedTuple):
    """Loss and floor, means over the groups of a pass."""

    loss: float
    floor: float


class Validation(NamedTuple):
    """What a pass over the validation groups gives.

    Attributes
    ----------
    means : Means
        Loss and floor.
    statistics : dict
        From `output_statistics`, of the first batch: the same groups in every epoch.
    """

    means: Means
    statistics: dict[str, float]


@dataclass
class TrainResult:
    """How a training ended.

    Attributes
    ----------
    status : {"ok", "failed"}
        Failed means: never average this arm.
    reason : str
        Why it stopped.
    statistics : dict
        Means and standard deviations of the fixed probe batch's output, and the last losses.
    history : list of dict
        One row per epoch: epoch, loss, val_loss, floor, val_floor, learning_rate.
    best_epoch : int
        Epoch whose weights the model holds now.
    micro_batch : int
        Groups in one network call: the batch size, or a divisor of it where memory was short.
    """

    status: str
    reason: str
    statistics: dict[str, Any]
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    micro_batch: int = 0


class Course(Protocol):
    """What a training consists of: how an epoch is learned and validated."""

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """A copy of what is learned, ``{layer/variable: float32 array}``."""

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Go on from weights; a network of others refuses them."""

    @property
    def micro_batch(self) -> int:
        """Samples in one network call."""

    def rate(self, epoch: int) -> float:
        """Return the learning rate at the start of an epoch, counted from 0."""

    def untrained_loss(self) -> float | None:
        """Return the validation loss before any training, where that is an answer already."""

    def learn(self, epoch: int) -> Means:
        """Learn for an epoch, counted from 0."""

    def validate(self) -> Validation:
        """Return where the network stands."""

    def divide(self, error: Exception) -> None:
        """Go on in smaller parts where memory is short; raise every other error."""

    def state(self) -> dict[str, Any]:
        """Return what belongs to the course beside the weights."""

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""


def follow(
    course: Course,
    settings: "NetworkSection",
    *,
    on_epoch: Callable[[dict[str, Any]], object] | None = None,
    initial_state: dict[str, Any] | None = None,
    save_state: Callable[[dict[str, Any]], object] | None = None,
) -> TrainResult:
    """Train along a course; the model ends with the weights of the best validation epoch.

    Parameters
    ----------
    course : Course
    settings : PinnSettings or BaselineSettings
        Of these ``epochs`` and ``patience``.
    on_epoch, initial_state, save_state
        See `train`.
    """
    epochs = epochs_of(settings)
    run = _Run(course)
    if initial_state is not None:
        run.restore(initial_state)
        _log.info("continues after epoch %d of %d", run.epoch, epochs)
    else:
        run.begin()
    while run.goes_on(epochs, settings.patience):
        if not run.tried_epoch():
            continue
        if on_epoch is not None:
            on_epoch(run.history[-1])
        if save_state is not None:
            save_state(run.state())
    course.set_weights(run.best.weights)
    return run.result()


class _Run:
    """State of one training: everything that `state` saves and `restore` brings back.

    Parameters
    ----------
    course : Course
    """

    def __init__(self, course: Course) -> None:
        self.course = course
        self.epoch = 0
        self.best = Best(course.weights)
        self.history: list[dict[str, Any]] = []
        self.outcome = Outcome("ok", ALL_DONE, {})

    def begin(self) -> None:
        """Take the network as it is for the best so far, if it has an answer."""
        loss = self.course.untrained_loss()
        if loss is not None:
            self.best.see(0, loss, self.course.weights)

    def goes_on(self, epochs: int, patience: int) -> bool:
        """Say whether another epoch is wanted."""
        return self.epoch < epochs and self.best.wait < patience and self.outcome.status == "ok"

    def tried_epoch(self) -> bool:
        """Train for one epoch; where memory is short, return False with the run as it was.

        Its steps are then made of smaller parts.
        """
        before = self.state()
        try:
            self._one_epoch()
        except Exception as error:
            self.course.divide(error)
            # Some steps of the epoch have been taken: they would count twice.
            self.restore(before)
            return False
        return True

    def _one_epoch(self) -> None:
        """Train and validate once, judge the output, keep the best weights."""
        rate = self.course.rate(self.epoch)
        trained = self.course.learn(self.epoch)
        self._note(rate, trained, self.course.validate())

    def _note(self, rate: float, trained: Means, validation: Validation) -> None:
        """Count an epoch that is done."""
        self.epoch += 1
        validated, statistics = validation
        losses = {"epoch": self.epoch, "loss": trained.loss, "val_loss": validated.loss}
        floors = {"floor": trained.floor, "val_floor": validated.floor}
        # In the order of the columns of history.csv.
        self.history.append({**losses, **floors, "learning_rate": rate})
        self.best.see(self.epoch, validated.loss, self.course.weights)
        self.outcome = judge({**statistics, **losses})

    def result(self) -> TrainResult:
        """Describe where the run stands."""
        status, reason, statistics = self.outcome
        if status == "ok" and self.history and self.best.wait:
            reason = f"best epoch {self.best.epoch} of {self.epoch}"
        return TrainResult(
            status,
            reason,
            statistics,
            list(self.history),
            self.best.epoch,
            self.course.micro_batch,
        )

    def state(self) -> dict[str, Any]:
        """Return everything a later run needs: flat dictionary of arrays and plain numbers."""
        weights = self.course.weights
        return {
            **{f"weights/{name}": value for name, value in weights.items()},
            **{f"best/{name}": value for name, value in self.best.weights.items()},
            **self.course.state(),
            "epoch": self.epoch,
            "wait": self.best.wait,
            "best_epoch": self.best.epoch,
            "best_loss": self.best.loss,
            "history": list(self.history),
            "outcome": list(self.outcome),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`; a state of another network or optimizer is refused."""
        self.course.set_weights(_under("weights/", state))
        self.course.restore(state)
        self.epoch = int(state["epoch"])
        self.history = list(state["history"])
        self.outcome = Outcome(*state["outcome"])
        self._restore_best(state)

    def _restore_best(self, state: dict[str, Any]) -> None:
        """Continue to wait for what is better than the best epoch of `state`."""
        self.best.weights = _under("best/", state)
        self.best.loss = float(state["best_loss"])
        self.best.epoch = int(state["best_epoch"])
        self.best.wait = int(state["wait"])


def _under(prefix: str, state: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the entries of a state whose names begin so, without the prefix."""
    return {
        key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)
    }
