"""Figures as PNG files: the same figure gives the same bytes."""

from pathlib import Path
from typing import Any

from ptychostudy.io.atomic import atomic


def write_figure(path: str | Path, figure: Any, dpi: int = 150) -> None:
    """Write a matplotlib figure as PNG; the same figure gives the same bytes."""
    # Left alone, matplotlib would write its own version into the file.
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi, metadata={"Software": None})
