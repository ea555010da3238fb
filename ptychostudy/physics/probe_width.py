"""How wide a probe is: by a share of its power, or by its bright part, which tails do not widen."""

import math

import numpy as np

from ptychostudy.physics.probes import probe_diameter_px

# Of the peak of |P|^2: what is brighter is the probe, what is darker its tails.
_BRIGHT = 0.1
BRIGHT = "bright"
POWER = "power"


def bright_diameter_px(probe: np.ndarray) -> float:
    """Return the diameter of the disc as large as the part of a probe above a tenth of its peak.

    Tails may hold half of the power, and reach beyond the window: by the share of the power that
    is in it such a probe is as wide as its window, whatever it is.

    Parameters
    ----------
    probe : (N, N) complex
    """
    power = np.abs(probe) ** 2
    area = np.count_nonzero(power > _BRIGHT * power.max())
    return math.sqrt(4 * area / math.pi)


def width_px(probe: np.ndarray, kind: str) -> float:
    """Return the diameter of a probe, in pixels.

    Parameters
    ----------
    probe : (N, N) complex
    kind : {'power', 'bright'}
        ``power``: of the disc that holds 99 % of the power, which suits a probe that ends in its
        window. ``bright``: see `bright_diameter_px`.
    """
    return bright_diameter_px(probe) if kind == BRIGHT else probe_diameter_px(probe)
