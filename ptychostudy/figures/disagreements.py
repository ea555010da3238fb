"""What networks say of their own error: how far patches are from each other, beside the error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ptychostudy.figures.scale_bar import draw_scale_bar
from ptychostudy.figures.style import MASKED, SMALL, finish
from ptychostudy.measure.fields import bounding_box

_CAPTION = (
    "Left of a pair: disagreement, the weighted standard deviation of the patches or passes that "
    "were put together at a pixel; right: error, |model - {known}|, both of the complex field in "
    "the gauge that is scored, on one logarithmic scale. Above: root mean squares on the scored "
    "pixels. Where a disagreement is darker than the error beside it, the network is surer than "
    "it is right: what all patches share, they do not disagree about. Grey: not scored."
)
_PERCENTILES = (1, 99.5)
_DECADES = 4
_WIDE = 1.5
_HIGHEST = 1.9


@dataclass(frozen=True)
class Maps:
    """What one network made of a cell.

    Attributes
    ----------
    disagreement, error : (H, W) float
        Of the complex field.
    """

    disagreement: np.ndarray
    error: np.ndarray


@dataclass(frozen=True)
class CellMaps:
    """The networks of a cell.

    Attributes
    ----------
    title : str
        Which cell.
    mask : (H, W) bool
        Scored pixels.
    networks : dict of Maps
        By network; one that failed is not there.
    """

    title: str
    mask: np.ndarray
    networks: Mapping[str, Maps]

    def values(self) -> list[np.ndarray]:
        """Return disagreements and errors (p,) of all networks on the scored pixels."""
        maps = self.networks.values()
        return [image[self.mask] for one in maps for image in (one.disagreement, one.error)]


def disagreement_maps(
    cells: Sequence[CellMaps], *, known: str = "truth", pixel_m: float | None = None
) -> Figure:
    """Draw disagreement and error of every network, a row for each cell, in one scale.

    Parameters
    ----------
    cells : sequence of CellMaps
    known : str
        What arms are scored against.
    pixel_m : float, optional
        Side of an object pixel, where it is known.

    Returns
    -------
    Figure
    """
    networks = list(dict.fromkeys(name for cell in cells for name in cell.networks))
    columns = max(2, 2 * len(networks))
    rows, cols = cells[0].mask[bounding_box(cells[0].mask)].shape
    high = min(_HIGHEST, _WIDE * rows / cols) + 0.3
    size = (_WIDE * columns + 1.1, high * len(cells) + 1.9)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(cells), columns, squeeze=False)
    scale = _scale(cells)
    for row, cell in zip(axes, cells, strict=True):
        row[0].set_ylabel(cell.title, fontsize=SMALL)
        for number, name in enumerate(networks):
            _draw_pair(row[2 * number : 2 * number + 2], cell, name, scale)
    box = bounding_box(cells[0].mask)
    draw_scale_bar(axes[0][0], cells[0].mask[box].shape[1], pixel_m)
    shown = [ax for ax in axes.flat if ax.images]
    if shown:
        bar = figure.colorbar(shown[0].images[0], ax=axes, fraction=0.03, pad=0.01, extend="both")
        bar.set_label("of the complex field, units of |O|", fontsize=SMALL)
        bar.ax.tick_params(labelsize=SMALL)
    _name_columns(axes[0], networks)
    return finish(figure, "Disagreement of patches beside the error", _CAPTION.format(known=known))


def _scale(cells: Sequence[CellMaps]) -> LogNorm:
    """Return the scale of all maps, some decades at most."""
    values = [part for cell in cells for part in cell.values()]
    every = np.concatenate([np.zeros(0), *values])
    lit = every[every > 0]
    if not lit.size:
        return LogNorm(1e-3, 1)
    low, high = np.percentile(lit, _PERCENTILES)
    return LogNorm(min(max(low, high / 10**_DECADES), high / 2), high)


def _draw_pair(pair: Sequence[Axes], cell: CellMaps, name: str, scale: LogNorm) -> None:
    """Draw disagreement and error of one network side by side, or that it failed."""
    for ax in pair:
        ax.set(xticks=[], yticks=[], facecolor=MASKED)
        for spine in ax.spines.values():
            spine.set_visible(False)
    if name not in cell.networks:
        pair[0].set_title(f"{name} failed", fontsize=SMALL)
        return
    maps = cell.networks[name]
    box = bounding_box(cell.mask)
    for ax, image in zip(pair, (maps.disagreement, maps.error), strict=True):
        # Where one patch lies alone there is no disagreement, and no logarithm.
        shown = np.ma.array(np.maximum(image[box], scale.vmin or 0), mask=~cell.mask[box])
        ax.imshow(shown, cmap="magma", norm=scale, interpolation="nearest")
        ax.set_title(f"rms {_rms(image[cell.mask]):.2g}", fontsize=SMALL)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values.astype(np.float64) ** 2)))


def _name_columns(row: Sequence[Axes], networks: Sequence[str]) -> None:
    for number, name in enumerate(networks):
        for ax, what in zip(row[2 * number :], ("disagreement", "error"), strict=False):
            ax.set_title(f"{name}\n{what}\n{ax.get_title()}", fontsize=SMALL)
