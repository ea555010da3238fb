"""One score of every model in one panel, and what its marks mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ptychostudy.figures.style import SMALL, or_nan, soften, styles_of
from ptychostudy.report.cells import arms_in, model_order
from ptychostudy.report.seeds import repeated, runs_of

PHASE_ERROR = ("rms_phase_rad", "phase")
"""Metric and column of the score that the counting floor bounds."""

_SIZE = 4.5
_BAR: dict[str, Any] = {"fmt": "none", "elinewidth": 1.3, "capsize": 3.5, "capthick": 1.3}
_SEED: dict[str, Any] = {"alpha": 0.4, "markersize": 4}
_MARKER_ONLY = {"linestyle": "none", "zorder": 4}
_HOLLOW = {"markerfacecolor": "white"}
_RIMMED = {"markeredgecolor": "black", "markeredgewidth": 1.3}
# In the legend a mark is grey: it means the same in every model's colour.
_GREY: dict[str, Any] = {"color": "#666666", "linestyle": "none", "markersize": _SIZE}
_MEANINGS: dict[str, dict[str, Any]] = {
    "below the floor": {"marker": "o", "markerfacecolor": "white"},
    "not converged": {"marker": "^", "markeredgecolor": "black"},
    "one seed": {"marker": ".", "alpha": 0.4},
    "95 % interval": {"marker": "$\\mathrm{I}$"},
}


@dataclass(frozen=True)
class _Curve:
    """One score of one model over some cells (k): mean and interval (k,), and one seed's each."""

    model: str
    x: Sequence[float]
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seeds: list[list[float]]
    style: Mapping[str, Any]

    @property
    def color(self) -> str:
        return str(self.style["color"])


def draw_scores(
    ax: Axes,
    x: Sequence[float],
    cells: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any],
    metric: tuple[str, str],
) -> None:
    """Draw one score of every model: means as a line, intervals as bars, seeds as faint points.

    Parameters
    ----------
    ax : Axes
        Panel.
    x : list of float
        Place of each cell.
    cells : list of dict
        Cells of the summary, in the order of `x`.
    summary : dict
        ``metrics_summary.json``.
    metric : (str, str)
        Metric and column.
    """
    soften(ax)
    ax.margins(x=0.08)
    # All models of the study, not of these cells: each has its place in the legend.
    models, arms = model_order(summary["jobs"]), arms_in(summary["jobs"])
    styles = styles_of(models)
    for model in models:
        scores = [repeated(summary, cell, model, *metric) for cell in cells]
        curve = _curve(model, x, scores, styles[model])
        if summary["seeds"]["n"] > 1:
            _draw_seeds(ax, curve)
        _draw_curve(ax, curve)
        if model in arms and metric == PHASE_ERROR:
            _mark_below(ax, curve, [cell["phase_floor_rad"] for cell in cells])
        if model in arms:
            _mark_unsettled(ax, curve, [_unsettled(summary, cell, model) for cell in cells])


def _curve(
    model: str,
    x: Sequence[float],
    scores: Sequence[Mapping[str, Any]],
    style: Mapping[str, Any],
) -> _Curve:
    return _Curve(
        model=model,
        x=x,
        mean=np.array([or_nan(score["mean"]) for score in scores]),
        low=np.array([or_nan(score["low"]) for score in scores]),
        high=np.array([or_nan(score["high"]) for score in scores]),
        seeds=[list(score["values"].values()) for score in scores],
        style=style,
    )


def _draw_seeds(ax: Axes, curve: _Curve) -> None:
    for place, values in zip(curve.x, curve.seeds, strict=True):
        ax.plot([place] * len(values), values, ".", color=curve.color, **_SEED)


def _draw_curve(ax: Axes, curve: _Curve) -> None:
    """Draw the mean, and its interval where there are seeds enough for one."""
    ax.plot(curve.x, curve.mean, label=curve.model, markersize=_SIZE, linewidth=1.3, **curve.style)
    if np.isfinite(curve.low).any():
        # Values that differ by rounding alone may put the mean one bit outside.
        lengths = np.maximum([curve.mean - curve.low, curve.high - curve.mean], 0)
        ax.errorbar(curve.x, curve.mean, lengths, ecolor=curve.color, **_BAR)


def _mark_below(ax: Axes, curve: _Curve, floors: Sequence[float]) -> None:
    # No unbiased estimate gets there: a prior, or the start of a solver, shows through.
    below = curve.mean < floors
    _mark(ax, curve, below, _HOLLOW)


def _mark_unsettled(ax: Axes, curve: _Curve, unsettled: Sequence[bool]) -> None:
    _mark(ax, curve, np.array(unsettled), _RIMMED)


def _mark(ax: Axes, curve: _Curve, which: np.ndarray, change: Mapping[str, Any]) -> None:
    """Draw some markers of a curve once more, changed, above the line."""
    marked = np.where(which, curve.mean, np.nan)
    style = {**curve.style, **_MARKER_ONLY, **change}
    # An artist without a point would still set the legend's marks off.
    if np.isfinite(marked).any():
        ax.plot(curve.x, marked, markersize=_SIZE, **style)


def _unsettled(summary: Mapping[str, Any], cell: Mapping[str, Any], model: str) -> bool:
    """Return whether a run of this model and cell ended before it converged, in any seed."""
    runs = runs_of(summary, cell, model)
    return bool(runs["converged"] < runs["judged"])


def draw_legend(figure: Figure, summary: Mapping[str, Any], axes: np.ndarray) -> None:
    """List the models, the floor and those marks that occur in the panels (rows, cols)."""
    # matplotlib's own labels begin with an underscore.
    handles = [line for line in axes[0][0].lines if not line.get_label().startswith("_")]
    for label, occurs in _occurring(summary, axes).items():
        if occurs:
            handles.append(Line2D([], [], label=label, **_MEANINGS[label], **_GREY))
    figure.legend(handles=handles, loc="outside right center", fontsize=SMALL, frameon=False)


def _occurring(summary: Mapping[str, Any], axes: np.ndarray) -> dict[str, bool]:
    """Return for each mark whether the panels have it, in the order of the legend."""
    lines = [line for ax in axes.flat for line in ax.lines]
    seeds = summary["seeds"]
    return {
        "below the floor": any(line.get_markerfacecolor() == "white" for line in lines),
        "not converged": any(_is_rimmed(line) for line in lines),
        "one seed": seeds["n"] > 1,
        "95 % interval": any(entry["low"] is not None for entry in seeds["cells"]),
    }


def _is_rimmed(line: Line2D) -> bool:
    # The floor is black, too, and has no markers.
    return bool(line.get_markeredgecolor() == "black" and line.get_marker() != "None")
