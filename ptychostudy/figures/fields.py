"""Pictures of the reconstructed fields beside the truth."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from ptychostudy.figures.scale_bar import draw_scale_bar
from ptychostudy.figures.style import MASKED, SMALL, TEXT, finish
from ptychostudy.measure.fields import bounding_box
from ptychostudy.measure.phase import phase_pair
from ptychostudy.study.arm_names import OWN, foreign
from ptychostudy.study.names import ARMS, CONTROLS, PARTS

Scores = Mapping[str, Mapping[str, Sequence[float | None]]]

_CAPTION = (
    "Colour scale: {known}, 0.5 to 99.5 %. Phase error: model - {known}, gauge removed as scored, "
    "one scale for all, to 99.5 % of {whose} errors. Grey: not scored. SSIM: Wang 2004, data "
    "range = span of the {known}. r: Pearson's correlation. "
)
_ERROR = "error"
# Of a band of panels: amplitude, phase, phase error.
_ROWS = len(PARTS) + 1
_COLOUR_MAPS = {"amplitude": "gray", "phase": "cividis", _ERROR: "PuOr_r"}
_UNITS = {"amplitude": "|O|", "phase": "phase (rad)", _ERROR: "error (rad)"}
_SHOWN_SCORES = {"ssim": "SSIM", "pearson": "r"}
# A few outlying pixels of the truth do not set the scale.
_SCALE_PERCENTILES = (0.5, 99.5)
# Panels side by side: truth and arms above, controls below them, read at the width of a page.
_COLUMNS = 1 + len(ARMS)
# Of the mean amplitude, or in radians: less is no contrast, and is shown amid so much to each side.
_CONTRAST, _AROUND = 1e-3, 0.1
# Inches: five panels with their letters of 7.5 pt are printed 170 mm wide, where 6 pt are read.
_WIDE = 1.32
_HIGHEST = 1.9
_ERROR_PERCENTILE = 99.5


def comparison_plot(
    fields: Mapping[str, np.ndarray],
    truth: np.ndarray,
    mask: np.ndarray,
    title: str,
    *,
    scores: Scores | None = None,
    caption: str = "",
    known: str = "Truth",
    pixel_m: float | None = None,
) -> Figure:
    """Show amplitude, phase and phase error of every arm, one colour scale for each of the three.

    Parameters
    ----------
    fields : dict of str to (H, W) complex
        Aligned fields in the order shown.
    truth : (H, W) complex
        It sets the colour scales.
    mask : (H, W) bool
        Scored pixels; the others are grey.
    title : str
        Which cell this is.
    scores : dict, optional
        ``{model: {"ssim" | "pearson": (amplitude, phase, value)}}``, printed above each panel.
    caption : str
        Under which conditions the cell was measured.
    known : str
        What `truth` is called: a measured study has a reference.
    pixel_m : float, optional
        Side of an object pixel, where it is known.

    Returns
    -------
    Figure
    """
    box = bounding_box(mask)
    kept = mask[box]
    cropped = {known: truth[box]}
    for model, field in fields.items():
        cropped[model] = field[box]
    columns = min(len(cropped), _COLUMNS)
    bands = math.ceil(len(cropped) / columns)
    figure = Figure(figsize=_figure_size(kept.shape, columns, bands), layout="constrained")
    axes = figure.subplots(bands * _ROWS, columns, squeeze=False)
    for number, part in enumerate(PARTS):
        shown = {model: _panel(field, truth[box], kept, part) for model, field in cropped.items()}
        scale = _colour_scale(shown[known][kept], part)
        for row, models in zip(axes[number::_ROWS], _bands(list(shown), columns), strict=True):
            drawn = _draw_row(row, {model: shown[model] for model in models}, kept, part, scale)
            _frame_row(row, models, scores or {}, part)
            _draw_colour_bar(figure, row, drawn, _UNITS[part])
    _draw_errors(figure, axes[len(PARTS) :: _ROWS], cropped, kept)
    draw_scale_bar(axes[0][0], kept.shape[1], pixel_m)
    return finish(figure, title, _caption(known, fields) + caption)


def _caption(known: str, models: Iterable[str]) -> str:
    ours = set(OWN) & set(models)
    whose = "our arms'" if ours and foreign(models) else "the arms'"
    return _CAPTION.format(known=known.lower(), whose=whose)


def _scaling(models: Sequence[str]) -> list[str]:
    """Return the models whose errors set the scale.

    No field of another program, however far off, makes ours look better; where there are only
    such, it is theirs.
    """
    ours = [model for model in models if model in OWN]
    return ours or [model for model in models if model not in CONTROLS]


def _draw_errors(
    figure: Figure, rows: np.ndarray, fields: Mapping[str, np.ndarray], kept: np.ndarray
) -> None:
    """Draw the phase errors of all fields (h, w) but the first, against which they are."""
    known = next(iter(fields))
    shown = {model: _error(field, fields[known], kept) for model, field in fields.items()}
    span = _error_span([shown[model][kept] for model in _scaling(list(shown)[1:])])
    scale = Normalize(-span, span)
    for row, models in zip(rows, _bands(list(shown), len(rows[0])), strict=True):
        drawn = _draw_row(row, {model: shown[model] for model in models}, kept, _ERROR, scale)
        for ax in row[: len(models)]:
            _frame_panel(ax, "")
        row[0].set_ylabel("Phase error", fontsize=TEXT)
        _draw_colour_bar(figure, row, drawn, _UNITS[_ERROR])
    _blank(rows[0][0])


def _blank(ax: Axes) -> None:
    """Leave the place of what has no error empty, but for the name of its row."""
    ax.images[0].remove()
    ax.set_facecolor("none")


def _error(field: np.ndarray, truth: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the wrapped phase difference (h, w) as it is scored; none where the truth is dark."""
    lit = kept & (np.abs(truth) > 0)
    return np.where(lit, phase_pair(field, truth, lit)[2], 0.0)


def _error_span(errors: Sequence[np.ndarray]) -> float:
    """Return what ends the scale of the errors (p,) of the arms; without an arm, pi."""
    if not errors:
        return math.pi
    # Perfect arms have a scale all the same.
    return max(float(np.percentile(np.abs(errors), _ERROR_PERCENTILE)), 1e-6)


def _figure_size(shape: tuple[int, ...], columns: int, bands: int) -> tuple[float, float]:
    """Return width and height in inches of bands of three rows of panels, each (H, W)."""
    rows, cols = shape
    high = min(_HIGHEST, _WIDE * rows / cols)
    return _WIDE * 1.12 * columns + 0.9, _ROWS * bands * (high + 0.35) + 1.3


def _bands(models: Sequence[str], columns: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(models), columns):
        yield models[start : start + columns]


def _draw_row(
    row: Sequence[Axes],
    shown: Mapping[str, np.ndarray],
    kept: np.ndarray,
    part: str,
    scale: Normalize,
) -> AxesImage:
    """Draw one part of the fields (h, w) of a band; return the last image."""
    for ax, image in zip(row, shown.values(), strict=False):
        masked = np.ma.array(image, mask=~kept)
        drawn = ax.imshow(masked, interpolation="nearest", cmap=_COLOUR_MAPS[part], norm=scale)
    # The last band may have fewer.
    for ax in row[len(shown) :]:
        ax.set_axis_off()
    return drawn


def _colour_scale(truth: np.ndarray, part: str) -> Normalize:
    """Return the scale of the colours from the scored pixels (p,) of the truth."""
    low, high = np.percentile(truth, _SCALE_PERCENTILES)
    middle = (low + high) / 2
    unit = 1.0 if part == "phase" else middle or 1.0
    if high - low >= _CONTRAST * unit:
        return Normalize(low, high)
    # A truth without contrast has a scale all the same, in which rounding is not to be seen.
    return Normalize(middle - _AROUND * unit, middle + _AROUND * unit)


def _panel(field: np.ndarray, truth: np.ndarray, mask: np.ndarray, part: str) -> np.ndarray:
    """Return amplitude or phase of a field (h, w), the phase in the branch that the scores use."""
    if part == "amplitude":
        amplitude: np.ndarray = np.abs(field)
        return amplitude
    # Where the truth is dark it has no phase.
    phase: np.ndarray = phase_pair(field, truth, mask & (np.abs(truth) > 0))[0]
    return phase


def _panel_title(scores: Scores, model: str, part: str) -> str:
    """Return the scores of one panel; in the upper row the name of the model stands above them."""
    lines = [_panel_scores(scores.get(model, {}), PARTS.index(part))]
    if part == PARTS[0]:
        lines.insert(0, model)
    return "\n".join(line for line in lines if line)


def _panel_scores(scores: Mapping[str, Sequence[float | None]], part: int) -> str:
    texts = []
    for metric, label in _SHOWN_SCORES.items():
        # A part without contrast in the truth has no score.
        score = scores[metric][part] if metric in scores else None
        if score is not None:
            texts.append(f"{label} {score:.3f}")
    return "  ".join(texts)


def _frame_row(row: Sequence[Axes], models: Sequence[str], scores: Scores, part: str) -> None:
    for ax, model in zip(row, models, strict=False):
        _frame_panel(ax, _panel_title(scores, model, part))
    row[0].set_ylabel(part.capitalize(), fontsize=TEXT)


def _frame_panel(ax: Axes, title: str) -> None:
    ax.set(xticks=[], yticks=[], facecolor=MASKED)
    ax.set_title(title, fontsize=SMALL)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _draw_colour_bar(figure: Figure, row: Sequence[Axes], drawn: AxesImage, unit: str) -> None:
    bar = figure.colorbar(drawn, ax=list(row), fraction=0.03, pad=0.01, extend="both")
    bar.set_label(unit, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
