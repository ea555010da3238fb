"""Weights of a network as plain arrays, and object canvases from them."""

import logging

import keras
import numpy as np

from ptychostudy.networks.backend import exhausted, out_of_memory
from ptychostudy.networks.batches import micro_batches

_log = logging.getLogger("ptychostudy")


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
        raise ValueError(f"weights do not fit the network: missing {missing[:5]}, unknown {unknown[:5]}")
    for name, variable in own.items():
        if tuple(weights[name].shape) != tuple(variable.shape):
            raise ValueError(f"weight {name} needs shape {tuple(variable.shape)}, found {tuple(weights[name].shape)}")
    for name, variable in own.items():
        variable.assign(weights[name])


def as_array(variable):
    """Copy a Keras variable to a NumPy array."""
    # Reshaping makes a tensor with the same bits: NumPy 2 warns about the variables' own conversion.
    return np.array(keras.ops.convert_to_numpy(keras.ops.reshape(variable, variable.shape)))


def variables(model):
    """Trainable variables of a `NetworkModel`."""
    return model.trainer.trainable_variables


class Predictor:
    """A network that computes object canvases of groups, and takes fewer at a time where memory is short.

    Every network call sees exactly ``batch_size`` groups (the last call is filled up by repetition), so the result
    for a group does not depend on how the groups were cut into chunks.

    Parameters
    ----------
    model : NetworkModel
        Network.
    data : GroupData
        Frames and groups.
    batch_size : int
        Groups in one network call; halved for good by each call that runs out of memory.
    """

    def __init__(self, model, data, batch_size=16):
        self.model, self.data, self.batch_size = model, data, batch_size

    def __call__(self, indices):
        """Return the canvases (k, P, P) complex64 of k groups; `MemoryError` where not even one group fits."""
        while True:
            try:
                return self._canvases(np.asarray(indices))
            except Exception as error:
                if not out_of_memory(error):
                    raise
                if self.batch_size == 1:
                    raise exhausted(error) from error
                self.batch_size //= 2
                _log.warning("out of memory: %d groups at a time from now on (infer.batch_size)", self.batch_size)

    def _canvases(self, indices):
        side, size = self.model.side, self.batch_size
        out = np.empty((len(indices), side, side), dtype=np.complex64)
        for start, chosen in micro_batches(indices, size):
            canvas = np.asarray(self.model.predictor.predict_on_batch(self.data.inputs(chosen)))
            kept = min(size, len(indices) - start)
            out[start : start + kept] = canvas[:kept, ..., 0] + 1j * canvas[:kept, ..., 1]
        return out


def predict(model, data, indices, *, batch_size=16):
    """Compute the object canvases of some groups once, see `Predictor`.

    Parameters
    ----------
    model : NetworkModel
        Network.
    data : GroupData
        Frames and groups.
    indices : (k,) int
        Groups to compute.
    batch_size : int
        Groups in one network call.

    Returns
    -------
    (k, P, P) complex64
    """
    return Predictor(model, data, batch_size)(indices)
