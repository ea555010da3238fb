"""Score against cell: differences and heat maps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from ptychostudy.figures.style import FAILED, SMALL, TEXT, conditions, finish, or_nan
from ptychostudy.report.cells import model_order, shown_column
from ptychostudy.report.markdown import photon_text
from ptychostudy.report.seeds import paired, repeated, runs_of
from ptychostudy.study.names import ARMS, OTHERS

_LABELS = {"ms_ssim": "MS-SSIM", "pearson": "Pearson correlation"}
_LABELLED = (
    "n: detected photons per object pixel. Overlap: mean disc overlap (metric 2), in brackets linear, "
    "1 - step / probe diameter."
)


def _cell_label(job: Mapping[str, Any]) -> str:
    area, linear = (job["overlap"][key] for key in ("metric_2_image_based_avg", "linear_overlap"))
    light = f"n {photon_text(job['photons_per_pixel'])}"
    return f"{photon_text(job['dose'])}\n{job['view']}\n{job['split']}\n{light}\n{area:.2f} ({linear:.2f})"


def ssim_grid(summary: Mapping[str, Any]) -> Figure:
    """Show PtychoPINN's gain in phase MS-SSIM over each other arm, per cell, with both scores below it.

    With several seeds the gain is the mean of the paired differences, with its interval.
    """
    jobs, key = summary["jobs"], ("ms_ssim", "phase")
    found = [[paired(summary, job, other, *key) for job in jobs] for other in OTHERS]
    gains = np.array([[or_nan(one["mean"]) for one in row] for row in found])
    notes = [
        [_gain_note(summary, job, other, one) for job, one in zip(jobs, row, strict=True)]
        for other, row in zip(OTHERS, found, strict=True)
    ]
    size = (
        {"row_height": 0.75, "width": 0.95}
        if summary["seeds"]["n"] == 1
        else {"row_height": 0.85, "width": 1.1}
    )
    figure, ax = _grid_figure(len(OTHERS), len(jobs), **size)
    # Below 0.05 a difference looks pale, whatever the largest one is.
    span = max(0.05, float(np.nanmax(np.abs(gains))) if np.isfinite(gains).any() else 0.0)
    drawn = ax.imshow(gains, cmap="PuOr_r", norm=TwoSlopeNorm(0.0, -span, span), aspect="auto")
    _annotate(ax, notes, gains, drawn)
    _label_grid(ax, [f"vs {other}" for other in OTHERS], jobs)
    _colour_bar(figure, ax, drawn, "Δ phase MS-SSIM")
    return finish(
        figure,
        "Phase MS-SSIM: PtychoPINN minus the other arm",
        "MS-SSIM: Wang 2003, data range = span of the truth. Above zero PtychoPINN is closer to the truth. Last line "
        f"of a cell: PtychoPINN | the other arm. {_LABELLED} {conditions(summary, jobs)}",
    )


def _gain_note(
    summary: Mapping[str, Any], job: Mapping[str, Any], other: str, found: Mapping[str, Any]
) -> str:
    if found["mean"] is None:
        return next(
            (text for model in (ARMS[0], other) if (text := _missing(summary, job, model))), "n/a"
        )
    both = [repeated(summary, job, model, "ms_ssim", "phase")["mean"] for model in (ARMS[0], other)]
    return f"{_with_interval(found, '+z.3f')}\n{both[0]:.3f} | {both[1]:.3f}"


def _with_interval(found: Mapping[str, Any], form: str) -> str:
    if found["low"] is None:
        return f"{found['mean']:{form}}"
    return f"{found['mean']:{form}}\n[{found['low']:{form}}, {found['high']:{form}}]"


def _missing(summary: Mapping[str, Any], job: Mapping[str, Any], model: str) -> str:
    return "" if runs_of(summary, job, model)["n_ok"] else f"{model}\nfailed"


def correlation_heatmap(summary: Mapping[str, Any]) -> Figure:
    """Show Pearson's correlation of the phase, model against cell."""
    return _heatmap(
        summary, "pearson", "1 is a perfect match, 0 a flat object, less has the darkest colour"
    )


def ms_ssim_heatmap(summary: Mapping[str, Any]) -> Figure:
    """Show MS-SSIM of the phase, model against cell."""
    return _heatmap(
        summary, "ms_ssim", "Wang 2003, data range = span of the truth; 1 is a perfect match"
    )


def _heatmap(summary: Mapping[str, Any], metric: str, caption: str) -> Figure:
    jobs, column = summary["jobs"], shown_column(summary)
    models = model_order(jobs)
    found = [[repeated(summary, job, model, metric, column) for job in jobs] for model in models]
    values = np.array([[or_nan(one["mean"]) for one in row] for row in found])
    notes = [
        [_score_note(summary, job, model, one) for job, one in zip(jobs, row, strict=True)]
        for model, row in zip(models, found, strict=True)
    ]
    size = (
        {"row_height": 0.42, "width": 0.95}
        if summary["seeds"]["n"] == 1
        else {"row_height": 0.6, "width": 1.0}
    )
    figure, ax = _grid_figure(len(models), len(jobs), **size)
    drawn = ax.imshow(values, cmap="cividis", vmin=0.0, vmax=1.0, aspect="auto")
    _annotate(ax, notes, values, drawn)
    ax.axhline(len(ARMS) - 0.5, color="white", linewidth=4)
    _label_grid(ax, models, jobs)
    _colour_bar(figure, ax, drawn, _LABELS[metric])
    return finish(
        figure,
        f"{_LABELS[metric]} of the {column}",
        f"{caption}. Below the line: controls; the flat object shows the metric's zero. {_LABELLED} "
        + conditions(summary, jobs),
    )


def _score_note(
    summary: Mapping[str, Any], job: Mapping[str, Any], model: str, found: Mapping[str, Any]
) -> str:
    if found["mean"] is None:
        return "failed" if _missing(summary, job, model) else "n/a"
    few = len(found["values"]) < summary["seeds"]["n"]
    return _with_interval(found, "z.3f") + (
        f"\n({len(found['values'])} of {summary['seeds']['n']})" if few else ""
    )


def _grid_figure(rows: int, cols: int, *, row_height: float, width: float) -> tuple[Figure, Axes]:
    figure = Figure(
        figsize=(max(7.5, 2.0 + width * cols), 2.2 + row_height * rows), layout="constrained"
    )
    ax = figure.subplots()
    ax.set_facecolor(FAILED)
    return figure, ax


def _colour_bar(figure: Figure, ax: Axes, drawn: AxesImage, label: str) -> None:
    bar = figure.colorbar(drawn, ax=ax, pad=0.015)
    bar.set_label(label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)


def _annotate(
    ax: Axes, notes: Sequence[Sequence[str]], values: np.ndarray, drawn: AxesImage
) -> None:
    for (row, col), value in np.ndenumerate(values):
        red, green, blue, _ = (
            drawn.cmap(drawn.norm(value)) if np.isfinite(value) else (1.0, 1.0, 1.0, 1.0)
        )
        # Luma of ITU-R BT.601: white on dark, black on bright.
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        ax.text(
            col,
            row,
            notes[row][col],
            ha="center",
            va="center",
            fontsize=SMALL,
            color="white" if dark else "black",
        )


def _label_grid(ax: Axes, rows: Sequence[str], jobs: Sequence[Mapping[str, Any]]) -> None:
    ax.set_xticks(range(len(jobs)), [_cell_label(job) for job in jobs], fontsize=SMALL)
    ax.set_yticks(range(len(rows)), rows, fontsize=TEXT)
    ax.set_xlabel("photons per frame, view, split, n, overlap (linear)", fontsize=SMALL)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
