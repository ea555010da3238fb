"""The network of a canvas in NumPy: the answers of `canvas_model` without Keras.

What starts Keras and traces a graph takes seconds, the answer itself takes a tenth of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ptychostudy.networks.canvas_network import LAST, LEVELS, CanvasNetwork, own_sides
from ptychostudy.networks.first_weights import first_weights

_SIDE = 3
"""Of all filters."""


@dataclass(frozen=True)
class PlainCanvasNetwork(CanvasNetwork):
    """A trained network for canvases of one shape.

    Attributes
    ----------
    weights : mapping of str to ndarray
        ``layer/kernel`` (3, 3, k, f) and ``layer/bias`` (f,), float32.
    """

    weights: Mapping[str, np.ndarray]

    def say(self, batch: np.ndarray) -> np.ndarray:
        """Return the change (1, H, W, 2) float32 of features (1, H, W, 8)."""
        x = _packed(batch[0])
        skips = []
        for level in range(LEVELS):
            x = self._double(x, f"down{level}")
            skips.append(x)
            x = _halved(x)
        x = self._double(x, "bottom")
        for level in reversed(range(LEVELS)):
            x = np.concatenate([_doubled(x), skips[level]], axis=-1)
            x = self._double(x, f"up{level}")
        return _unpacked(self._filtered(x, LAST))[None]

    def _double(self, x: np.ndarray, name: str) -> np.ndarray:
        """Apply two filters, each with a ReLU after it."""
        for part in "ab":
            x = np.maximum(self._filtered(x, f"{name}_{part}"), 0)
        return x

    def _filtered(self, x: np.ndarray, layer: str) -> np.ndarray:
        """Return the sums (h, w, f) of 3 x 3 pixels of an image (h, w, k); beyond its edge is 0."""
        h, w, _ = x.shape
        kernel = self.weights[f"{layer}/kernel"]
        beyond = _SIDE // 2
        padded = np.pad(x, ((beyond, beyond), (beyond, beyond), (0, 0)))
        # Neighbours side by side, in the order of the kernel: one product for all pixels.
        steps = np.ndindex(_SIDE, _SIDE)
        around = np.concatenate([padded[r : r + h, c : c + w] for r, c in steps], axis=-1)
        sums = around.reshape(h * w, -1) @ kernel.reshape(-1, kernel.shape[-1])
        return np.asarray(sums.reshape(h, w, -1) + self.weights[f"{layer}/bias"])


def plain_with_weights(
    shape: tuple[int, int], weights: Mapping[str, np.ndarray]
) -> PlainCanvasNetwork:
    """Return a trained network for canvases of a shape.

    Parameters
    ----------
    shape : (int, int)
    weights : mapping of str to ndarray
        As a bundle holds them, of a network for whatever shape.
    """
    return PlainCanvasNetwork(own_sides(shape), weights)


def random_weights(weights: Mapping[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Return first weights of all layers of a network, of the last one, too.

    Parameters
    ----------
    weights : mapping of str to ndarray
        Of a network of the same form, from which shapes are taken.
    seed : int
    """
    drawn = {}
    for name, value in weights.items():
        layer, _, variable = name.rpartition("/")
        bias = np.zeros(value.shape, dtype=np.float32)
        drawn[name] = first_weights(seed, layer, value.shape) if variable == "kernel" else bias
    return drawn


def _packed(x: np.ndarray) -> np.ndarray:
    """Pack 2 x 2 pixels into channels: (H, W, k) -> (H/2, W/2, 4k)."""
    h, w, k = x.shape
    squares = x.reshape(h // 2, 2, w // 2, 2, k).transpose(0, 2, 1, 3, 4)
    return squares.reshape(h // 2, w // 2, 4 * k)


def _unpacked(x: np.ndarray) -> np.ndarray:
    """Undo `_packed`: (h, w, 4k) -> (2h, 2w, k)."""
    h, w, k = x.shape
    squares = x.reshape(h, w, 2, 2, k // 4).transpose(0, 2, 1, 3, 4)
    return squares.reshape(2 * h, 2 * w, k // 4)


def _halved(x: np.ndarray) -> np.ndarray:
    """Return the means (h/2, w/2, k) of 2 x 2 pixels."""
    h, w, k = x.shape
    return np.asarray(x.reshape(h // 2, 2, w // 2, 2, k).mean(axis=(1, 3)))


def _doubled(x: np.ndarray) -> np.ndarray:
    """Repeat each pixel twice along rows and columns, (2h, 2w, k)."""
    return x.repeat(2, axis=0).repeat(2, axis=1)
