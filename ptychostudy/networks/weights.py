"""Weights and other variables of a Keras model as plain arrays, by name."""

from typing import Protocol

import keras
import numpy as np

from ptychostudy.networks.fitting import check_weights


class Learner(Protocol):
    """What learns."""

    @property
    def trainer(self) -> keras.Model:
        """The model whose weights are trained."""


def get_weights(model: Learner) -> dict[str, np.ndarray]:
    """Return the trainable weights, ``{layer/variable: float32 array}``.

    The probe and the mask are constants and not among them.
    """
    return {variable.path: as_array(variable) for variable in variables(model)}


def set_weights(model: Learner, weights: dict[str, np.ndarray]) -> None:
    """Give a model the weights that `get_weights` returned.

    Raises
    ------
    ValueError
        If a name is missing or unknown, or a shape differs.
    """
    own = {variable.path: variable for variable in variables(model)}
    # Before the first value is set: a refusal leaves the model as it was.
    check_weights({name: tuple(variable.shape) for name, variable in own.items()}, weights)
    for name, variable in own.items():
        variable.assign(weights[name])


def as_array(variable: keras.Variable) -> np.ndarray:
    """Copy a Keras variable to a NumPy array."""
    # Reshaping makes a tensor with the same bits: NumPy 2 warns about the variables' own form.
    return np.array(keras.ops.convert_to_numpy(keras.ops.reshape(variable, variable.shape)))


def variables(model: Learner) -> list[keras.Variable]:
    """Trainable variables of a network, in the order in which its layers were built."""
    own: list[keras.Variable] = model.trainer.trainable_variables
    return own
