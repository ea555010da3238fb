"""Plain texts, such as reports: UTF-8, of bounded size."""

from pathlib import Path

from ptychostudy.io.atomic import forget_sum, read_utf8, write_utf8


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text."""
    write_utf8(path, text)


def write_draft(path: str | Path, text: str) -> None:
    """Write UTF-8 text that its reader will change, which is no damage: no sum of it is kept."""
    write_utf8(path, text)
    forget_sum(path)


def read_text(path: str | Path) -> str:
    """Read UTF-8 text; `DataError` where it is missing, no text, or larger than 16 MiB."""
    return read_utf8(path)
