"""Fourier ring correlations: at which spatial frequencies an arm agrees with the truth."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ptychostudy.figures.curves import DOSE_UNITS, by_dose, by_overlap, overlap_text, panels
from ptychostudy.figures.period_axis import draw_half_periods
from ptychostudy.figures.style import SMALL, TEXT, conditions, finish, soften, styles_of
from ptychostudy.report.cells import arms_in, model_order, shown_cells, shown_splits, spoken
from ptychostudy.report.markdown import photon_text

Place = tuple[int, str, str]
"""Dose, view and split of a cell."""

_CAPTION = (
    "Ring correlation of the complex field with the truth, first seed; square crop of the scored "
    "pixels under a Tukey window. Thresholds: 0.5 (against a truth SNR 1/3) and half-bit (van Heel "
    "and Schatz 2005). Grey: controls. n: detected photons per object pixel. Overlap: shared "
    "area of probe discs; linear: 1 - step / probe diameter."
)
# Marks of a curve: enough to be told apart in grey, few enough to leave the line.
_MARKS = 5
_CONTROL: dict[str, Any] = {"color": "#8a8a8a", "linewidth": 0.7, "markersize": 3, "zorder": 1.5}
_ARM: dict[str, Any] = {"linewidth": 1.3, "markersize": 4.5}


class Rings(NamedTuple):
    """A ring correlation: frequency (k,) in Nyquists, correlation (k,), half-bit (k,)."""

    frequency: np.ndarray
    correlation: np.ndarray
    half_bit: np.ndarray


def frc_curves(summary: Mapping[str, Any], rings: Mapping[Place, Mapping[str, Rings]]) -> Figure:
    """Draw the ring correlations of every model with both thresholds, a panel for each cell.

    Parameters
    ----------
    summary : dict
        ``metrics_summary.json``.
    rings : dict
        Curves of each model that was scored, by dose, view and split of the cell.

    Returns
    -------
    Figure
        A row for each view, the densest first, a column for each dose.
    """
    cells = shown_cells(summary)
    views = by_overlap(cells)
    doses = by_dose(cells, summary["design"])
    figure, axes = panels(len(views), len(doses), width=2.5, height=1.6 + 2.3 * len(views))
    models = _styled(summary)
    for row, view in zip(axes, views, strict=True):
        for ax, (dose, same) in zip(row, doses.items(), strict=True):
            shown = [cell for cell in same if cell["view"] == view]
            _draw_panel(ax, shown, rings, models)
            ax.set_title(_title(dose, shown, summary["design"]), fontsize=SMALL)
    _label(axes)
    pixel_m = cells[0]["pixel_size_m"]
    if pixel_m is not None:
        for ax in axes[-1]:
            draw_half_periods(ax, pixel_m)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=SMALL, frameon=False)
    title = f"Fourier ring correlation with the truth, {shown_splits(summary)} split"
    return finish(
        figure, spoken(title, cells), f"{spoken(_CAPTION, cells)} {conditions(summary, cells)}"
    )


def _draw_panel(
    ax: Axes,
    cells: Sequence[Mapping[str, Any]],
    rings: Mapping[Place, Mapping[str, Rings]],
    models: Mapping[str, Mapping[str, Any]],
) -> None:
    """Draw every model of the cells of one dose and view: one, or none of a pair not studied."""
    soften(ax)
    # Rings of noise scatter about zero: some of what is below it is shown.
    ax.set(xlim=(0, 1), ylim=(-0.2, 1.03))
    for cell in cells:
        curves = rings[cell["dose"], cell["view"], cell["split"]]
        for number, (model, style) in enumerate(models.items()):
            _draw_model(ax, curves.get(model), {"label": model, **style}, 2 * number)
        # The flat object is always scored; thresholds are of the rings, the same of all models.
        _draw_thresholds(ax, next(iter(curves.values())))


def _styled(summary: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return how each model is drawn, in the order of the legend: controls thin and grey."""
    models, arms = model_order(summary["jobs"]), arms_in(summary["jobs"])
    styles = styles_of(models)
    return {model: {**styles[model], **(_ARM if model in arms else _CONTROL)} for model in models}


def _draw_model(ax: Axes, curve: Rings | None, style: Mapping[str, Any], first: int) -> None:
    """Draw one curve, marked from its ring `first` on; of a failed model only its legend."""
    x, y = (np.empty(0), np.empty(0)) if curve is None else curve[:2]
    # Curves lie on each other where all arms are right: each is marked at rings of its own.
    every = (first, max(1, len(x) // _MARKS))
    ax.plot(x, y, markevery=every, **style)


def _draw_thresholds(ax: Axes, curve: Rings) -> None:
    ax.plot(curve.frequency, curve.half_bit, ":", color="black", linewidth=1.1, label="half-bit")
    ax.axhline(0.5, color="black", linestyle="-.", linewidth=0.9, label="0.5")


def _title(dose: int, cells: Sequence[Mapping[str, Any]], design: str) -> str:
    unit = DOSE_UNITS[design].replace("\n", " ")
    if not cells:
        return f"{photon_text(dose)} {unit}: not studied"
    view = cells[0]["view"]
    light = photon_text(cells[0]["photons_per_pixel"])
    return f"{photon_text(dose)} {unit}\n{view}, n = {light}\noverlap {overlap_text(cells, view)}"


def _label(axes: np.ndarray) -> None:
    for ax in axes[-1]:
        ax.set_xlabel("spatial frequency / Nyquist", fontsize=TEXT)
    for ax in axes[:, 0]:
        ax.set_ylabel("ring correlation", fontsize=TEXT)
