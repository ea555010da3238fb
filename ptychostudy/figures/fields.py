"""Pictures of the reconstructed fields beside the truth."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from ptychostudy.figures.style import MASKED, SMALL, TEXT, finish
from ptychostudy.measure.fields import bounding_box
from ptychostudy.measure.phase import phase_pair
from ptychostudy.study.names import PARTS


def comparison_plot(
    fields: Mapping[str, np.ndarray],
    truth: np.ndarray,
    mask: np.ndarray,
    title: str,
    *,
    scores: Mapping[str, Mapping[str, Sequence[float | None]]] | None = None,
    caption: str = "",
) -> Figure:
    """Show amplitude and phase of the truth and of every arm on one colour scale per row, set by the truth.

    Parameters
    ----------
    fields : dict of str to (H, W) complex
        Aligned fields in the order shown.
    truth : (H, W) complex
    mask : (H, W) bool
        Scored pixels; the others are grey.
    title : str
        Which cell this is.
    scores : dict, optional
        ``{model: {"ssim" | "pearson": (amplitude, phase, value)}}``, printed above each panel.
    caption : str
        Under which conditions the cell was measured.

    Returns
    -------
    Figure
    """
    box = bounding_box(mask)
    kept = mask[box]
    rows, cols = kept.shape
    wide, high = (1.9, 1.9 * rows / cols) if rows < cols else (1.9 * cols / rows, 1.9)
    count = 1 + len(fields)
    size = (max(wide, 1.35) * 1.12 * count + 0.9, 2 * (high + 0.45) + 0.8)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(2, count, squeeze=False)
    panels = {"Truth": truth[box], **{name: field[box] for name, field in fields.items()}}
    for row, name in enumerate(PARTS):
        images = [_panel(one, truth[box], kept, name) for one in panels.values()]
        low, high_ = np.percentile(images[0][kept], [0.5, 99.5])
        style = {"cmap": ("gray", "cividis")[row], "vmin": low, "vmax": max(high_, low + 1e-6)}
        for ax, image, model in zip(axes[row], images, panels, strict=True):
            drawn = ax.imshow(np.ma.array(image, mask=~kept), interpolation="nearest", **style)
            _frame_panel(ax, model, _panel_scores(scores, model, row), top=row == 0)
        axes[row][0].set_ylabel(name.capitalize(), fontsize=TEXT)
        bar = figure.colorbar(drawn, ax=list(axes[row]), fraction=0.03, pad=0.01, extend="both")
        bar.set_label(("|O|", "phase (rad)")[row], fontsize=SMALL)
        bar.ax.tick_params(labelsize=SMALL)
    _scale_bar(axes[0][0], cols)
    explained = (
        "Colour scale: truth, 0.5 to 99.5 %. Grey: not scored. SSIM: Wang 2004, data range = span of the truth. r: "
        "Pearson's correlation. "
    )
    return finish(figure, title, explained + caption)


def _panel(field: np.ndarray, truth: np.ndarray, mask: np.ndarray, name: str) -> np.ndarray:
    if name == "amplitude":
        return np.abs(field)
    return phase_pair(field, truth, mask & (np.abs(truth) > 0))[0]


def _panel_scores(scores: Mapping[str, Any] | None, model: str, row: int) -> str:
    found = (scores or {}).get(model, {})
    parts = [
        f"{label} {found[key][row]:.3f}"
        for key, label in (("ssim", "SSIM"), ("pearson", "r"))
        if key in found and found[key][row] is not None
    ]
    return "  ".join(parts)


def _frame_panel(ax: Axes, model: str, text: str, *, top: bool) -> None:
    ax.set(xticks=[], yticks=[], facecolor=MASKED)
    ax.set_title("\n".join(part for part in (model if top else "", text) if part), fontsize=SMALL)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _scale_bar(ax: Axes, cols: int) -> None:
    length = next((n for n in (500, 200, 100, 50, 20, 10) if n <= 0.4 * cols), 5)
    bottom, top = ax.get_ylim()
    y, start = bottom + 0.07 * (top - bottom), 0.05 * cols
    # White with a black rim is seen on any grey.
    rim = [withStroke(linewidth=3.5, foreground="black")]
    ax.plot(
        [start, start + length],
        [y, y],
        color="white",
        linewidth=2,
        solid_capstyle="butt",
        path_effects=rim,
    )
    style = {
        "color": "white",
        "ha": "center",
        "va": "bottom",
        "fontsize": SMALL,
        "path_effects": rim,
    }
    place = {"xytext": (0, 2.5), "textcoords": "offset points"}
    ax.annotate(f"{length} px", (start + length / 2, y), **place, **style)
