"""Figures as PNG files: a figure drawn anew gives the same bytes."""

import io
from pathlib import Path
from typing import Any

from ptychostudy.io.atomic import atomic

# All that a palette holds. A third of the bytes of true colours, of which figures have thousands:
# shades of a few maps, and rims of letters. None is more than some 20 of 256 steps off, in a rim.
_COLOURS = 256
# Rounds by which a colour becomes the mean of those it stands for.
_ROUNDS = 3


def write_figure(path: str | Path, figure: Any, dpi: int = 150) -> None:
    """Write a matplotlib figure as PNG of at most 256 colours."""
    from PIL import Image  # a tenth of a second that only who draws pays

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi)
    with atomic(path) as temporary, Image.open(drawn) as picture:
        # By the colours there are, not by how often: the median cut gives a thin line its
        # neighbour's. Without dithering what is one colour stays one.
        few = picture.convert("RGB").quantize(
            _COLOURS, Image.Quantize.MAXCOVERAGE, _ROUNDS, dither=Image.Dither.NONE
        )
        few.save(temporary, format="PNG", optimize=True)
