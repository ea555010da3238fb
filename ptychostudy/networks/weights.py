"""Weights and other variables of a Keras model as plain arrays, by name."""

import keras
import numpy as np


def get_weights(model):
    """Return the trainable weights, ``{layer/variable: float32 array}``; the probe and the mask are not among them."""
    return {variable.path: as_array(variable) for variable in variables(model)}


def set_weights(model, weights):
    """Give a model the weights that `get_weights` returned.

    Raises
    ------
    ValueError
        If a name is missing or unknown, or a shape differs.
    """
    own = {variable.path: variable for variable in variables(model)}
    missing, unknown = sorted(own.keys() - weights.keys()), sorted(weights.keys() - own.keys())
    if missing or unknown:
        raise ValueError(
            f"weights do not fit the network: missing {missing[:5]}, unknown {unknown[:5]}"
        )
    for name, variable in own.items():
        if tuple(weights[name].shape) != tuple(variable.shape):
            raise ValueError(
                f"weight {name} needs shape {tuple(variable.shape)}, found {tuple(weights[name].shape)}"
            )
    for name, variable in own.items():
        variable.assign(weights[name])


def as_array(variable):
    """Copy a Keras variable to a NumPy array."""
    # Reshaping makes a tensor with the same bits: NumPy 2 warns about the variables' own conversion.
    return np.array(keras.ops.convert_to_numpy(keras.ops.reshape(variable, variable.shape)))


def variables(model):
    """Trainable variables of a `NetworkModel`."""
    return model.trainer.trainable_variables
