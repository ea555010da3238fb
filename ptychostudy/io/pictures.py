"""Figures as PNG files: the same figure gives the same bytes."""

from pathlib import Path
from typing import Any

from ptychostudy.io.atomic import atomic

# Left alone, matplotlib would write its own version into the file. A tenth is won by packing well.
_LOSSLESS: dict[str, Any] = {"metadata": {"Software": None}, "pil_kwargs": {"optimize": True}}


def write_figure(path: str | Path, figure: Any, dpi: int = 150) -> None:
    """Write a matplotlib figure as PNG; the same figure gives the same bytes."""
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi, **_LOSSLESS)
