"""Train: one network on the frames of a view at one dose, or at several."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.formats.scan import Scan
from ptychostudy.networks.canvas_model import CanvasModel
from ptychostudy.networks.config import network_config, network_from_config, trained_with
from ptychostudy.networks.course import TrainResult
from ptychostudy.networks.models import NetworkModel
from ptychostudy.networks.precision import FLOAT32
from ptychostudy.networks.training import train
from ptychostudy.networks.weights import get_weights
from ptychostudy.recipes.detector import mask_identity, mask_of
from ptychostudy.recipes.normalization import Normalization, dose_key
from ptychostudy.recipes.training_set import make_training_set

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection


@dataclass(frozen=True)
class Trained:
    """A network after its training, for the better or the worse.

    Attributes
    ----------
    model : NetworkModel or CanvasModel
    config : dict
        From which the same network is built again.
    probe : (N, N) complex
    normalizations : dict of Normalization
        By dose.
    result : TrainResult
    precision : {"float32", "bfloat16"}
        Of its convolutions while it was trained.
    """

    model: NetworkModel | CanvasModel
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

    # Each call would copy every weight off the device.
    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights by name."""
        return get_weights(self.model)

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


def train_network(
    arm: str,
    sources: Sequence[Scan],
    groups: np.ndarray | None,
    settings: "NetworkSection",
    *,
    known: Sequence[ArmProduct] = (),
    on_epoch: Callable[[dict[str, Any]], object] | None = None,
    initial_state: dict[str, Any] | None = None,
    save_state: Callable[[dict[str, Any]], object] | None = None,
) -> Trained:
    """Train one network.

    Parameters
    ----------
    arm : str
        Name that the bundle carries.
    sources : sequence of Scan
        The same scan at one dose or at several, each normalised by its own mean; of pixels that
        are not valid nothing is learned.
    groups : (g, C) int, optional
        Frames of each group; without it every frame is a group of its own.
    settings : PinnSettings or BaselineSettings
    known : sequence of ArmProduct
        A reconstruction of each source, where a supervised network does not learn from the truth.
    on_epoch, initial_state, save_state
        See `ptychostudy.networks.training.train`.

    Raises
    ------
    DataError
        If no frame lies where its label is known.
    """
    # The probe of the first dose stands for all: a network takes it in a gauge of its own.
    lesson = make_training_set(sources, groups, settings, known)
    probe = sources[0].probe
    mask = mask_of(sources[0])
    frames = lesson.data.members.shape[1]
    config = network_config(settings, arm=arm, n=len(probe), frames=frames)
    config |= mask_identity(sources[0])
    precision = trained_with(settings)
    model = network_from_config(config, probe, lesson.side, mask=mask, precision=precision)
    result = train(
        model,
        lesson.data,
        lesson.training,
        lesson.validation,
        settings,
        mask=mask,
        support=np.abs(probe) ** 2,
        on_epoch=on_epoch,
        initial_state=initial_state,
        save_state=save_state,
    )
    doses = map(dose_key, sources)
    by_dose = dict(zip(doses, lesson.normalizations, strict=True))
    return Trained(model, config, probe, by_dose, result, precision)
