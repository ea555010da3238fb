"""What a network of canvases is asked, whatever computes it: one answer in all directions."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ptychostudy.networks.canvas_features import Features
from ptychostudy.physics.team import Team

CANVAS_FORMAT = 3
"""Of their bundles; another number means that they are shown other things."""

LEVELS = 2
"""Halvings of the side, after the packing of 2 x 2 pixels."""

MULTIPLE = 2 ** (LEVELS + 1)
"""Sides of what the network takes are multiples of it."""

FLIPS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
"""Directions of rows and columns under which the physics of a canvas is the same."""

LAST = "change_map"
"""Layer that makes the answer; its first weights are zero, so that training begins at no change."""


def flipped(image: np.ndarray, flip: tuple[int, int]) -> np.ndarray:
    """Return an image (H, W, ...) with its rows and columns in these directions, +1 or -1."""
    return image[:: flip[0], :: flip[1]]


def own_sides(shape: tuple[int, int]) -> tuple[int, int]:
    """Return the sides of what a network takes, for canvases (h, w)."""
    rows, cols = (side + -side % MULTIPLE for side in shape)
    return rows, cols


@dataclass(frozen=True)
class CanvasNetwork(ABC):
    """A network for canvases of one shape.

    Attributes
    ----------
    shape : (int, int)
        H and W of what it takes.
    threads : int
        That answer in a direction each; no bit depends on it.
    """

    shape: tuple[int, int]
    threads: int = field(default=1, kw_only=True)

    @abstractmethod
    def say(self, batch: np.ndarray) -> np.ndarray:
        """Return the change (1, H, W, 2) float32 of features (1, H, W, 8)."""

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
        answers = np.stack(list(Team(self.threads).map(partial(self._answer, channels), FLIPS)))
        change = answers.mean(axis=0)
        off = answers - change
        return change, np.sqrt(np.mean(np.sum(off**2, axis=-1), axis=0))

    def _answer(self, channels: np.ndarray, flip: tuple[int, int]) -> np.ndarray:
        answer = self.say(self.padded(flipped(channels, flip)))
        return flipped(self.cut(answer, channels.shape), flip)

    def padded(self, image: np.ndarray) -> np.ndarray:
        """Return an image (h, w, k) as a batch of one (1, H, W, k); its edge goes on."""
        more = [(0, side - own) for side, own in zip(self.shape, image.shape, strict=False)]
        return np.pad(image, [*more, (0, 0)], mode="edge")[None]

    @staticmethod
    def cut(batch: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Return the part of a batch of one (1, H, W, k) that was not added to it."""
        return np.asarray(batch)[0, : shape[0], : shape[1]]


def learned(features: Features, network: CanvasNetwork) -> np.ndarray:
    """Return a canvas (H, W) as a network changes it."""
    return features.changed(network.answer(features.channels)[0])


class CanvasLearner(ABC):
    """A network of canvases, and how it learns: Adam, a step a canvas.

    Parameters
    ----------
    shape : (int, int)
        Of the largest canvas.
    width : int
        Filters of the first level.
    steps : int
        In an epoch.
    settings : PinnSettings or BaselineSettings
        Of these ``epochs``, ``learning_rate`` and ``seed``.
    """

    @property
    @abstractmethod
    def network(self) -> CanvasNetwork:
        """The network as it stands."""

    @property
    @abstractmethod
    def weights(self) -> dict[str, np.ndarray]:
        """A copy of its weights, ``{layer/variable: float32 array}``."""

    @abstractmethod
    def set_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Give it weights; those of another network are refused with a ValueError."""

    @abstractmethod
    def step(self, batch: np.ndarray, slope_at: Callable[[np.ndarray], np.ndarray]) -> None:
        """Take a step down the slope of a loss.

        Parameters
        ----------
        batch : (1, H, W, 8) float32
            What is shown.
        slope_at : callable
            Gets the answer (1, H, W, 2) and returns the slope of the loss there, the same shape.
        """

    @abstractmethod
    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return what Adam remembers, ``optimizer/...``."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Let Adam remember a state."""
