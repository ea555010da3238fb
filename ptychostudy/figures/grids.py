"""Score against cell: differences and heat maps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from ptychostudy.figures.style import FAILED, SMALL, TEXT, conditions, finish, or_nan
from ptychostudy.report.cells import arms_in, model_order, shown_column, spoken
from ptychostudy.report.markdown import photon_text
from ptychostudy.report.seeds import paired, repeated, runs_of
from ptychostudy.study.arm_names import further
from ptychostudy.study.names import OTHERS, PINN

Summary = Mapping[str, Any]
Cell = Mapping[str, Any]

_LABELS = {"ms_ssim": "MS-SSIM", "pearson": "Pearson correlation"}
_MEANINGS = {
    "ms_ssim": "Wang 2003, data range = span of the truth; 1 is a perfect match",
    "pearson": "1 is a perfect match, 0 a flat object, less has the darkest colour",
}
_LABELLED = (
    "n: detected photons per object pixel. Overlap: shared area of probe discs, in brackets "
    "linear, 1 - step / probe diameter."
)
_GAIN_CAPTION = (
    "MS-SSIM: Wang 2003, data range = span of the truth. Above zero PtychoPINN is closer to the "
    "truth. Last line of a cell: PtychoPINN | the other arm."
)
_SCORE_CAPTION = "Below the line: controls; the flat object shows the metric's zero."
# Below it a difference looks pale, whatever the largest one is.
_LEAST_SPAN = 0.05
# Luma of ITU-R BT.601: green looks brighter than red, and red than blue.
_RED = 0.299
_GREEN = 0.587
_BLUE = 0.114
_NOTE: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": SMALL}


@dataclass(frozen=True)
class _Room:
    """Inches of a cell."""

    height: float
    width: float


# An interval takes a line and some width of its own.
_GAIN_ROOM = _Room(0.75, 0.95)
_GAIN_ROOM_OF_SEEDS = _Room(0.85, 1.1)
_SCORE_ROOM = _Room(0.42, 0.95)
_SCORE_ROOM_OF_SEEDS = _Room(0.6, 1.0)


@dataclass(frozen=True)
class _Grid:
    """What stands in a grid: values and notes (rows, cols), a row for each label."""

    labels: list[str]
    cells: Sequence[Cell]
    values: np.ndarray
    notes: list[list[str]]

    @property
    def span(self) -> float:
        """The largest absolute value, 0 where there is none."""
        if not np.isfinite(self.values).any():
            return 0.0
        return float(np.nanmax(np.abs(self.values)))


def ssim_grid(summary: Summary) -> Figure:
    """Show PtychoPINN's gain in phase MS-SSIM over each other arm, per cell, and both scores.

    With several seeds the gain is the mean of the paired differences, with its interval.
    """
    grid = _gains(summary)
    one = summary["seeds"]["n"] == 1
    figure, ax = _empty_figure(grid, _GAIN_ROOM if one else _GAIN_ROOM_OF_SEEDS)
    span = max(_LEAST_SPAN, grid.span)
    # Zero has the middle colour: the sign is seen before the number is read.
    norm = TwoSlopeNorm(0.0, -span, span)
    drawn = ax.imshow(grid.values, cmap="PuOr_r", norm=norm, aspect="auto")
    _write_notes(ax, grid, drawn)
    _label(ax, grid)
    _draw_colour_bar(figure, ax, drawn, "Δ phase MS-SSIM")
    caption = f"{spoken(_GAIN_CAPTION, grid.cells)} {_LABELLED} {conditions(summary, grid.cells)}"
    return finish(figure, "Phase MS-SSIM: PtychoPINN minus the other arm", caption)


def _gains(summary: Summary) -> _Grid:
    cells = summary["jobs"]
    others = [*OTHERS, *further(arms_in(cells))]
    gains = [
        [paired(summary, cell, other, "ms_ssim", "phase") for cell in cells] for other in others
    ]
    notes = []
    for other, row in zip(others, gains, strict=True):
        pairs = zip(cells, row, strict=True)
        notes.append([_gain_note(summary, cell, other, gain) for cell, gain in pairs])
    return _Grid([f"vs {other}" for other in others], cells, _means(gains), notes)


def _means(rows: Sequence[Sequence[Mapping[str, Any]]]) -> np.ndarray:
    """Return the mean of each score (rows, cols), NaN where there is none."""
    return np.array([[or_nan(score["mean"]) for score in row] for row in rows])


def _gain_note(summary: Summary, cell: Cell, other: str, gain: Mapping[str, Any]) -> str:
    """Return the gain with its interval and both scores, or which arm is missing."""
    if gain["mean"] is None:
        failed = [model for model in (PINN, other) if _failed(summary, cell, model)]
        return f"{failed[0]}\nfailed" if failed else "n/a"
    ours = repeated(summary, cell, PINN, "ms_ssim", "phase")["mean"]
    theirs = repeated(summary, cell, other, "ms_ssim", "phase")["mean"]
    return f"{_with_interval(gain, '+z.3f')}\n{ours:.3f} | {theirs:.3f}"


def _with_interval(score: Mapping[str, Any], form: str) -> str:
    """Return a mean and, below it, its interval, if it has one, in a format such as ``z.3f``."""
    mean = format(score["mean"], form)
    if score["low"] is None:
        return mean
    low, high = (format(score[end], form) for end in ("low", "high"))
    return f"{mean}\n[{low}, {high}]"


def _failed(summary: Summary, cell: Cell, model: str) -> bool:
    """Return whether a model has no result of a cell in any seed."""
    return not runs_of(summary, cell, model)["n_ok"]


def correlation_heatmap(summary: Summary) -> Figure:
    """Show Pearson's correlation of the phase, model against cell."""
    return _heatmap(summary, "pearson")


def ms_ssim_heatmap(summary: Summary) -> Figure:
    """Show MS-SSIM of the phase, model against cell."""
    return _heatmap(summary, "ms_ssim")


def _heatmap(summary: Summary, metric: str) -> Figure:
    grid = _scores(summary, metric)
    one = summary["seeds"]["n"] == 1
    figure, ax = _empty_figure(grid, _SCORE_ROOM if one else _SCORE_ROOM_OF_SEEDS)
    drawn = ax.imshow(grid.values, cmap="cividis", vmin=0.0, vmax=1.0, aspect="auto")
    _write_notes(ax, grid, drawn)
    # The arms come first; below the line is what they are read beside.
    ax.axhline(len(arms_in(summary["jobs"])) - 0.5, color="white", linewidth=4)
    _label(ax, grid)
    _draw_colour_bar(figure, ax, drawn, _LABELS[metric])
    said = conditions(summary, grid.cells)
    meaning = spoken(_MEANINGS[metric], grid.cells)
    caption = f"{meaning}. {_SCORE_CAPTION} {_LABELLED} {said}"
    return finish(figure, f"{_LABELS[metric]} of the {shown_column(summary)}", caption)


def _scores(summary: Summary, metric: str) -> _Grid:
    cells = summary["jobs"]
    column = shown_column(summary)
    models = model_order(cells)
    scores = [
        [repeated(summary, cell, model, metric, column) for cell in cells] for model in models
    ]
    notes = []
    for model, row in zip(models, scores, strict=True):
        pairs = zip(cells, row, strict=True)
        notes.append([_score_note(summary, cell, model, score) for cell, score in pairs])
    return _Grid(models, cells, _means(scores), notes)


def _score_note(summary: Summary, cell: Cell, model: str, score: Mapping[str, Any]) -> str:
    """Return a score with its interval, and in how many seeds it is known if not in all."""
    if score["mean"] is None:
        return "failed" if _failed(summary, cell, model) else "n/a"
    known = len(score["values"])
    seeds = summary["seeds"]["n"]
    text = _with_interval(score, "z.3f")
    return f"{text}\n({known} of {seeds})" if known < seeds else text


def _empty_figure(grid: _Grid, room: _Room) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_figure_size(grid, room), layout="constrained")
    ax = figure.subplots()
    # It is seen where a value is missing.
    ax.set_facecolor(FAILED)
    return figure, ax


def _figure_size(grid: _Grid, room: _Room) -> tuple[float, float]:
    """Return width and height in inches: those of the cells, and room for title and captions."""
    width = 2.0 + room.width * len(grid.cells)
    height = 2.2 + room.height * len(grid.labels)
    return max(7.5, width), height


def _draw_colour_bar(figure: Figure, ax: Axes, drawn: AxesImage, label: str) -> None:
    bar = figure.colorbar(drawn, ax=ax, pad=0.015)
    bar.set_label(label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)


def _write_notes(ax: Axes, grid: _Grid, drawn: AxesImage) -> None:
    for (row, col), value in np.ndenumerate(grid.values):
        color = "white" if _is_dark(value, drawn) else "black"
        ax.text(col, row, grid.notes[row][col], color=color, **_NOTE)


def _is_dark(value: float, drawn: AxesImage) -> bool:
    """Return whether white is read better than black on the colour of a value."""
    if not np.isfinite(value):
        return False
    red, green, blue, _ = drawn.cmap(drawn.norm(np.array(value)))
    luma = _RED * red + _GREEN * green + _BLUE * blue
    return bool(luma < 0.5)


def _label(ax: Axes, grid: _Grid) -> None:
    """Name the rows and the cells, and take ticks and frame away."""
    names = [_cell_label(cell) for cell in grid.cells]
    ax.set_xticks(range(len(names)), names, fontsize=SMALL)
    ax.set_yticks(range(len(grid.labels)), grid.labels, fontsize=TEXT)
    ax.set_xlabel("photons per frame, view, split, n, overlap (linear)", fontsize=SMALL)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _cell_label(cell: Cell) -> str:
    dose = photon_text(cell["dose"])
    light = photon_text(cell["photons_per_pixel"])
    return f"{dose}\n{cell['view']}\n{cell['split']}\nn {light}\n{_overlap_text(cell['overlap'])}"


def _overlap_text(overlap: Mapping[str, float]) -> str:
    area = overlap["metric_2_image_based_avg"]
    linear = overlap["linear_overlap"]
    return f"{area:.2f} ({linear:.2f})"
