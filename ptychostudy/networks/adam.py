"""Adam (Kingma & Ba, arXiv:1412.6980) in NumPy, its gradient cut to a norm: as Keras has it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_FIRST, _SECOND = 0.9, 0.999
"""Memory of the mean of the gradients, and of that of their squares."""
_SMALL = 1e-7
"""Added to the root of the latter."""


class Adam:
    """An optimizer of weights by name, in place.

    Parameters
    ----------
    weights : mapping of str to ndarray
        What is optimised, float32.
    rate : callable
        Learning rate of a step, counted from 0.
    norm : float
        Largest norm of the gradient of all weights together.
    """

    def __init__(
        self, weights: Mapping[str, np.ndarray], rate: Callable[[int], float], norm: float
    ) -> None:
        self.weights = weights
        self.rate = rate
        self.norm = norm
        self.steps = 0
        self._mean = {name: np.zeros_like(value) for name, value in weights.items()}
        self._square = {name: np.zeros_like(value) for name, value in weights.items()}

    def step(self, slopes: Mapping[str, np.ndarray]) -> None:
        """Take a step, given the slope of each weight."""
        found = np.sqrt(sum(float(np.vdot(slope, slope)) for slope in slopes.values()))
        # Written so that what is no number stays none.
        share = np.float32(self.norm / found if found > self.norm else 1.0)
        share = share if np.isfinite(found) else np.float32(np.nan)
        rate = self.rate(self.steps)
        self.steps += 1
        unbiased = np.sqrt(1 - _SECOND**self.steps) / (1 - _FIRST**self.steps)
        length = np.float32(rate * unbiased)
        for name, value in self.weights.items():
            slope = slopes[name] * share
            mean, square = self._mean[name], self._square[name]
            mean += (slope - mean) * np.float32(1 - _FIRST)
            square += (slope * slope - square) * np.float32(1 - _SECOND)
            value -= length * mean / (np.sqrt(square) + np.float32(_SMALL))

    def state(self) -> dict[str, Any]:
        """Return what it remembers, ``optimizer/...``."""
        means = {f"optimizer/mean/{name}": value.copy() for name, value in self._mean.items()}
        squares = {f"optimizer/square/{name}": value.copy() for name, value in self._square.items()}
        return {**means, **squares, "optimizer/steps": self.steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Remember a state of the same weights."""
        self.steps = int(state["optimizer/steps"])
        for name in self.weights:
            self._mean[name][...] = state[f"optimizer/mean/{name}"]
            self._square[name][...] = state[f"optimizer/square/{name}"]
