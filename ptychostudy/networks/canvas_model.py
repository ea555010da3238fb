"""The network of a canvas: a small U-Net that changes what the likelihood says of an object."""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from ptychostudy.networks.blocks import DepthToSpace, Seeds, SpaceToDepth, double
from ptychostudy.networks.canvas_features import CHANNELS, Features
from ptychostudy.networks.weights import set_weights

LEVELS = 2
"""Halvings of the side, after the packing of 2 x 2 pixels."""

MULTIPLE = 2 ** (LEVELS + 1)
"""Sides of what the network takes are multiples of it."""

FLIPS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
"""Directions of rows and columns under which the physics of a canvas is the same."""


@dataclass(frozen=True)
class CanvasModel:
    """A network for canvases of one shape.

    Attributes
    ----------
    trainer : keras.Model
        Features (B, H, W, 8) -> change (B, H, W, 2).
    shape : (int, int)
        H and W.
    """

    trainer: keras.Model
    shape: tuple[int, int]

    def answer(self, channels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the change of one canvas: the mean of the answers in all directions, their spread.

        Parameters
        ----------
        channels : (h, w, 8) float32

        Returns
        -------
        change : (h, w, 2) float32
        spread : (h, w) float32
            Standard deviation of the complex answers.
        """
        answers = np.stack([self._answer(channels, flip) for flip in FLIPS])
        change = answers.mean(axis=0)
        off = answers - change
        return change, np.sqrt(np.mean(np.sum(off**2, axis=-1), axis=0))

    def warm(self) -> None:
        """Answer once for nothing: the first answer builds the graph."""
        self.answer(np.zeros((*self.shape, CHANNELS), dtype=np.float32))

    def _answer(self, channels: np.ndarray, flip: tuple[int, int]) -> np.ndarray:
        answer = self.trainer.predict_on_batch(self.padded(flipped(channels, flip)))
        return flipped(self.cut(answer, channels.shape), flip)

    def padded(self, image: np.ndarray) -> np.ndarray:
        """Return an image (h, w, k) as a batch of one (1, H, W, k); its edge goes on."""
        more = [(0, side - own) for side, own in zip(self.shape, image.shape, strict=False)]
        return np.pad(image, [*more, (0, 0)], mode="edge")[None]

    @staticmethod
    def cut(batch: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Return the part of a batch of one (1, H, W, k) that was not added to it."""
        return np.asarray(batch)[0, : shape[0], : shape[1]]


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
    rows, cols = (side + -side % MULTIPLE for side in shape)
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
    x = layers.Conv2D(8, 3, padding="same", kernel_initializer="zeros", name="change_map")(x)
    change = DepthToSpace(name="unpack")(x)
    return CanvasModel(keras.Model(features, change, name="canvas"), (rows, cols))


def flipped(image: np.ndarray, flip: tuple[int, int]) -> np.ndarray:
    """Return an image (H, W, ...) with its rows and columns in these directions, +1 or -1."""
    return image[:: flip[0], :: flip[1]]


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
