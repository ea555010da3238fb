"""The network of a canvas in NumPy: the answers of `canvas_model` without Keras.

What starts Keras and traces a graph takes seconds, the answer itself takes a tenth of one.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ptychostudy.networks import plain_layers
from ptychostudy.networks.canvas_network import LAST, LEVELS, CanvasNetwork, own_sides
from ptychostudy.networks.first_weights import first_weights
from ptychostudy.physics.team import Team

Passed = tuple[str, np.ndarray]
"""A layer on the way back, and the slope (h, f, w) of what it made."""
PassedBack = Generator[Passed, None, np.ndarray]
"""Layers on the way back, and in the end the slope of what was shown to the last of them."""


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
        return CanvasPass(self.weights, returns=False).there(batch[0])[None]


class CanvasPass:
    """One image on its way through a network, and the slope of a loss on its way back.

    Parameters
    ----------
    weights : mapping of str to ndarray
    returns : bool
        Whether it is to come back, for which what each layer was shown and made is kept.

    Attributes
    ----------
    slopes : dict of str to ndarray
        Of the weights, once it has been back.
    """

    def __init__(self, weights: Mapping[str, np.ndarray], *, returns: bool = True) -> None:
        self.weights = weights
        self.slopes: dict[str, np.ndarray] = {}
        self._returns = returns
        self._shown: dict[str, np.ndarray] = {}
        self._made: dict[str, np.ndarray] = {}

    def there(self, features: np.ndarray) -> np.ndarray:
        """Return the change (H, W, 2) of features (H, W, 8)."""
        x = plain_layers.packed(features)
        skips = []
        for level in range(LEVELS):
            x = self._double(x, f"down{level}")
            skips.append(x)
            x = plain_layers.halved(x)
        x = self._double(x, "bottom")
        for level in reversed(range(LEVELS)):
            x = np.concatenate([plain_layers.doubled(x), skips[level]], axis=1)
            x = self._double(x, f"up{level}")
        return plain_layers.unpacked(self._filtered(x, LAST))

    def back(self, slope: np.ndarray, team: Team) -> None:
        """Find the slopes of the weights, given that (H, W, 2) of the change.

        Parameters
        ----------
        slope : (H, W, 2) float32
        team : Team
            Another thread finds them while this one is on its way; no bit depends on it.
        """
        for layer, of_kernel, of_bias in team.map(self._of_layer, self._passed(slope)):
            self.slopes |= {f"{layer}/kernel": of_kernel, f"{layer}/bias": of_bias}

    def _of_layer(self, passed: Passed) -> tuple[str, np.ndarray, np.ndarray]:
        """Return the slopes of the weights of a layer."""
        layer, along = passed
        of_kernel = plain_layers.slope_of_kernel(self._shown[layer], along)
        return layer, of_kernel, along.sum(axis=(0, 2))

    def _passed(self, slope: np.ndarray) -> Iterator[Passed]:
        """Yield the layers on the way back, and the slope of what each made."""
        along = yield from self._filtered_back(plain_layers.packed(slope), LAST)
        skips = {}
        for level in range(LEVELS):
            along = yield from self._double_back(along, f"up{level}")
            below = along.shape[1] - self._filters(f"down{level}")
            skips[level] = along[:, below:]
            along = plain_layers.doubled_back(along[:, :below])
        along = yield from self._double_back(along, "bottom")
        for level in reversed(range(LEVELS)):
            along = plain_layers.halved_back(along)
            along += skips[level]
            along = yield from self._double_back(along, f"down{level}", last=level == 0)

    def _filters(self, name: str) -> int:
        return int(self.weights[f"{name}_b/bias"].size)

    def _double(self, x: np.ndarray, name: str) -> np.ndarray:
        """Apply two filters, each with a ReLU after it."""
        for layer in (f"{name}_a", f"{name}_b"):
            x = self._filtered(x, layer)
            np.maximum(x, 0, out=x)
            if self._returns:
                self._made[layer] = x
        return x

    def _double_back(self, along: np.ndarray, name: str, *, last: bool = False) -> PassedBack:
        """Pass two filters and their ReLUs on the way back; at the last one nothing is beyond."""
        for layer in (f"{name}_b", f"{name}_a"):
            along *= self._made[layer] > 0
            beyond = not (last and layer.endswith("_a"))
            along = yield from self._filtered_back(along, layer, beyond=beyond)
        return along

    def _filtered(self, x: np.ndarray, layer: str) -> np.ndarray:
        if self._returns:
            self._shown[layer] = x
        kernel, bias = (self.weights[f"{layer}/{part}"] for part in ("kernel", "bias"))
        return plain_layers.filtered(x, kernel, bias)

    def _filtered_back(self, along: np.ndarray, layer: str, *, beyond: bool = True) -> PassedBack:
        yield layer, along
        if not beyond:
            return along
        return plain_layers.slope_of_image(self.weights[f"{layer}/kernel"], along)


def plain_with_weights(
    shape: tuple[int, int], weights: Mapping[str, np.ndarray], threads: int = 1
) -> PlainCanvasNetwork:
    """Return a trained network for canvases of a shape.

    Parameters
    ----------
    shape : (int, int)
    weights : mapping of str to ndarray
        As a bundle holds them, of a network for whatever shape.
    threads : int
        That answer beside each other.
    """
    return PlainCanvasNetwork(own_sides(shape), weights, threads=threads)


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
