"""Colours, text sizes and frames that all figures share."""

import itertools
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ptychostudy.measure.statistics import LEAST_VALUES
from ptychostudy.report.cells import DESIGNS, known_word, truth_name
from ptychostudy.report.seeds import endings, seeds_text
from ptychostudy.study.arm_names import FEED_FORWARD, HYBRID, foreign
from ptychostudy.study.names import BASELINE, FLAT, PHYSICS, PINN, PTYCHI, TV, UNTRAINED

# Okabe and Ito's palette (jfly.uni-koeln.de/color): told apart with every common colour blindness;
# so are the markers. One is of Tol's muted palette (personal.sron.nl/~pault).
STYLES: dict[str, dict[str, Any]] = {
    PINN: {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    BASELINE: {"color": "#D55E00", "marker": "s", "linestyle": "-"},
    PTYCHI: {"color": "#009E73", "marker": "^", "linestyle": "-"},
    TV: {"color": "#E69F00", "marker": "v", "linestyle": "-"},
    FEED_FORWARD: {"color": "#56B4E9", "marker": ">", "linestyle": "-"},
    HYBRID: {"color": "#999933", "marker": "<", "linestyle": "-"},
    FLAT: {"color": "#999999", "marker": "x", "linestyle": "--"},
    UNTRAINED: {"color": "#CC79A7", "marker": "+", "linestyle": "--"},
    PHYSICS: {"color": "#000000", "marker": ".", "linestyle": "--"},
}
# Of other programs' arms, in turn: darker and lighter than ours, and dash-dotted. Three are of
# Tol's muted palette, too.
_FOREIGN: tuple[dict[str, Any], ...] = (
    {"color": "#44AA99", "marker": "D", "linestyle": "-."},
    {"color": "#882255", "marker": "P", "linestyle": "-."},
    {"color": "#332288", "marker": "*", "linestyle": "-."},
    {"color": "#661100", "marker": "h", "linestyle": "-."},
)
# Points.
SMALL = 7.5
TEXT = 8.5
TITLE = 10.5
# Greys behind what has no value: pixels not scored, failed arms, the region below the floor.
MASKED = "#d9d9d9"
FAILED = "#eeeeee"
BELOW = "#f0f0f0"
# Characters of a caption in an inch of the figure's width.
_CHARACTERS = 17


def styles_of(models: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return colour, marker and line of each model; arms of other programs take turns."""
    return {**STYLES, **dict(zip(foreign(models), itertools.cycle(_FOREIGN)))}


def finish(figure: Figure, title: str, caption: str) -> Figure:
    """Add title and caption."""
    figure.suptitle(title, fontsize=TITLE)
    width = int(figure.get_figwidth() * _CHARACTERS)
    figure.supxlabel(textwrap.fill(caption, width), fontsize=SMALL, color="#444444")
    return figure


def conditions(summary: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]) -> str:
    """Return what every caption says last: the design, seeds, convergence, failures and truth."""
    texts = [
        DESIGNS[summary["design"]],
        _seeds(summary),
        *endings(summary, cells),
        f"{known_word(cells)}: {truth_name(summary)}",
    ]
    # `str.capitalize` would make the rest small letters: PtyChi.
    return " ".join(f"{text[0].upper()}{text[1:]}." for text in texts)


def _seeds(summary: Mapping[str, Any]) -> str:
    """Return which seeds there are, and what of them is drawn."""
    number = summary["seeds"]["n"]
    text = seeds_text(summary)
    if number == 1:
        return text
    if number < LEAST_VALUES:
        return f"{text}: mean, too few for an interval"
    return f"{text}: mean and 95 % bootstrap interval of the mean"


def soften(ax: Axes) -> None:
    """Add a faint grid and drop the frame."""
    ax.grid(color="#e6e6e6", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=SMALL)
    ax.spines[["top", "right"]].set_visible(False)


def or_nan(value: float | None) -> float:
    """Return a number matplotlib leaves out where there is none."""
    return np.nan if value is None else value
