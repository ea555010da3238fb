"""How trainings went: loss and validation loss of every network, epoch by epoch."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ptychostudy.figures.style import SMALL, STYLES, TEXT, finish
from ptychostudy.report.markdown import photon_text

_CAPTION = (
    "First seed. Left axis: loss of what is learned from, mean of the epoch (filled). Right axis: "
    "validation loss, after the epoch (hollow); its scale is its own. Vertical line: best epoch, "
    "whose weights are kept. Dotted: entropy floor of the likelihood, below which no model comes; "
    "where an arrow names it, it lies below the panel. Networks of canvases: half the Poisson "
    "deviance a pixel of held-out photons, of a supervised one the mean square of what its field "
    "misses; both count from their floor, 0."
)
_LEARNED: dict[str, Any] = {"marker": "o", "markersize": 3.5, "linewidth": 1.3}
_VALIDATED: dict[str, Any] = {
    "color": "#555555",
    "marker": "s",
    "markersize": 4,
    "markerfacecolor": "white",
    "linestyle": "--",
    "linewidth": 1.1,
}
_WIDE = 3.0
_HIGH = 1.75
# In spans of what is drawn: a floor that lies farther below would flatten the curves.
_NEAR = 1.0
# Characters of why a training failed.
_REASON = 40


class Training(NamedTuple):
    """A training: which network, at which dose, of which view, and how it went.

    Attributes
    ----------
    network, dose, view : str
        The dose in photons, or ``all``; views in a word where they are several.
    history : dict of str to (e,) float
        Columns of ``history.csv``.
    best_epoch : int
    failed : str
        Why it failed; empty where it did not.
    """

    network: str
    dose: str
    view: str
    history: Mapping[str, np.ndarray]
    best_epoch: int
    failed: str

    @property
    def row(self) -> str:
        """Return what its row of panels is called."""
        return f"{self.network}, {self.view}"


def training_histories(trainings: Sequence[Training]) -> Figure:
    """Draw the losses of every training, a row for each network and view, a column for each dose.

    Parameters
    ----------
    trainings : sequence of Training
        Networks in the order shown.

    Returns
    -------
    Figure
    """
    rows = list(dict.fromkeys(training.row for training in trainings))
    doses = list(dict.fromkeys(training.dose for training in trainings))
    size = (_WIDE * len(doses) + 0.6, _HIGH * len(rows) + 1.5)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(rows), len(doses), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for training in trainings:
        ax = axes[rows.index(training.row), doses.index(training.dose)]
        ax.set_axis_on()
        _draw(ax, training)
    for ax in axes[-1]:
        ax.set_xlabel("epoch", fontsize=TEXT)
    return finish(figure, "Training histories of every network", _CAPTION)


def _draw(ax: Axes, training: Training) -> None:
    """Draw one training: two losses, each on an axis of its own colour."""
    color = STYLES[training.network]["color"]
    ax.set_title(_title(training), fontsize=SMALL)
    other = ax.twinx()
    _draw_losses(ax, training, "", {**_LEARNED, "color": color})
    _draw_losses(other, training, "val_", _VALIDATED)
    if training.best_epoch > 0:
        ax.axvline(training.best_epoch, color="black", linewidth=0.8, zorder=0)
    ax.set_ylabel("training", fontsize=SMALL, color=color)
    other.set_ylabel("validation", fontsize=SMALL, color=_VALIDATED["color"])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.tick_params(labelsize=SMALL)
    for panel, shade in ((ax, color), (other, _VALIDATED["color"])):
        panel.tick_params(axis="y", labelsize=SMALL, colors=shade)
        panel.spines["top"].set_visible(False)


def _title(training: Training) -> str:
    light = "all doses"
    if training.dose != "all":
        light = f"{photon_text(int(training.dose))} photons per frame"
    end = f"best epoch {training.best_epoch}"
    if training.failed:
        end = textwrap.shorten(f"failed: {training.failed}", _REASON, placeholder="…")
    return f"{training.row}\n{light}, {end}"


def _draw_losses(ax: Axes, training: Training, prefix: str, style: Mapping[str, Any]) -> None:
    """Draw a loss and its floor, if it is near enough; else say where it is."""
    epoch = training.history["epoch"]
    loss = _finite(training.history[f"{prefix}loss"])
    floor = _finite(training.history[f"{prefix}floor"])
    ax.plot(epoch, loss, **style)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4))
    # An offset above the axis is overlooked: all digits stand at the ticks.
    ax.ticklabel_format(axis="y", useOffset=False, style="plain")
    if not (np.isfinite(loss).any() and np.isfinite(floor).any()):
        return
    lowest = float(np.nanmin(loss))
    span = float(np.nanmax(loss)) - lowest
    if lowest - np.nanmin(floor) <= _NEAR * span:
        ax.plot(epoch, floor, ":", color=style["color"], linewidth=1.3)
    elif not prefix or floor[-1] != training.history["floor"][-1]:
        # Where falling curves leave room, on the side of the axis; one that both have is said once.
        x, y, side = (0.97, 0.86, "right") if prefix else (0.03, 0.06, "left")
        place: dict[str, Any] = {"transform": ax.transAxes, "fontsize": SMALL, "ha": side}
        ax.text(x, y, f"↓ floor {floor[-1]:.3g}", color=style["color"], **place)


def _finite(values: np.ndarray) -> np.ndarray:
    """Return values with NaN in place of what cannot be drawn."""
    return np.where(np.isfinite(values), values, np.nan)
