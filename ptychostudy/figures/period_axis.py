"""Spatial frequency told as a length: the half period that belongs to it."""

import math

from matplotlib.axes import Axes

from ptychostudy.figures.style import SMALL

_NM = 1e-9
# Of the height of a panel: below the numbers of the frequency and its label.
_BELOW = -0.32
_STEPS = (1, 1.5, 2, 3, 5, 7)
# In units of Nyquist: numbers that are nearer to each other would touch.
_APART = 0.13
_DECADES = 2


def half_periods(pixel_nm: float) -> list[float]:
    """Return round half periods from that of Nyquist on, as far apart as they can be read.

    Parameters
    ----------
    pixel_nm : float
        Side of a pixel, the half period at Nyquist.
    """
    first = math.floor(math.log10(pixel_nm))
    powers = range(first, first + _DECADES)
    chosen: list[float] = []
    for length in (step * 10.0**power for power in powers for step in _STEPS):
        frequency = pixel_nm / length
        # A length of the pixel's own has the end of the axis, but for rounding.
        far = not chosen or pixel_nm / chosen[-1] - frequency >= _APART
        if frequency <= 1 + 1e-9 and far:
            chosen.append(length)
    return chosen


def draw_half_periods(ax: Axes, pixel_m: float) -> None:
    """Add an axis of half periods in nm below one of spatial frequencies in units of Nyquist.

    Parameters
    ----------
    ax : Axes
    pixel_m : float
        Side of a pixel.
    """
    pixel_nm = pixel_m / _NM
    lengths = half_periods(pixel_nm)
    added = ax.secondary_xaxis(_BELOW)
    places = [pixel_nm / length for length in lengths]
    added.set_xticks(places, [f"{length:g}" for length in lengths])
    added.tick_params(labelsize=SMALL)
    added.set_xlabel("half period (nm)", fontsize=SMALL)
