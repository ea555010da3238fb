"""The control beside a network of groups: its form with random weights that see the detector."""

from collections.abc import Mapping
from typing import Any

from ptychostudy.study.names import PINN, UNTRAINED


def untrained(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return the control of a bundle: random weights that see the detector only.

    The back-projection is physics, not training: the control does without.
    """
    config = dict(bundle["config"])
    config["options"] = {**config["options"], "blind": True}
    return {**bundle, "weights": None, "config": config}


def with_control(arm: str, bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the networks of a shard; PtychoPINN brings the control with it."""
    if arm != PINN:
        return {arm: bundle}
    return {arm: bundle, UNTRAINED: untrained(bundle)}
