"""Quality against dose, overlap and spatial frequency."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ptychostudy.figures.style import (
    BELOW,
    OTHER,
    SMALL,
    STYLES,
    TEXT,
    conditions,
    finish,
    or_nan,
    soften,
)
from ptychostudy.report.cells import (
    model_order,
    nominal_dose,
    shown_cells,
    shown_column,
    shown_splits,
)
from ptychostudy.report.markdown import photon_text
from ptychostudy.report.seeds import repeated, runs_of
from ptychostudy.study.names import ARMS

_OVERLAP, _LINEAR = "metric_2_image_based_avg", "linear_overlap"
_ERROR = ("rms_phase_rad", "phase")
_SIZE = 4.5


def dose_curves(summary: Mapping[str, Any]) -> Figure:
    """Draw rms phase error and SSIM against photons per object pixel, one column per view, with the counting floor.

    With several seeds a line is the mean over them, a bar its 95 % interval, a faint point one seed. An arm below the
    floor has a hollow marker, one that did not converge in every seed a black rim.
    """
    jobs, column = shown_cells(summary), shown_column(summary)
    views = sorted({job["view"] for job in jobs}, key=lambda view: -_mean(jobs, view, _OVERLAP))
    figure = Figure(figsize=(2.0 + 3.0 * len(views), 6.6), layout="constrained")
    axes = figure.subplots(2, len(views), sharex=True, sharey="row", squeeze=False)
    for col, view in enumerate(views):
        seen = sorted(
            (job for job in jobs if job["view"] == view), key=lambda job: job["photons_per_pixel"]
        )
        light = [job["photons_per_pixel"] for job in seen]
        _lines(axes[0][col], light, seen, summary, _ERROR)
        _lines(axes[1][col], light, seen, summary, ("ssim", column))
        facts = (
            f"overlap {_mean(jobs, view, _OVERLAP):.2f} (linear {_mean(jobs, view, _LINEAR):.2f})"
        )
        axes[0][col].set_title(f"{view}\n{facts}", fontsize=TEXT)
        axes[0][col].set(xscale="log", yscale="log")
        axes[0][col].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes[0][col].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes[0][col].yaxis.set_minor_formatter(NullFormatter())
        axes[1][col].set_xlabel("detected photons per object pixel, n", fontsize=TEXT)
    light = [job["photons_per_pixel"] for job in jobs]
    for ax in axes[0]:
        _floor(ax, min(light) / 2, max(light) * 2)
    axes[0][0].set_ylabel("rms phase error (rad)", fontsize=TEXT)
    axes[1][0].set_ylabel(f"{column} SSIM", fontsize=TEXT)
    _legend(figure, summary, axes)
    return finish(
        figure,
        f"Quality against dose, {shown_splits(summary)} split",
        "Floor: no unbiased estimate has a smaller phase error. Below the floor (hollow): uses its prior, a network "
        "what it learned, a solver its start. SSIM: Wang 2004, data range = span of the truth. Overlap: mean disc "
        "overlap (metric 2); linear: 1 - step / probe diameter. Dashed: controls; the flat object shows the metric's "
        f"zero. {conditions(summary, jobs)}",
    )


def overlap_curves(summary: Mapping[str, Any]) -> Figure:
    """Draw SSIM, MS-SSIM and complex FRC50 against the measured overlap, one column per dose; marks as in dose curves.

    At fixed fluence a column holds the cells of equal photons per object pixel.
    """
    jobs, column, design = shown_cells(summary), shown_column(summary), summary["design"]
    doses = sorted({nominal_dose(job, design) for job in jobs})
    metrics = {("ssim", column): f"{column} SSIM", ("ms_ssim", column): f"{column} MS-SSIM"}
    metrics |= {("frc50", "value"): "FRC50 / Nyquist"}
    figure = Figure(figsize=(2.0 + 2.5 * len(doses), 7.8), layout="constrained")
    axes = figure.subplots(3, len(doses), sharex=True, sharey="row", squeeze=False)
    for col, dose in enumerate(doses):
        seen = sorted((job for job in jobs if nominal_dose(job, design) == dose), key=_overlap)
        for ax, key in zip(axes[:, col], metrics, strict=True):
            _lines(ax, [_overlap(job) for job in seen], seen, summary, key)
        axes[0][col].set_title(_dose_title(dose, seen, design), fontsize=TEXT)
        axes[-1][col].set_xlabel("mean disc overlap (metric 2)", fontsize=TEXT)
    for ax, label in zip(axes[:, 0], metrics.values(), strict=True):
        ax.set_ylabel(label, fontsize=TEXT)
    _legend(figure, summary, axes)
    return finish(
        figure,
        f"Quality against overlap, {shown_splits(summary)} split",
        f"n: detected photons per object pixel, in the order of the overlap. {_views(jobs)} SSIM (Wang 2004) and "
        "MS-SSIM (Wang 2003): data range = span of the truth. FRC50: where the ring correlation with the truth "
        "(complex) falls below 0.5. Dashed: controls; the flat object shows the metric's zero. "
        + conditions(summary, jobs),
    )


def frc_plot(
    frequency: np.ndarray, curves: Mapping[str, np.ndarray], half_bit: np.ndarray, title: str
) -> Figure:
    """Draw Fourier ring correlations against the truth with the thresholds 0.5 and half-bit.

    Parameters
    ----------
    frequency : (k,) float
        Fraction of Nyquist.
    curves : dict of str to (k,) float
        Correlation of each model.
    half_bit : (k,) float
        Half-bit threshold.
    title : str
        Which cell and which column.
    """
    figure = Figure(figsize=(5.5, 3.8), layout="constrained")
    ax = figure.subplots()
    for model, values in curves.items():
        style = STYLES.get(model, OTHER)
        ax.plot(
            frequency,
            values,
            label=model,
            color=style["color"],
            linestyle=style["linestyle"],
            linewidth=1.5,
        )
    ax.plot(frequency, half_bit, color="black", linestyle=":", linewidth=1, label="half-bit")
    ax.axhline(0.5, color="black", linestyle="-.", linewidth=0.8, label="0.5")
    ax.set(xlim=(0, 1), ylim=(-0.2, 1.03))
    ax.set_xlabel("spatial frequency / Nyquist", fontsize=TEXT)
    ax.set_ylabel("ring correlation with the truth", fontsize=TEXT)
    soften(ax)
    ax.legend(fontsize=SMALL, frameon=False)
    return finish(
        figure, title, "Square crop of the scored pixels under a Tukey window. Dashed: controls."
    )


def _lines(
    ax: Axes,
    x: Sequence[float],
    jobs: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any],
    key: tuple[str, str],
) -> None:
    """Draw one score of every model: means as a line, intervals as bars, single seeds as faint points."""
    soften(ax)
    ax.margins(x=0.08)
    for model in model_order(summary["jobs"]):
        style = STYLES.get(model, OTHER)
        found = [repeated(summary, job, model, *key) for job in jobs]
        mean, low, high = (
            np.array([or_nan(one[name]) for one in found]) for name in ("mean", "low", "high")
        )
        for at, one in zip(x, found, strict=True):
            if summary["seeds"]["n"] > 1:
                values = list(one["values"].values())
                ax.plot(
                    [at] * len(values), values, ".", color=style["color"], alpha=0.4, markersize=4
                )
        ax.plot(x, mean, label=model, markersize=_SIZE, linewidth=1.3, **style)
        if np.isfinite(low).any():
            bar = {
                "fmt": "none",
                "ecolor": style["color"],
                "elinewidth": 1.3,
                "capsize": 3.5,
                "capthick": 1.3,
            }
            # Values that differ by rounding alone may put the mean one bit outside.
            ax.errorbar(x, mean, np.maximum([mean - low, high - mean], 0), **bar)
        if model in ARMS:
            below = mean < [job["phase_floor_rad"] if key == _ERROR else -np.inf for job in jobs]
            _mark(ax, x, np.where(below, mean, np.nan), style, markerfacecolor="white")
            ended = [_unsettled(summary, job, model) for job in jobs]
            _mark(
                ax,
                x,
                np.where(ended, mean, np.nan),
                style,
                markeredgecolor="black",
                markeredgewidth=1.3,
            )


def _mark(
    ax: Axes, x: Sequence[float], y: np.ndarray, style: Mapping[str, Any], **change: Any
) -> None:
    if np.isfinite(y).any():
        ax.plot(
            x, y, markersize=_SIZE, **(dict(style) | {"linestyle": "none", "zorder": 4} | change)
        )


def _unsettled(summary: Mapping[str, Any], job: Mapping[str, Any], model: str) -> bool:
    runs = runs_of(summary, job, model)
    return bool(runs["converged"] < runs["judged"])


def _floor(ax: Axes, start: float, stop: float) -> None:
    n = np.geomspace(start, stop, 50)
    floor = 1 / np.sqrt(2 * n)
    limits = ax.get_ylim()
    ax.plot(n, floor, color="black", linestyle=":", label="floor 1/√(2n)")
    ax.fill_between(n, np.full_like(n, 1e-12), floor, color=BELOW, linewidth=0, zorder=0)
    ax.set_xlim(start, stop)
    ax.set_ylim(limits)


def _legend(figure: Figure, summary: Mapping[str, Any], axes: np.ndarray) -> None:
    """List the models, the floor and those marks that occur."""
    handles = [line for line in axes[0][0].lines if not line.get_label().startswith("_")]
    lines = [line for ax in axes.flat for line in ax.lines]
    grey = {"color": "#666666", "linestyle": "none", "markersize": _SIZE}
    if any(line.get_markerfacecolor() == "white" for line in lines):
        handles.append(
            Line2D([], [], marker="o", markerfacecolor="white", label="below the floor", **grey)
        )
    if any(line.get_markeredgecolor() == "black" and line.get_marker() != "None" for line in lines):
        handles.append(
            Line2D([], [], marker="^", markeredgecolor="black", label="not converged", **grey)
        )
    if summary["seeds"]["n"] > 1:
        handles.append(Line2D([], [], marker=".", alpha=0.4, label="one seed", **grey))
    if any(entry["low"] is not None for entry in summary["seeds"]["cells"]):
        handles.append(Line2D([], [], marker="$\\mathrm{I}$", label="95 % interval", **grey))
    figure.legend(handles=handles, loc="outside right center", fontsize=SMALL, frameon=False)


def _overlap(job: Mapping[str, Any]) -> float:
    return float(job["overlap"][_OVERLAP])


def _mean(jobs: Sequence[Mapping[str, Any]], view: str, key: str) -> float:
    return float(np.mean([job["overlap"][key] for job in jobs if job["view"] == view]))


def _views(jobs: Sequence[Mapping[str, Any]]) -> str:
    found = {
        job["view"]: (_mean(jobs, job["view"], _OVERLAP), _mean(jobs, job["view"], _LINEAR))
        for job in jobs
    }
    texts = [f"{view} {area:.2f} (linear {linear:.2f})" for view, (area, linear) in found.items()]
    return f"Overlap: area two illuminated discs share, mean over nearest neighbours: {', '.join(texts)}."


def _dose_title(dose: int, jobs: Sequence[Mapping[str, Any]], design: str) -> str:
    light = ", ".join(dict.fromkeys(photon_text(job["photons_per_pixel"]) for job in jobs))
    unit = (
        "photons per frame\nof the full scan" if design == "fixed_fluence" else "photons per frame"
    )
    return f"{photon_text(dose)} {unit}\nn = {light}"
