"""Plain texts, such as reports: UTF-8, of bounded size."""

from pathlib import Path

from ptychostudy.io.atomic import read_utf8, write_utf8


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text."""
    write_utf8(path, text)


def read_text(path: str | Path) -> str:
    """Read UTF-8 text; `DataError` where it is missing, no text, or larger than 16 MiB."""
    return read_utf8(path)
