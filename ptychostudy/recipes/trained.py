"""What a training leaves: a network, from what it is built again, and how it went."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ptychostudy.networks.course import TrainResult
from ptychostudy.networks.precision import FLOAT32
from ptychostudy.recipes.normalization import Normalization


@dataclass(frozen=True)
class Trained:
    """A network after its training, for the better or the worse.

    Attributes
    ----------
    weights : dict of str to ndarray
        By name, float32.
    config : dict
        From which the same network is built again.
    probe : (N, N) complex
    normalizations : dict of Normalization
        By dose.
    result : TrainResult
    precision : {"float32", "bfloat16"}
        Of its convolutions while it was trained.
    """

    weights: dict[str, np.ndarray]
    config: dict[str, Any]
    probe: np.ndarray
    normalizations: dict[str, Normalization]
    result: TrainResult
    precision: str = FLOAT32

    @property
    def outcome(self) -> dict[str, Any]:
        """Return status, reason and statistics, in numbers that JSON knows."""
        return {
            "status": self.result.status,
            "reason": self.result.reason,
            "statistics": spelt(self.result.statistics),
        }

    @property
    def history(self) -> list[dict[str, Any]]:
        """Return a row for each epoch."""
        return [spelt(row) for row in self.result.history]

    @property
    def normalization(self) -> dict[str, dict[str, float]]:
        """Return what a bundle keeps of the normalization, by dose."""
        return {dose: asdict(one) for dose, one in self.normalizations.items()}

    @property
    def parts(self) -> dict[str, Any]:
        """Return what a bundle holds of it."""
        return {
            "weights": self.weights,
            "probe": self.probe,
            "config": self.config,
            "normalization": self.normalization,
        }

    @property
    def record(self) -> dict[str, Any]:
        """Return how the training went, and of what network."""
        result = self.result
        return {
            **self.outcome,
            "epochs_completed": len(result.history),
            "best_epoch": result.best_epoch,
            "micro_batch": result.micro_batch,
            "precision": self.precision,
            "parameters": int(sum(np.size(value) for value in self.weights.values())),
            "config": self.config,
        }


def spelt(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Spell numbers that are not finite.

    Why a training failed must be kept, and JSON has no NaN.
    """
    return {key: value if math.isfinite(value) else str(value) for key, value in numbers.items()}
