"""A bar of a round length on a picture, in metres where a pixel's side is known."""

import math

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from ptychostudy.figures.style import SMALL

# Of the picture's width, how long a bar is at most.
_SHARE = 0.4
_STEPS = (5, 2, 1)
_UNITS_M = {"mm": 1e-3, "µm": 1e-6, "nm": 1e-9}
# White with a black rim is seen on any grey.
_RIM = [withStroke(linewidth=3.5, foreground="black")]


def bar_length(cols: int, pixel_m: float | None) -> tuple[float, str]:
    """Return the length of a bar in pixels, and what stands above it.

    Parameters
    ----------
    cols : int
        Width of the picture, in pixels.
    pixel_m : float or None
        Side of a pixel; where it is not known, the length is a number of pixels.

    Returns
    -------
    length : float
        1, 2 or 5 times a power of ten, of metres or pixels; at most 0.4 of the width.
    text : str
    """
    if pixel_m is None:
        # There is no length below one pixel that could be seen.
        length = max(_round_below(_SHARE * cols), 1.0)
        return length, f"{length:g} px"
    metres = _round_below(_SHARE * cols * pixel_m)
    return metres / pixel_m, length_text(metres)


def length_text(metres: float) -> str:
    """Return a length in the largest of mm, µm and nm of which it is at least one."""
    fitting = [unit for unit, size in _UNITS_M.items() if metres >= size * (1 - 1e-9)]
    unit = fitting[0] if fitting else "nm"
    return f"{metres / _UNITS_M[unit]:g} {unit}"


def _round_below(length: float) -> float:
    """Return the largest of 1, 2 or 5 times a power of ten that is not longer."""
    # What is short of a round length by rounding alone has it.
    length *= 1 + 1e-9
    power = math.floor(math.log10(length))
    # As text: 10.0 ** -9 is not the number that 1e-9 is.
    rounded = [float(f"{step}e{power}") for step in _STEPS]
    return next((number for number in rounded if number <= length), rounded[-1])


def draw_scale_bar(ax: Axes, cols: int, pixel_m: float | None) -> None:
    """Draw such a bar in the lower left corner of a picture whose first pixel lies at 0."""
    length, text = bar_length(cols, pixel_m)
    bottom, top = ax.get_ylim()
    y = bottom + 0.07 * (top - bottom)
    start = 0.05 * cols
    _draw_bar(ax, start, start + length, y)
    _write_above(ax, text, (start + length / 2, y))


def _draw_bar(ax: Axes, start: float, stop: float, y: float) -> None:
    ax.plot(
        [start, stop],
        [y, y],
        color="white",
        linewidth=2,
        solid_capstyle="butt",
        path_effects=_RIM,
    )


def _write_above(ax: Axes, text: str, point: tuple[float, float]) -> None:
    ax.annotate(
        text,
        point,
        xytext=(0, 2.5),
        textcoords="offset points",
        color="white",
        ha="center",
        va="bottom",
        fontsize=SMALL,
        path_effects=_RIM,
    )
