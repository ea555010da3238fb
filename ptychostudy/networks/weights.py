"""Weights and other variables of a Keras model as plain arrays, by name."""

from typing import Any, Protocol

import keras
import numpy as np


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
    _check_names(own, weights)
    # All shapes are looked at before the first value is set: a refusal leaves the model as it was.
    for name, variable in own.items():
        needed = tuple(variable.shape)
        given = tuple(weights[name].shape)
        if given != needed:
            raise ValueError(f"weight {name} needs shape {needed}, found {given}")
    for name, variable in own.items():
        variable.assign(weights[name])


def _check_names(own: dict[str, Any], weights: dict[str, np.ndarray]) -> None:
    """Refuse weights whose names are not exactly those of the network."""
    missing = sorted(own.keys() - weights.keys())
    unknown = sorted(weights.keys() - own.keys())
    if missing or unknown:
        raise ValueError(
            f"weights do not fit the network: missing {missing[:5]}, unknown {unknown[:5]}"
        )


def as_array(variable: keras.Variable) -> np.ndarray:
    """Copy a Keras variable to a NumPy array."""
    # Reshaping makes a tensor with the same bits: NumPy 2 warns about the variables' own form.
    return np.array(keras.ops.convert_to_numpy(keras.ops.reshape(variable, variable.shape)))


def variables(model: Learner) -> list[keras.Variable]:
    """Trainable variables of a network, in the order in which its layers were built."""
    own: list[keras.Variable] = model.trainer.trainable_variables
    return own
