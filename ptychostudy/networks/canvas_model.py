"""The network of a canvas: a small U-Net that changes what the likelihood says of an object."""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from ptychostudy.networks.blocks import DepthToSpace, Seeds, SpaceToDepth, double
from ptychostudy.networks.canvas_features import CHANNELS, Features
from ptychostudy.networks.canvas_network import LAST, LEVELS, CanvasNetwork, own_sides
from ptychostudy.networks.weights import set_weights


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
        self.answer(np.zeros((*self.shape, CHANNELS), dtype=np.float32))


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


def learned(features: Features, model: CanvasModel) -> np.ndarray:
    """Return a canvas (H, W) as the network changes it."""
    return features.changed(model.answer(features.channels)[0])


def with_weights(
    shape: tuple[int, int], weights: dict[str, np.ndarray], *, width: int
) -> CanvasModel:
    """Build a trained network for canvases of a shape.

    Parameters
    ----------
    shape : (int, int)
    weights : dict of str to ndarray
        As `get_weights` returned them, of a network for whatever shape.
    width : int
        Filters of the first level.
    """
    model = canvas_model(shape, width=width, seed=0)
    set_weights(model, weights)
    return model
