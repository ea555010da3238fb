"""Score against cell: differences and heat maps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from ptychostudy.core.summary import ARMS, OTHERS, model_order, score, shown_column, truth_name
from ptychostudy.figures.style import FAILED, SMALL, TEXT, finish, or_nan

_LABELS = {"ms_ssim": "MS-SSIM", "pearson": "Pearson correlation"}


def _cell_label(job: Mapping[str, Any]) -> str:
    return f"{job['dose']:,}\n{job['view']}\n{job['split']}".replace(",", " ")


def ssim_grid(delta: Mapping[str, Any], summary: Mapping[str, Any]) -> Figure:
    """Show PtychoPINN's gain in phase MS-SSIM over each other arm, per cell, with both scores below it.

    Parameters
    ----------
    delta : dict
        From `ptychostudy.core.summary.make_delta`.
    summary : dict
        From `ptychostudy.core.summary.summarize`; its cells are those of `delta`.
    """
    cells, jobs = delta["cells"], summary["jobs"]
    gains = np.array([[or_nan(c[f"vs_{o}"]["ms_ssim"]["phase"]) for c in cells] for o in OTHERS])
    notes = [
        [_gain_note(job, other, gain) for job, gain in zip(jobs, gains[row], strict=True)]
        for row, other in enumerate(OTHERS)
    ]
    figure, ax = _grid_figure(len(OTHERS), len(cells), row_height=0.75)
    # Below 0.05 a difference looks pale, whatever the largest one is.
    span = max(0.05, float(np.nanmax(np.abs(gains))) if np.isfinite(gains).any() else 0.0)
    drawn = ax.imshow(gains, cmap="PuOr_r", norm=TwoSlopeNorm(0.0, -span, span), aspect="auto")
    _annotate(ax, notes, gains, drawn)
    _label_grid(ax, [f"vs {other}" for other in OTHERS], jobs)
    _colour_bar(figure, ax, drawn, "Δ phase MS-SSIM")
    return finish(
        figure,
        "Phase MS-SSIM: PtychoPINN minus the other arm",
        "Above zero PtychoPINN is closer to the truth. Below each difference: PtychoPINN | the other arm. "
        f"Truth: {truth_name(summary)}.",
    )


def _gain_note(job: Mapping[str, Any], other: str, gain: float) -> str:
    if not np.isfinite(gain):
        return _missing(job, ARMS[0]) or _missing(job, other) or "n/a"
    both = [score(job, model, "ms_ssim") for model in (ARMS[0], other)]
    return f"{gain:+z.3f}\n{both[0]:.3f} | {both[1]:.3f}"


def _missing(job: Mapping[str, Any], model: str) -> str:
    return f"{model}\nfailed" if job["arms"].get(model, {}).get("status") != "ok" else ""


def correlation_heatmap(summary: Mapping[str, Any]) -> Figure:
    """Show Pearson's correlation of the phase, model against cell."""
    return _heatmap(summary, "pearson", "1 is a perfect match, 0 a flat object, less has the darkest colour")


def ms_ssim_heatmap(summary: Mapping[str, Any]) -> Figure:
    """Show MS-SSIM of the phase, model against cell."""
    return _heatmap(summary, "ms_ssim", "1 is a perfect match; data range = span of the truth")


def _heatmap(summary: Mapping[str, Any], metric: str, caption: str) -> Figure:
    jobs, column = summary["jobs"], shown_column(summary)
    models = model_order(jobs)
    values = np.array([[or_nan(score(job, model, metric, column)) for job in jobs] for model in models])
    notes = [
        [
            f"{v:z.3f}" if np.isfinite(v) else "failed" if _missing(job, model) else "n/a"
            for v, job in zip(row, jobs, strict=True)
        ]
        for row, model in zip(values, models, strict=True)
    ]
    figure, ax = _grid_figure(len(models), len(jobs), row_height=0.42)
    drawn = ax.imshow(values, cmap="cividis", vmin=0.0, vmax=1.0, aspect="auto")
    _annotate(ax, notes, values, drawn)
    ax.axhline(len(ARMS) - 0.5, color="white", linewidth=4)
    _label_grid(ax, models, jobs)
    _colour_bar(figure, ax, drawn, _LABELS[metric])
    return finish(
        figure,
        f"{_LABELS[metric]} of the {column}",
        f"{caption}. Below the line: controls. Truth: {truth_name(summary)}.",
    )


def _grid_figure(rows: int, cols: int, *, row_height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(max(5.5, 2.0 + 0.95 * cols), 1.75 + row_height * rows), layout="constrained")
    ax = figure.subplots()
    ax.set_facecolor(FAILED)
    return figure, ax


def _colour_bar(figure: Figure, ax: Axes, drawn: AxesImage, label: str) -> None:
    bar = figure.colorbar(drawn, ax=ax, pad=0.015)
    bar.set_label(label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)


def _annotate(ax: Axes, notes: Sequence[Sequence[str]], values: np.ndarray, drawn: AxesImage) -> None:
    for (row, col), value in np.ndenumerate(values):
        red, green, blue, _ = drawn.cmap(drawn.norm(value)) if np.isfinite(value) else (1.0, 1.0, 1.0, 1.0)
        # Luma of ITU-R BT.601: white on dark, black on bright.
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        ax.text(col, row, notes[row][col], ha="center", va="center", fontsize=SMALL, color="white" if dark else "black")


def _label_grid(ax: Axes, rows: Sequence[str], jobs: Sequence[Mapping[str, Any]]) -> None:
    ax.set_xticks(range(len(jobs)), [_cell_label(job) for job in jobs], fontsize=SMALL)
    ax.set_yticks(range(len(rows)), rows, fontsize=TEXT)
    ax.set_xlabel("photons per frame, view, split", fontsize=SMALL)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
