"""What a bundle's ``config.json`` says about a network, and how a network is built from it again."""

from ptychostudy.networks.models import build_model
from ptychostudy.networks.weights import set_weights

OPTIONS = ("architecture", "width", "steps", "amplitude_head")


def network_config(settings, *, arm, kind, n, frames):
    """Return the plain data from which `network_from_config` builds the same network.

    Parameters
    ----------
    settings : dict
        Section ``train.pinn`` or ``train.baseline``.
    arm : str
        ``PtychoPINN`` or ``Baseline``.
    kind : {"pinn", "supervised"}
        How it is trained.
    n, frames : int
        Frame side N and frames per group C.
    """
    options = {name: settings[name] for name in OPTIONS}
    return {
        "format": 1,
        "arm": arm,
        "kind": kind,
        "n": n,
        "frames": frames,
        "seed": settings["seed"],
        "options": options,
    }


def network_from_config(config, probe, side, weights=None):
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
        seed=config["seed"],
        **config["options"],
    )
    if weights is not None:
        set_weights(model, weights)
    return model
