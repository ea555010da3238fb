"""Quality against dose, overlap and spatial frequency."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ptychostudy.core.summary import model_order, score, shown_column, shown_jobs, truth_name
from ptychostudy.figures.style import OTHER, SMALL, STYLES, TEXT, finish, or_nan, soften


def dose_curves(summary: Mapping[str, Any]) -> Figure:
    """Draw rms phase error and SSIM against photons per object pixel, one column per view, with the counting floor."""
    jobs, column = shown_jobs(summary), shown_column(summary)
    views = sorted({job["view"] for job in jobs})
    figure = Figure(figsize=(1.4 + 3.1 * len(views), 5.6), layout="constrained")
    axes = figure.subplots(2, len(views), sharex=True, sharey="row", squeeze=False)
    for col, view in enumerate(views):
        seen = sorted((job for job in jobs if job["view"] == view), key=lambda job: job["photons_per_pixel"])
        photons = [job["photons_per_pixel"] for job in seen]
        _lines(axes[0][col], photons, seen, lambda job, model: job["arms"].get(model, {}).get("rms_phase_rad"))
        _lines(axes[1][col], photons, seen, lambda job, model: score(job, model, "ssim", column))
        n = np.geomspace(min(photons) / 2, max(photons) * 2, 50)
        axes[0][col].plot(n, 1 / np.sqrt(2 * n), color="black", linestyle=":", label="floor 1/√(2n)")
        axes[0][col].set(xscale="log", yscale="log")
        axes[0][col].set_title(f"{view} (overlap {_mean_overlap(seen):.2f})", fontsize=TEXT)
        axes[1][col].set_xlabel("photons per object pixel, n", fontsize=TEXT)
    axes[0][0].set_ylabel("rms phase error (rad)", fontsize=TEXT)
    axes[1][0].set_ylabel(f"{column} SSIM", fontsize=TEXT)
    _legend(figure, axes)
    return finish(
        figure,
        f"Quality against dose, {_splits(jobs)} split",
        "Floor: no unbiased estimate has a smaller phase error; below it a network uses its prior. "
        "Overlap: mean disc overlap with the nearest frames (metric 2). Dashed: controls. "
        f"Truth: {truth_name(summary)}.",
    )


def overlap_curves(summary: Mapping[str, Any]) -> Figure:
    """Draw phase SSIM, MS-SSIM and complex FRC50 against the measured overlap, one column per dose."""
    jobs, column = shown_jobs(summary), shown_column(summary)
    doses = sorted({job["dose"] for job in jobs})
    metrics = (("ssim", column), ("ms_ssim", column), ("frc50", "value"))
    figure = Figure(figsize=(1.4 + 2.6 * len(doses), 7.0), layout="constrained")
    axes = figure.subplots(3, len(doses), sharex=True, sharey="row", squeeze=False)
    for col, dose in enumerate(doses):
        seen = sorted((job for job in jobs if job["dose"] == dose), key=_overlap)
        for ax, (metric, kind) in zip(axes[:, col], metrics, strict=True):
            _lines(
                ax, [_overlap(job) for job in seen], seen, lambda job, model, m=metric, k=kind: score(job, model, m, k)
            )
        axes[0][col].set_title(f"{dose:,} photons per frame".replace(",", " "), fontsize=TEXT)
        axes[-1][col].set_xlabel("mean disc overlap (metric 2)", fontsize=TEXT)
    for ax, label in zip(axes[:, 0], (f"{column} SSIM", f"{column} MS-SSIM", "FRC50 / Nyquist"), strict=True):
        ax.set_ylabel(label, fontsize=TEXT)
    _legend(figure, axes)
    return finish(
        figure,
        f"Quality against overlap, {_splits(jobs)} split",
        "Overlap: area two illuminated discs share, mean over each frame's nearest neighbours. FRC50: where the ring "
        "correlation with the truth (complex) falls below 0.5. Dashed: controls. "
        f"Truth: {truth_name(summary)}.",
    )


def frc_plot(frequency: np.ndarray, curves: Mapping[str, np.ndarray], half_bit: np.ndarray, title: str) -> Figure:
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
        ax.plot(frequency, values, label=model, color=style["color"], linestyle=style["linestyle"], linewidth=1.5)
    ax.plot(frequency, half_bit, color="black", linestyle=":", linewidth=1, label="half-bit")
    ax.axhline(0.5, color="black", linestyle="-.", linewidth=0.8, label="0.5")
    ax.set(xlim=(0, 1), ylim=(-0.2, 1.03))
    ax.set_xlabel("spatial frequency / Nyquist", fontsize=TEXT)
    ax.set_ylabel("ring correlation with the truth", fontsize=TEXT)
    soften(ax)
    ax.legend(fontsize=SMALL, frameon=False)
    return finish(figure, title, "Square crop of the scored pixels under a Tukey window. Dashed: controls.")


def _lines(ax: Axes, x: Sequence[float], jobs: Sequence[Mapping[str, Any]], value: Any) -> None:
    for model in model_order(jobs):
        y = [or_nan(value(job, model)) for job in jobs]
        ax.plot(x, y, label=model, markersize=5, linewidth=1.4, **STYLES.get(model, OTHER))
    soften(ax)


def _legend(figure: Figure, axes: np.ndarray) -> None:
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", fontsize=SMALL, frameon=False)


def _overlap(job: Mapping[str, Any]) -> float:
    return float(job["overlap"]["metric_2_image_based_avg"])


def _mean_overlap(jobs: Sequence[Mapping[str, Any]]) -> float:
    return float(np.mean([_overlap(job) for job in jobs]))


def _splits(jobs: Sequence[Mapping[str, Any]]) -> str:
    return " and ".join(sorted({job["split"] for job in jobs}))
