"""What was measured: the probe, where it went, and frames of each dose."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from ptychostudy.figures.scale_bar import draw_scale_bar
from ptychostudy.figures.style import MASKED, SMALL, TEXT, finish
from ptychostudy.report.markdown import photon_text
from ptychostudy.study.names import TEST_SPLIT, TRAINING_SPLIT

_Panel = TypeVar("_Panel")
_CAPTION = (
    "Probe as arms are told it: amplitude over its largest; phase on a cyclic map, grey where "
    "there is no light. Multiplicity: how many frames see an object pixel, each by its light; "
    "dots: positions, white of the training part, black of the test part. Frames of the test "
    "part, photons on a logarithmic scale, zero frequency in the middle; dark: none. "
)
_MASK_CAPTION = "Grey: detector pixels that count nothing."
_FULL_CAPTION = "All detector pixels count."
_INCHES = 2.25
# With more of them, or wider, letters fall below 7 points at the width of a printed page, 170 mm.
_COLUMNS = 3
_WIDEST_INCHES = 7.1
_MARGIN_INCHES = 0.6
_DOTS = {TRAINING_SPLIT: "white", TEST_SPLIT: "black"}
_UNLIT = "#8c8c8c"
# Decades of photons that are shown; fewer are dark.
_DECADES = 5
# Of the largest to the smallest photon number: powers of ten alone would be one number or two.
_FEW = 100


@dataclass(frozen=True)
class ViewScan:
    """The scan of a view.

    Attributes
    ----------
    multiplicity : (H, W) float
        Of all its frames.
    origin : (int, int)
        Object pixel (row, col) of the map's first.
    positions : dict of str to (k, 2) float
        Window centres of the frames of each split.
    """

    multiplicity: np.ndarray
    origin: tuple[int, int]
    positions: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class DoseFrames:
    """Frames of a dose.

    Attributes
    ----------
    mean, one : (N, N) float
        Photons of the mean of all frames, and of one.
    number : int
        Which one.
    photons : float
        Mean photons on a frame.
    """

    mean: np.ndarray
    one: np.ndarray
    number: int
    photons: float


def scan_overview(
    probe: np.ndarray,
    views: Mapping[str, ViewScan],
    doses: Mapping[int, DoseFrames],
    valid: np.ndarray,
    *,
    modes: int = 1,
    pixel_m: float | None = None,
) -> Figure:
    """Draw probe, multiplicity and positions of each view, mean and one frame of each dose.

    Parameters
    ----------
    probe : (N, N) complex
    views : dict of ViewScan
        By name, in the order shown.
    doses : dict of DoseFrames
        By photons per frame.
    valid : (N, N) bool
        Detector pixels that count.
    modes : int
        Of the probe, of which the first is given.
    pixel_m : float, optional
        Side of an object pixel, where it is known.

    Returns
    -------
    Figure
    """
    columns = max(2, _in_a_row(len(views)), _in_a_row(len(doses)))
    view_rows, dose_rows = _wrapped(views, columns), _wrapped(doses, columns)
    probe_name = "Probe" if modes == 1 else f"Probe, first of {modes} modes"
    names = [probe_name, *["Multiplicity"] * len(view_rows)]
    names += ["Mean frame", "One frame"] * len(dose_rows)
    figure, axes = _panels(names, columns)
    _draw_probe(figure, axes[0], probe, pixel_m)
    most = max(float(scan.multiplicity.max()) for scan in views.values())
    for row, shown in zip(axes[1:], view_rows, strict=False):
        _draw_views(figure, row, shown, most)
    # One scale for all: the bar of the first is that of each.
    draw_scale_bar(axes[1, 0], next(iter(views.values())).multiplicity.shape[1], pixel_m)
    below = axes[1 + len(view_rows) :]
    for mean_row, frame_row, held in zip(below[::2], below[1::2], dose_rows, strict=True):
        _draw_frames(figure, mean_row, held, valid, mean=True)
        _draw_frames(figure, frame_row, held, valid, mean=False)
    caption = _CAPTION + (_FULL_CAPTION if valid.all() else _MASK_CAPTION)
    return finish(figure, "Probe, scan and frames", caption)


def _in_a_row(panels: int) -> int:
    """Return how many panels stand in a row where all rows are about as full."""
    rows = math.ceil(panels / _COLUMNS)
    return math.ceil(panels / rows)


def _wrapped(panels: Mapping[Any, _Panel], columns: int) -> list[list[tuple[Any, _Panel]]]:
    """Return what stands in each row, in order."""
    shown = list(panels.items())
    return [shown[start : start + columns] for start in range(0, len(shown), columns)]


def _panels(names: Sequence[str], columns: int) -> tuple[Figure, np.ndarray]:
    """Return a figure and its panels, a row for each name; only the first of a row is seen."""
    inches = min(_INCHES, (_WIDEST_INCHES - _MARGIN_INCHES) / columns)
    size = (inches * columns + _MARGIN_INCHES, 0.92 * inches * len(names) + 1.6)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(names), columns)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, name in zip(axes[:, 0], names, strict=True):
        _appear(ax, "")
        ax.set_ylabel(name, fontsize=TEXT)
    return figure, axes


def _draw_frames(
    figure: Figure,
    row: Sequence[Axes],
    held: Sequence[tuple[int, DoseFrames]],
    valid: np.ndarray,
    *,
    mean: bool,
) -> None:
    """Draw the mean frame of some doses, or one frame of each."""
    for ax, (dose, frames) in zip(row, held, strict=False):
        _draw_frame(figure, ax, frames.mean if mean else frames.one, valid)
        ax.set_title(_frame_title(dose, frames, mean=mean), fontsize=SMALL)


def _frame_title(dose: int, frames: DoseFrames, *, mean: bool) -> str:
    if mean:
        return f"{photon_text(dose)} photons per frame\nmeasured {frames.photons:.6g}"
    return f"frame {frames.number}: {frames.one.sum():.6g} photons"


def _appear(ax: Axes, title: str) -> None:
    """Give a panel its title, and no ticks and frame."""
    ax.set_axis_on()
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=SMALL)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _draw_probe(
    figure: Figure, row: Sequence[Axes], probe: np.ndarray, pixel_m: float | None
) -> None:
    """Draw amplitude and phase of the probe (N, N)."""
    amplitude = np.abs(probe) / np.abs(probe).max()
    shown = row[0].imshow(amplitude, cmap="gray", vmin=0, vmax=1)
    _appear(row[0], "amplitude / its largest")
    _draw_bar(figure, row[0], shown)
    draw_scale_bar(row[0], probe.shape[1], pixel_m)
    turn = Normalize(-np.pi, np.pi)
    row[1].imshow(np.angle(probe), cmap="twilight", norm=turn, alpha=np.minimum(2 * amplitude, 1))
    _appear(row[1], "phase (rad)")
    # A grey that the map, from white to black, does not hold.
    row[1].set_facecolor(_UNLIT)
    # Its colours are those of full light.
    colours = AxesImage(row[1], cmap="twilight", norm=turn)
    bar = _draw_bar(figure, row[1], colours)
    bar.set_ticks([-np.pi, 0, np.pi], labels=["-π", "0", "π"])


def _draw_views(
    figure: Figure, row: Sequence[Axes], views: Sequence[tuple[str, ViewScan]], most: float
) -> None:
    """Draw multiplicity, up to what is the most of all views, and positions of some views."""
    for ax, (name, scan) in zip(row, views, strict=False):
        shown = ax.imshow(scan.multiplicity, cmap="cividis", vmin=0, vmax=most)
        for split, positions in scan.positions.items():
            rows, cols = (positions - np.array(scan.origin)).T
            # Of many positions each is a small dot: they must not hide the map.
            size = np.clip(200 / len(rows), 0.3, 4)
            ax.scatter(cols, rows, s=size, color=_DOTS[split], linewidths=0)
        frames = " + ".join(str(len(positions)) for positions in scan.positions.values())
        _appear(ax, f"{name}: {frames} frames")
        _draw_bar(figure, ax, shown)


def _draw_frame(figure: Figure, ax: Axes, frame: np.ndarray, valid: np.ndarray) -> None:
    """Draw photons (N, N) on a logarithmic scale; what counts nothing is grey."""
    most = max(float(frame.max()), 1e-6)
    least = float(frame[frame > 0].min()) if np.any(frame > 0) else most
    # A frame of single photons has a scale all the same, and each of them is brighter than none.
    low = max(least / 2, most / 10**_DECADES)
    photons = np.ma.array(np.maximum(frame, low), mask=~valid)
    shown = ax.imshow(photons, cmap="inferno", norm=LogNorm(low, most), interpolation="nearest")
    _appear(ax, "")
    ax.set_facecolor(MASKED)
    bar = _draw_bar(figure, ax, shown)
    few = most / low < _FEW
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,), numticks=12))
    bar.ax.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())


def _draw_bar(figure: Figure, ax: Axes, shown: AxesImage) -> Any:
    bar = figure.colorbar(shown, ax=ax, fraction=0.045, pad=0.02)
    bar.ax.tick_params(labelsize=SMALL)
    return bar
