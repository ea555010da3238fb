"""Quality against dose and overlap."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ptychostudy.figures.score_lines import PHASE_ERROR, draw_legend, draw_scores
from ptychostudy.figures.style import (
    BELOW,
    TEXT,
    conditions,
    finish,
)
from ptychostudy.report.cells import (
    nominal_dose,
    shown_cells,
    shown_column,
    shown_splits,
    spoken,
)
from ptychostudy.report.markdown import photon_text

_OVERLAP = "metric_2_image_based_avg"
_LINEAR = "linear_overlap"
_DOSE_CAPTION = (
    "Floor: no unbiased estimate has a smaller phase error. Below the floor (hollow): uses its "
    "prior, a network what it learned, a solver its start. SSIM: Wang 2004, data range = span of "
    "the truth. Overlap: shared area of probe discs; linear: 1 - step / probe diameter. Dashed: "
    "controls; the flat object shows the metric's zero."
)
_OVERLAP_MEANS = "Overlap: area two illuminated discs share, mean over nearest neighbours"
_PHOTONS = "n: detected photons per object pixel, in the order of the overlap."
_OVERLAP_CAPTION = (
    "SSIM (Wang 2004) and MS-SSIM (Wang 2003): data range = span of the truth. FRC50: up to "
    "where the ring correlation with the truth (complex) is above 0.5. Dashed: controls; the flat "
    "object shows the metric's zero."
)
DOSE_UNITS = {
    "fixed_frame": "photons per frame",
    "fixed_fluence": "photons per frame\nof the full scan",
}
"""What the dose of each design counts."""

Summary = Mapping[str, Any]
Cells = Sequence[Mapping[str, Any]]


def dose_curves(summary: Summary) -> Figure:
    """Draw rms phase error and SSIM against photons per object pixel, with the counting floor.

    One column per view. With several seeds a line is the mean over them, a bar its 95 % interval, a
    faint point one seed. An arm below the floor has a hollow marker, one that did not converge in
    every seed a black rim.
    """
    cells = shown_cells(summary)
    views = by_overlap(cells)
    figure, axes = panels(2, len(views), width=3.0, height=6.6)
    for column, view in zip(axes.T, views, strict=True):
        _draw_view(column, [cell for cell in cells if cell["view"] == view], summary)
    _draw_floors(axes[0], cells)
    _label_rows(axes, ("rms phase error (rad)", f"{shown_column(summary)} SSIM"))
    draw_legend(figure, summary, axes)
    title = f"Quality against dose, {shown_splits(summary)} split"
    return finish(figure, title, f"{spoken(_DOSE_CAPTION, cells)} {conditions(summary, cells)}")


def panels(rows: int, cols: int, *, width: float, height: float) -> tuple[Figure, np.ndarray]:
    """Return a figure and its panels (rows, cols), each so many inches wide, beside the legend."""
    figure = Figure(figsize=(2.0 + width * cols, height), layout="constrained")
    axes: np.ndarray = figure.subplots(rows, cols, sharex=True, sharey="row", squeeze=False)
    return figure, axes


def by_overlap(cells: Cells) -> list[str]:
    """Return the views, the densest first; of equal overlap in alphabetical order."""
    # Sorted twice: a set has no order of its own that is the same in every process.
    views = sorted({cell["view"] for cell in cells})
    return sorted(views, key=lambda view: -_mean(cells, view, _OVERLAP))


def _draw_view(column: Sequence[Axes], cells: Cells, summary: Summary) -> None:
    """Draw the error and the SSIM of the cells of one view, one above the other."""
    error, similarity = column
    ordered = sorted(cells, key=lambda cell: cell["photons_per_pixel"])
    light = [cell["photons_per_pixel"] for cell in ordered]
    draw_scores(error, light, ordered, summary, PHASE_ERROR)
    draw_scores(similarity, light, ordered, summary, ("ssim", shown_column(summary)))
    error.set_title(_view_title(cells), fontsize=TEXT)
    _set_logarithmic(error)
    similarity.set_xlabel("detected photons per object pixel, n", fontsize=TEXT)


def _set_logarithmic(ax: Axes) -> None:
    """Make both axes logarithmic: the floor is a straight line of slope -1/2."""
    ax.set(xscale="log", yscale="log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(FuncFormatter(_plain_number))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _view_title(cells: Cells) -> str:
    view = cells[0]["view"]
    return f"{view}\noverlap {overlap_text(cells, view)}"


def _plain_number(value: float, _: int | None) -> str:
    return f"{value:g}"


def _draw_floors(row: Sequence[Axes], cells: Cells) -> None:
    light = [cell["photons_per_pixel"] for cell in cells]
    # Of all views, not of one: the panels of a row share their axes.
    for ax in row:
        _draw_floor(ax, min(light) / 2, max(light) * 2)


def _draw_floor(ax: Axes, start: float, stop: float) -> None:
    """Draw the counting floor of n detected photons, and shade what lies below."""
    n = np.geomspace(start, stop, 50)
    floor = 1 / np.sqrt(2 * n)
    # The scores set the scale; the shading reaches below the lowest.
    limits = ax.get_ylim()
    ax.plot(n, floor, color="black", linestyle=":", label="floor 1/√(2n)")
    ax.fill_between(n, np.full_like(n, 1e-12), floor, color=BELOW, linewidth=0, zorder=0)
    ax.set_xlim(start, stop)
    ax.set_ylim(limits)


def overlap_curves(summary: Summary) -> Figure:
    """Draw SSIM, MS-SSIM and complex FRC50 against the measured overlap, one column per dose.

    Marks are as in dose curves. At fixed fluence a column holds the cells of equal photons per
    object pixel.
    """
    cells = shown_cells(summary)
    doses = by_dose(cells, summary["design"])
    labels = _overlap_metrics(shown_column(summary))
    figure, axes = panels(len(labels), len(doses), width=2.5, height=7.8)
    for column, (dose, same) in zip(axes.T, doses.items(), strict=True):
        _draw_dose(column, same, summary, list(labels))
        column[0].set_title(_dose_title(dose, same, summary["design"]), fontsize=TEXT)
    _label_rows(axes, labels.values())
    draw_legend(figure, summary, axes)
    title = f"Quality against overlap, {shown_splits(summary)} split"
    meanings = f"{_PHOTONS} {_overlaps(cells)} {spoken(_OVERLAP_CAPTION, cells)}"
    caption = f"{meanings} {conditions(summary, cells)}"
    return finish(figure, title, caption)


def _label_rows(axes: np.ndarray, labels: Iterable[str]) -> None:
    for ax, label in zip(axes[:, 0], labels, strict=True):
        ax.set_ylabel(label, fontsize=TEXT)


def by_dose(cells: Cells, design: str) -> dict[int, list[Mapping[str, Any]]]:
    """Return the cells of each nominal dose by their overlap, the lowest dose first."""
    doses: dict[int, list[Mapping[str, Any]]] = {}
    for cell in sorted(cells, key=_overlap):
        doses.setdefault(nominal_dose(cell, design), []).append(cell)
    return dict(sorted(doses.items()))


def _overlap_metrics(column: str) -> dict[tuple[str, str], str]:
    """Return what is drawn against overlap from top to bottom: (metric, column) and its label."""
    return {
        ("ssim", column): f"{column} SSIM",
        ("ms_ssim", column): f"{column} MS-SSIM",
        ("frc50", "value"): "FRC50 / Nyquist",
    }


def _draw_dose(
    column: Sequence[Axes], cells: Cells, summary: Summary, metrics: Sequence[tuple[str, str]]
) -> None:
    """Draw some metrics of the cells of one dose, one above the other."""
    overlaps = [_overlap(cell) for cell in cells]
    for ax, metric in zip(column, metrics, strict=True):
        draw_scores(ax, overlaps, cells, summary, metric)
    column[-1].set_xlabel("overlap, shared area of probe discs", fontsize=TEXT)


def _overlap(cell: Mapping[str, Any]) -> float:
    return float(cell["overlap"][_OVERLAP])


def _mean(cells: Cells, view: str, metric: str) -> float:
    return float(np.mean([cell["overlap"][metric] for cell in cells if cell["view"] == view]))


def _overlaps(cells: Cells) -> str:
    """Return the mean overlaps of every view as a sentence."""
    views = dict.fromkeys(cell["view"] for cell in cells)
    texts = [f"{view} {overlap_text(cells, view)}" for view in views]
    return f"{_OVERLAP_MEANS}: {', '.join(texts)}."


def overlap_text(cells: Cells, view: str) -> str:
    """Return a view's mean overlap, by area and by length."""
    area = _mean(cells, view, _OVERLAP)
    linear = _mean(cells, view, _LINEAR)
    return f"{area:.2f} (linear {linear:.2f})"


def _dose_title(dose: int, cells: Cells, design: str) -> str:
    # An ordered set: at fixed fluence the cells of a dose have equal light, which is named once.
    light = dict.fromkeys(photon_text(cell["photons_per_pixel"]) for cell in cells)
    return f"{photon_text(dose)} {DOSE_UNITS[design]}\nn = {', '.join(light)}"
