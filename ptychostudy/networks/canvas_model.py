"""The network of a canvas: a small U-Net that changes what the likelihood says of an object."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers

from ptychostudy.networks.backend import compiled
from ptychostudy.networks.blocks import DepthToSpace, Seeds, SpaceToDepth, double
from ptychostudy.networks.canvas_features import CHANNELS
from ptychostudy.networks.canvas_network import (
    LAST,
    LEVELS,
    CanvasLearner,
    CanvasNetwork,
    own_sides,
)
from ptychostudy.networks.rates import CLIP_NORM, epochs_of
from ptychostudy.networks.schedule import cosine
from ptychostudy.networks.tensors import Tensor
from ptychostudy.networks.weights import as_array, get_weights, set_weights

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection


@dataclass(frozen=True)
class CanvasModel(CanvasNetwork):
    """A network that can learn.

    Attributes
    ----------
    trainer : keras.Model
        Features (B, H, W, 8) -> change (B, H, W, 2).
    """

    trainer: keras.Model

    def say(self, batch: np.ndarray) -> np.ndarray:
        """Return the change (1, H, W, 2) float32 of features (1, H, W, 8)."""
        return np.asarray(self.trainer.predict_on_batch(batch))

    def warm(self) -> None:
        """Answer once for nothing: the first answer builds the graph."""
        self.say(np.zeros((1, *self.shape, CHANNELS), dtype=np.float32))


def canvas_model(shape: tuple[int, int], *, width: int, seed: int) -> CanvasModel:
    """Build the network; before any training its answer is no change at all.

    Parameters
    ----------
    shape : (int, int)
        Of the canvas; the network's own sides are the next multiples of `MULTIPLE`.
    width : int
        Filters of the first level.
    seed : int
        Of the initial weights.
    """
    rows, cols = own_sides(shape)
    seeds = Seeds(seed)
    features = keras.Input((rows, cols, CHANNELS), name="features")
    x = SpaceToDepth(name="pack")(features)
    skips = []
    for level in range(LEVELS):
        x = double(x, width * 2**level, f"down{level}", seeds)
        skips.append(x)
        x = layers.AveragePooling2D(2, name=f"pool{level}")(x)
    x = double(x, width * 2**LEVELS, "bottom", seeds)
    for level in reversed(range(LEVELS)):
        x = layers.UpSampling2D(2, name=f"grow{level}")(x)
        x = layers.Concatenate(name=f"skip{level}")([x, skips[level]])
        x = double(x, width * 2**level, f"up{level}", seeds)
    x = layers.Conv2D(8, 3, padding="same", kernel_initializer="zeros", name=LAST)(x)
    change = DepthToSpace(name="unpack")(x)
    return CanvasModel((rows, cols), keras.Model(features, change, name="canvas"))


def with_weights(
    shape: tuple[int, int], weights: dict[str, np.ndarray], *, width: int, threads: int = 1
) -> CanvasModel:
    """Build a trained network for canvases of a shape.

    Parameters
    ----------
    shape : (int, int)
    weights : dict of str to ndarray
        As `get_weights` returned them, of a network for whatever shape.
    width : int
        Filters of the first level.
    threads : int
        That answer beside each other.
    """
    model = canvas_model(shape, width=width, seed=0)
    set_weights(model, weights)
    return replace(model, threads=threads)


class KerasCanvasLearner(CanvasLearner):
    """The network and an optimizer of Keras, see `CanvasLearner`.

    What judges an answer is no part of the network's graph: it returns its slope at the answer, and
    the network descends along that. So the physics of a training is that of all else, and of any
    backend.
    """

    def __init__(
        self, shape: tuple[int, int], width: int, steps: int, settings: "NetworkSection"
    ) -> None:
        self.model = canvas_model(shape, width=width, seed=settings.seed)
        self.schedule = cosine(settings.learning_rate, steps, epochs_of(settings))
        self.optimizer = keras.optimizers.Adam(self.schedule, global_clipnorm=CLIP_NORM)
        self.optimizer.build(self.model.trainer.trainable_variables)
        self.model.trainer.compile(self.optimizer, loss=_along, jit_compile=compiled())

    @property
    def network(self) -> CanvasModel:
        """See `CanvasLearner`."""
        return self.model

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """See `CanvasLearner`."""
        return get_weights(self.model)

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """See `CanvasLearner`."""
        set_weights(self.model, weights)

    def step(self, batch: np.ndarray, slope_at: Callable[[np.ndarray], np.ndarray]) -> None:
        """See `CanvasLearner`."""
        self.model.trainer.train_on_batch(batch, slope_at(self.model.say(batch)))

    def rate(self, step: int) -> float:
        """See `CanvasLearner`."""
        return float(keras.ops.convert_to_numpy(self.schedule(step)))

    def state(self) -> dict[str, Any]:
        """See `CanvasLearner`."""
        variables = enumerate(self.optimizer.variables)
        return {f"optimizer/{k:03d}": as_array(variable) for k, variable in variables}

    def restore(self, state: dict[str, Any]) -> None:
        """See `CanvasLearner`."""
        for k, variable in enumerate(self.optimizer.variables):
            variable.assign(state[f"optimizer/{k:03d}"])


def _along(slope: Tensor, change: Tensor) -> Tensor:
    """Return what has, along a change, the slope that was asked for."""
    return keras.ops.sum(slope * change)
