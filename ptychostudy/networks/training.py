"""Training loop: lazy batches, spatial validation, early stopping, guards, and exact resume.

All randomness comes from ``SeedSequence([seed, epoch])``; the state after an epoch is a plain
dictionary of arrays and numbers, from which a run continues to the same bits (CPU) as if it had
never stopped.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.networks.batches import GroupData
from ptychostudy.networks.collapse import ALL_DONE, Outcome, judge
from ptychostudy.networks.descent import Descent
from ptychostudy.networks.losses import Criterion, likelihood_criterion, patch_criterion
from ptychostudy.networks.models import NetworkModel
from ptychostudy.networks.objective import objective_of
from ptychostudy.networks.passes import Means, Validation, epoch_order, train_pass, validate
from ptychostudy.networks.schedule import epochs_of
from ptychostudy.networks.stopping import Best
from ptychostudy.networks.weights import get_weights, set_weights

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

_log = logging.getLogger("ptychostudy")


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


def train(
    model: NetworkModel,
    data: GroupData,
    training: np.ndarray,
    validation: np.ndarray,
    settings: "NetworkSection",
    *,
    mask: np.ndarray | None = None,
    support: np.ndarray | None = None,
    on_epoch: Callable[[dict[str, Any]], object] | None = None,
    initial_state: dict[str, Any] | None = None,
    save_state: Callable[[dict[str, Any]], object] | None = None,
) -> TrainResult:
    """Train a network in place; the model ends with the weights of the best validation epoch.

    Parameters
    ----------
    model : NetworkModel
        Network.
    data : GroupData
        Frames and groups (with truth for a supervised network).
    training, validation : int arrays
        Groups, see `spatial_split`.
    settings : PinnSettings or BaselineSettings
        Of these ``epochs``, ``batch_size`` (groups per step), ``learning_rate`` (peak of the cosine
        schedule), ``seed`` (of the data order), ``patience`` (epochs without improvement) and the
        loss of a PINN.
    mask, support : (N, N) array, optional
        Detector weights of a PINN; weights of the patch pixels of a supervised network.
    on_epoch : callable, optional
        Gets each history row.
    initial_state, save_state : dict, callable, optional
        State of an earlier run to continue; receiver of the state after each epoch.

    Returns
    -------
    TrainResult
        Status "failed" with reason and statistics where the output collapsed or a number was not
        finite.

    Raises
    ------
    MemoryError
        If not even one group at a time fits. Before that, an epoch that ran out of memory is done
        again with its batches in smaller parts, whose gradients add up to the same step but for
        rounding.
    """
    epochs = epochs_of(settings)
    criterion = _criterion(model, settings, mask, support)
    descent = Descent(model, criterion, len(training), settings)
    run = _Run(descent, data, np.asarray(training), np.asarray(validation), settings.seed)
    if initial_state is not None:
        run.restore(initial_state)
        _log.info("continues after epoch %d of %d", run.epoch, epochs)
    while run.goes_on(epochs, settings.patience):
        if not run.tried_epoch():
            continue
        if on_epoch is not None:
            on_epoch(run.history[-1])
        if save_state is not None:
            save_state(run.state())
    set_weights(model, run.best.weights)
    return run.result()


def _criterion(
    model: NetworkModel,
    settings: "NetworkSection",
    mask: np.ndarray | None,
    support: np.ndarray | None,
) -> Criterion:
    """Choose the loss of a network."""
    if model.kind == "supervised":
        return patch_criterion(np.ones((model.n, model.n)) if support is None else support)
    return likelihood_criterion(objective_of(settings).loss, mask)


class _Run:
    """State of one training: everything that `state` saves and `restore` brings back.

    Parameters
    ----------
    descent : Descent
        Network and optimizer.
    data : GroupData
        Frames and groups.
    training, validation : int arrays
        Groups.
    seed : int
        Of the order of the training groups.
    """

    def __init__(
        self,
        descent: Descent,
        data: GroupData,
        training: np.ndarray,
        validation: np.ndarray,
        seed: int,
    ) -> None:
        self.descent = descent
        self.data = data
        self.training = training
        self.validation = validation
        self.seed = seed
        self.epoch = 0
        self.best = Best(descent.model)
        self.history: list[dict[str, Any]] = []
        self.outcome = Outcome("ok", ALL_DONE, {})

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
            self.descent.divide(error)
            _log.warning(
                "out of memory: epoch %d again with %d groups at a time "
                "(batch_size of this network under train)",
                self.epoch + 1,
                self.descent.micro_batch,
            )
            # Some steps of the epoch have been taken: they would count twice.
            self.restore(before)
            return False
        return True

    def _one_epoch(self) -> None:
        """Train and validate once, judge the output, keep the best weights."""
        rate = self.descent.rate(self.epoch)
        length = self.descent.steps_per_epoch * self.descent.batch_size
        order = epoch_order(self.training, self.seed, self.epoch, length)
        trained = train_pass(self.descent, self.data, order)
        validation = validate(self.descent, self.data, self.validation)
        self._note(rate, trained, validation)

    def _note(self, rate: float, trained: Means, validation: Validation) -> None:
        """Count an epoch that is done."""
        self.epoch += 1
        validated, statistics = validation
        losses = {"epoch": self.epoch, "loss": trained.loss, "val_loss": validated.loss}
        floors = {"floor": trained.floor, "val_floor": validated.floor}
        # In the order of the columns of history.csv.
        self.history.append({**losses, **floors, "learning_rate": rate})
        self.best.see(self.epoch, validated.loss, self.descent.model)
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
            self.descent.micro_batch,
        )

    def state(self) -> dict[str, Any]:
        """Return everything a later run needs: flat dictionary of arrays and plain numbers."""
        weights = get_weights(self.descent.model)
        return {
            **{f"weights/{name}": value for name, value in weights.items()},
            **{f"best/{name}": value for name, value in self.best.weights.items()},
            **self.descent.state(),
            "epoch": self.epoch,
            "wait": self.best.wait,
            "best_epoch": self.best.epoch,
            "best_loss": self.best.loss,
            "parts": self.descent.parts,
            "history": list(self.history),
            "outcome": list(self.outcome),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`; a state of another network or optimizer is refused."""
        set_weights(self.descent.model, _under("weights/", state))
        self.descent.restore(state)
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
