"""Figures as PNG files: the same figure gives the same bytes."""

import io
from pathlib import Path
from typing import Any

from ptychostudy.io.atomic import atomic

# Left alone, matplotlib would write its own version into the file. A tenth is won by packing well.
_LOSSLESS: dict[str, Any] = {"metadata": {"Software": None}, "pil_kwargs": {"optimize": True}}


def write_figure(
    path: str | Path, figure: Any, dpi: int = 150, *, colours: int | None = None
) -> None:
    """Write a matplotlib figure as PNG; the same figure gives the same bytes.

    Parameters
    ----------
    path : str or Path
    figure : Figure
    dpi : int
    colours : int, optional
        Colours that stand for all, at most 256: a third of the bytes, for figures of one map.
    """
    with atomic(path) as temporary:
        if colours is None:
            figure.savefig(temporary, format="png", dpi=dpi, **_LOSSLESS)
        else:
            _write_few(temporary, figure, dpi, colours)


def _write_few(path: Path, figure: Any, dpi: int, colours: int) -> None:
    """Write a figure in few colours, each the mean of those it stands for."""
    from PIL import Image  # only where it is asked for

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi)
    with Image.open(drawn) as picture:
        # Without dithering: what is one colour stays one.
        few = picture.convert("RGB").quantize(colours, dither=Image.Dither.NONE)
    few.save(path, format="PNG", optimize=True)
