"""A network of canvases that learns in NumPy: the steps of `KerasCanvasLearner` without Keras.

For one canvas at a time a step takes no longer than one of TensorFlow on a CPU, as it asks for the
answer once, and it starts at once: Keras takes seconds.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.networks.adam import Adam
from ptychostudy.networks.canvas_features import CHANNELS
from ptychostudy.networks.canvas_network import LAST, LEVELS, CanvasLearner, own_sides
from ptychostudy.networks.canvas_plain import CanvasPass, PlainCanvasNetwork
from ptychostudy.networks.first_weights import first_weights
from ptychostudy.networks.fitting import check_weights
from ptychostudy.networks.rates import CLIP_NORM, epochs_of, rate_of
from ptychostudy.physics.team import Team

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

_PACKED = 4
"""Pixels that are packed into one."""


class PlainCanvasLearner(CanvasLearner):
    """The network and its optimizer, see `CanvasLearner`.

    Parameters
    ----------
    shape, width, steps, settings
        See there.
    threads : int
        That work beside each other; no bit depends on it.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        width: int,
        steps: int,
        settings: "NetworkSection",
        *,
        threads: int = 1,
    ) -> None:
        self._weights = _first(width, settings.seed)
        self._network = PlainCanvasNetwork(own_sides(shape), self._weights, threads=threads)
        self._team = Team(threads)
        peak, epochs = settings.learning_rate, epochs_of(settings)
        rate = partial(rate_of, peak=peak, steps=steps, epochs=epochs)
        self._adam = Adam(self._weights, rate, CLIP_NORM)

    @property
    def network(self) -> PlainCanvasNetwork:
        """See `CanvasLearner`."""
        return self._network

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """See `CanvasLearner`."""
        return {name: value.copy() for name, value in self._weights.items()}

    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """See `CanvasLearner`."""
        check_weights({name: value.shape for name, value in self._weights.items()}, weights)
        for name, value in self._weights.items():
            value[...] = weights[name]

    def step(self, batch: np.ndarray, slope_at: Callable[[np.ndarray], np.ndarray]) -> None:
        """See `CanvasLearner`."""
        shown = CanvasPass(self._weights)
        answer = shown.there(batch[0])
        shown.back(slope_at(answer[None])[0], self._team)
        self._adam.step(shown.slopes)

    def rate(self, step: int) -> float:
        """See `CanvasLearner`."""
        return self._adam.rate(step)

    def state(self) -> dict[str, Any]:
        """See `CanvasLearner`."""
        return self._adam.state()

    def restore(self, state: dict[str, Any]) -> None:
        """See `CanvasLearner`."""
        self._adam.restore(state)


def _first(width: int, seed: int) -> dict[str, np.ndarray]:
    """Return the first weights of all layers; with them there is no change at all."""
    weights = {}
    for layer, (inputs, filters) in _layers(width).items():
        shape = (3, 3, inputs, filters)
        zero = np.zeros(shape, dtype=np.float32)
        weights[f"{layer}/kernel"] = zero if layer == LAST else first_weights(seed, layer, shape)
        weights[f"{layer}/bias"] = np.zeros(filters, dtype=np.float32)
    return weights


def _layers(width: int) -> dict[str, tuple[int, int]]:
    """Return inputs and filters of each layer, as `canvas_model` builds them."""
    layers: dict[str, tuple[int, int]] = {}
    inputs = _PACKED * CHANNELS
    for level in range(LEVELS + 1):
        name, filters = f"down{level}" if level < LEVELS else "bottom", width * 2**level
        layers |= {f"{name}_a": (inputs, filters), f"{name}_b": (filters, filters)}
        inputs = filters
    for level in reversed(range(LEVELS)):
        filters = width * 2**level
        layers |= {f"up{level}_a": (inputs + filters, filters), f"up{level}_b": (filters, filters)}
        inputs = filters
    return {**layers, LAST: (inputs, 2 * _PACKED)}
