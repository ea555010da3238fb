"""What a bundle's ``config.json`` says about a network, and how it is built from it again."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.networks.filters import filters_of
from ptychostudy.networks.models import NetworkModel, build_model
from ptychostudy.networks.objective import objective_of
from ptychostudy.networks.precision import FLOAT32, settled
from ptychostudy.networks.weights import set_weights

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

FORMAT = 1
# The settings that make the form of a network; all others are of its training.
OPTIONS = ("architecture", "width", "steps", "amplitude_head")


def network_config(settings: "NetworkSection", *, arm: str, n: int, frames: int) -> dict[str, Any]:
    """Return the plain data from which `network_from_config` builds the same network.

    Parameters
    ----------
    settings : PinnSettings, BaselineSettings or FeedForwardTraining
        Section of the network under ``train``.
    arm : str
        ``PtychoPINN``, ``Baseline`` or ``FeedForward``.
    n, frames : int
        Frame side N and frames per group C.
    """
    return {
        "format": FORMAT,
        "arm": arm,
        "kind": objective_of(settings).kind,
        "n": n,
        "frames": frames,
        "seed": settings.seed,
        "options": {name: getattr(settings, name) for name in OPTIONS}
        | {"width": filters_of(settings)},
    }


def trained_with(settings: "NetworkSection") -> str:
    """Return the precision that a training computes its convolutions with."""
    return settled(settings.precision) if settings.architecture == "ptychopinn" else FLOAT32


def network_from_config(
    config: dict[str, Any],
    probe: np.ndarray,
    side: int,
    weights: dict[str, np.ndarray] | None = None,
    *,
    mask: np.ndarray | None = None,
    precision: str = FLOAT32,
) -> NetworkModel:
    """Build a network and give it trained weights; without weights it is the untrained control.

    Parameters
    ----------
    config : dict
        From `network_config`.
    probe : (N, N) complex
        Probe, any scale.
    side : int
        Side of the group canvas in pixels; no weight depends on it.
    weights : dict of str to ndarray, optional
    mask : (N, N) bool, optional
        Pixels of the detector that count; no weight depends on it.
    precision : {"float32", "bfloat16"}
        Of the ancestor's convolutions; weights are float32.

    Returns
    -------
    NetworkModel
    """
    model = build_model(
        config["kind"],
        config["n"],
        config["frames"],
        side,
        probe,
        mask=mask,
        seed=config["seed"],
        precision=precision,
        **config["options"],
    )
    if weights is not None:
        set_weights(model, weights)
    return model
