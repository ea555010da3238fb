"""The same patches by each of several computations, one below the other."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from ptychostudy.figures.style import SMALL, TEXT, finish

_COLUMNS = 6
_INCHES = 1.3
# Of the values, in per cent: where the scale ends.
_SHARES = (1, 99)


def patch_grid(patches: Mapping[str, np.ndarray], title: str, caption: str) -> Figure:
    """Draw some patches of each computation in one grey scale.

    Parameters
    ----------
    patches : mapping of str to (k, S, S) float
        By the name of the computation.
    title, caption : str
    """
    shown = {name: _chosen(images) for name, images in patches.items()}
    # A few pixels at the edge of what is seen would take all of the scale.
    every = np.concatenate([images.ravel() for images in shown.values()])
    low, high = np.percentile(every, _SHARES)
    columns = max(len(images) for images in shown.values())
    size = (_INCHES * columns + 1.2, _INCHES * len(shown) + 1.2)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(shown), columns, squeeze=False)
    for row, (name, images) in zip(axes, shown.items(), strict=True):
        row[0].set_ylabel(name, fontsize=TEXT)
        for ax in row:
            ax.set(xticks=[], yticks=[])
        for ax, image in zip(row, images, strict=False):
            drawn = ax.imshow(image, cmap="gray", vmin=low, vmax=high)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8)
    bar.ax.tick_params(labelsize=SMALL)
    return finish(figure, title, caption)


def _chosen(images: np.ndarray) -> np.ndarray:
    """Return some patches, spread over all of them."""
    places = np.linspace(0, len(images) - 1, min(_COLUMNS, len(images)), dtype=int)
    return np.asarray(images[places])
