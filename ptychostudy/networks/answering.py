"""What a network says layer by layer, and where one step of its training leads."""

from typing import Any

import keras
import numpy as np

from ptychostudy.networks.backend import compiled
from ptychostudy.networks.rates import CLIP_NORM
from ptychostudy.networks.weights import Learner, get_weights

KEPT = 4096
"""Numbers that are kept of the output of a layer."""
RATE = 1e-3
_OFF = 0.1


def layers_of(model: keras.Model, shown: Any) -> dict[str, np.ndarray]:
    """Return numbers (<= 4096,) of the output of every layer that has one, in their order.

    Parameters
    ----------
    model : keras.Model
    shown : array or dict of arrays
        A batch.
    """
    layers = [layer for layer in model.layers if hasattr(layer.output, "shape")]
    outputs = keras.Model(model.inputs, [layer.output for layer in layers])
    ordered = shown
    if isinstance(shown, dict):
        ordered = [shown[tensor.name] for tensor in model.inputs]
    answers = outputs.predict_on_batch(ordered)
    return {layer.name: _some(value) for layer, value in zip(layers, answers, strict=True)}


def _some(output: np.ndarray) -> np.ndarray:
    """Return numbers of an output, spread over all of it."""
    flat = np.asarray(output, dtype=np.float32).ravel()
    return flat[:: max(1, len(flat) // KEPT)][:KEPT]


def one_step(model: Learner, shown: Any) -> dict[str, np.ndarray]:
    """Return the weights after one step towards an answer that is off by 0.1 from the network's.

    Parameters
    ----------
    model : CanvasModel or NetworkModel
        It is changed.
    shown : array or dict of arrays
        A batch.
    """
    trainer = model.trainer
    said = trainer.predict_on_batch(shown)
    if isinstance(said, dict):
        wanted: Any = {key: np.asarray(value) + _OFF for key, value in said.items()}
    else:
        wanted = np.asarray(said) + _OFF
    optimizer = keras.optimizers.Adam(RATE, global_clipnorm=CLIP_NORM)
    trainer.compile(optimizer, loss="mean_squared_error", jit_compile=compiled())
    trainer.train_on_batch(shown, wanted)
    return get_weights(model)
