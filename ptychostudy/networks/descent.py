"""Gradient descent; a step is one network call, or several where memory is short."""

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from ptychostudy.networks.backend import compiled
from ptychostudy.networks.losses import Criterion
from ptychostudy.networks.memory import exhausted, out_of_memory
from ptychostudy.networks.models import NetworkModel
from ptychostudy.networks.rates import CLIP_NORM, epochs_of
from ptychostudy.networks.schedule import PerStep, cosine
from ptychostudy.networks.weights import as_array, variables

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection


class Descent:
    """A network with its loss and its optimizer.

    Parameters
    ----------
    model : NetworkModel
        Network.
    criterion : Criterion
        What is minimised.
    groups : int
        Groups that train.
    settings : PinnSettings or BaselineSettings
        Of these: batch size, learning rate and number of epochs.

    Attributes
    ----------
    batch_size : int
        Groups in one step.
    steps_per_epoch : int
        Steps in one epoch.
    parts : int
        Network calls in one step.
    """

    def __init__(
        self, model: NetworkModel, criterion: Criterion, groups: int, settings: "NetworkSection"
    ) -> None:
        self.model = model
        self.criterion = criterion
        self.batch_size = min(settings.batch_size, groups)
        self.steps_per_epoch = math.ceil(groups / self.batch_size)
        epochs = epochs_of(settings)
        self.schedule = cosine(settings.learning_rate, self.steps_per_epoch, epochs)
        self.parts = 1
        self._attach()

    def _attach(self) -> None:
        """Give the network an optimizer that takes one step for `parts` calls."""
        optimizer = self._optimizer()
        # Built now, not at the first step: a state can be restored before there was one.
        optimizer.build(variables(self.model))
        self.optimizer = optimizer
        self.model.trainer.compile(
            optimizer, loss={"target": self.criterion.loss, "object": None}, jit_compile=compiled()
        )

    def _optimizer(self) -> keras.optimizers.Adam:
        """Return Adam; in parts, it adds up gradients, and its rate follows steps, not calls."""
        if self.parts == 1:
            return keras.optimizers.Adam(self.schedule, global_clipnorm=CLIP_NORM)
        return keras.optimizers.Adam(
            PerStep(self.schedule, self.parts),
            global_clipnorm=CLIP_NORM,
            gradient_accumulation_steps=self.parts,
        )

    @property
    def micro_batch(self) -> int:
        """Groups in one network call."""
        return self.batch_size // self.parts

    def rate(self, epoch: int) -> float:
        """Return the learning rate at the start of an epoch, counted from 0."""
        return float(keras.ops.convert_to_numpy(self.schedule(epoch * self.steps_per_epoch)))

    def call(self, inputs: dict[str, np.ndarray], target: np.ndarray) -> float:
        """Train on one micro-batch; return its mean loss before the step."""
        trainer = self.model.trainer
        # Without it Keras would return the mean since the last reset.
        trainer.reset_metrics()
        return float(np.ravel(trainer.train_on_batch(inputs, {"target": target}))[0])

    def evaluate(
        self, inputs: dict[str, np.ndarray], target: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the loss (B,) of each group of a micro-batch and their canvases (B, P, P, 2)."""
        output = self.model.trainer.predict_on_batch(inputs)
        known = keras.ops.convert_to_tensor(target)
        values = self.criterion.loss(known, keras.ops.convert_to_tensor(output["target"]))
        arrays = (values, output["object"])
        of_each, canvases = (np.asarray(keras.ops.convert_to_numpy(each)) for each in arrays)
        return of_each, canvases

    def divide(self, error: Exception) -> None:
        """Make each step of twice as many equal parts or more.

        Raises
        ------
        MemoryError
            If a part is one group already.
        Exception
            The error itself, where it is no lack of memory.
        """
        if not out_of_memory(error):
            raise error
        if self.micro_batch == 1:
            raise exhausted(error) from error
        # Equal parts only: a mean of their gradients is then the gradient of the whole batch.
        self.parts = next(
            parts
            for parts in range(2 * self.parts, self.batch_size + 1)
            if self.batch_size % parts == 0
        )
        self._attach()

    def state(self) -> dict[str, np.ndarray]:
        """Return the optimizer's variables, ``optimizer/NNN``."""
        arrays = {}
        for k, variable in enumerate(self._lasting()):
            value = as_array(variable)
            # The counter, its only integer, counts calls; the state counts steps.
            kept = value // self.parts if value.dtype.kind == "i" else value
            arrays[f"optimizer/{k:03d}"] = np.asarray(kept)
        return arrays

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`, in no fewer parts than were needed before.

        Raises
        ------
        ValueError
            If the state is of another optimizer.
        """
        if state["parts"] > self.parts:
            self.parts = int(state["parts"])
            self._attach()
        own = self._lasting()
        _check_number(own, state)
        for k, variable in enumerate(own):
            value = state[f"optimizer/{k:03d}"]
            variable.assign(value * self.parts if value.dtype.kind == "i" else value)

    def _lasting(self) -> list[keras.Variable]:
        """Variables of the optimizer that outlive a step; sums over its parts are empty by then."""
        return [
            variable
            for variable in self.optimizer.variables
            if "gradient_accumulator" not in variable.path
        ]


def _check_number(own: list[keras.Variable], state: dict[str, Any]) -> None:
    """Refuse a state with more or fewer optimizer variables."""
    expected = len(own)
    kept = sum(key.startswith("optimizer/") for key in state)
    if expected != kept:
        raise ValueError(
            f"the saved state holds {kept} optimizer variables, this network's optimizer {expected}"
        )
