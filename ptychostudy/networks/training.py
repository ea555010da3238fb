"""Training on groups of frames, batch by batch, in smaller parts where memory is short."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.networks.batches import GroupData
from ptychostudy.networks.course import Means, TrainResult, Validation, follow
from ptychostudy.networks.descent import Descent
from ptychostudy.networks.losses import Criterion, likelihood_criterion, patch_criterion
from ptychostudy.networks.models import NetworkModel
from ptychostudy.networks.objective import objective_of
from ptychostudy.networks.passes import epoch_order, train_pass, validate
from ptychostudy.networks.weights import get_weights, set_weights

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

_log = logging.getLogger("ptychostudy")


@dataclass
class GroupCourse:
    """Groups of frames, all of them in each epoch.

    Attributes
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

    descent: Descent
    data: GroupData
    training: np.ndarray
    validation: np.ndarray
    seed: int

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """The network's, copied."""
        return get_weights(self.descent.model)

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Give them to the network."""
        set_weights(self.descent.model, weights)

    @property
    def micro_batch(self) -> int:
        """Groups in one network call."""
        return self.descent.micro_batch

    def rate(self, epoch: int) -> float:
        """Return the learning rate at the start of an epoch."""
        return self.descent.rate(epoch)

    def untrained_loss(self) -> float | None:
        """Return None: what random weights answer is no canvas."""
        return None

    def learn(self, epoch: int) -> Means:
        """Train on all groups once."""
        length = self.descent.steps_per_epoch * self.descent.batch_size
        order = epoch_order(self.training, self.seed, epoch, length)
        return train_pass(self.descent, self.data, order)

    def validate(self) -> Validation:
        """Compute loss, floor and statistics of the validation groups."""
        return validate(self.descent, self.data, self.validation)

    def divide(self, error: Exception) -> None:
        """Make each step of more, smaller parts."""
        self.descent.divide(error)
        _log.warning(
            "out of memory: this epoch again with %d groups at a time "
            "(batch_size of this network under train)",
            self.descent.micro_batch,
        )

    def state(self) -> dict[str, Any]:
        """Return the optimizer's variables, and in how many parts a step is made."""
        return {**self.descent.state(), "parts": self.descent.parts}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`."""
        self.descent.restore(state)


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
    criterion = _criterion(model, settings, mask, support)
    descent = Descent(model, criterion, len(training), settings)
    groups = (np.asarray(training), np.asarray(validation))
    course = GroupCourse(descent, data, *groups, settings.seed)
    return follow(
        course,
        settings,
        on_epoch=on_epoch,
        initial_state=initial_state,
        save_state=save_state,
    )


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
