"""Train: one network of groups on the frames of a view at one dose, or at several."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.formats.scan import Scan
from ptychostudy.networks.config import network_config, network_from_config, trained_with
from ptychostudy.networks.training import train
from ptychostudy.networks.weights import get_weights
from ptychostudy.recipes.detector import mask_identity, mask_of
from ptychostudy.recipes.normalization import dose_key
from ptychostudy.recipes.trained import Trained
from ptychostudy.recipes.training_set import make_training_set

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection


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
    return Trained(get_weights(model), config, probe, by_dose, result, precision)
