"""An answer on the terminal: lines for a person, or one JSON object for a program."""

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

_WIDEST = 110
# What a log or a pipe gets, which have no width.
_USUAL = (100, 30)
_COUNTED = re.compile(r"(?<=\d) (?=\w)")
_BOUND = "\N{NO-BREAK SPACE}"


def show(lines: Iterable[str], record: dict[str, Any], *, as_json: bool) -> None:
    """Print the one or the other."""
    try:
        print(json.dumps(record, indent=1) if as_json else "\n".join(lines), flush=True)
    except BrokenPipeError:
        # `| head` has read enough; Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def width() -> int:
    """Return the columns there are for a line."""
    return min(shutil.get_terminal_size(_USUAL).columns, _WIDEST)


def wrapped(text: str, indent: int, first: str = "") -> list[str]:
    """Return a text in lines that fit, set in by a number of columns.

    Parameters
    ----------
    text : str
    indent : int
        Columns before each line.
    first : str
        What stands in those columns of the first line.
    """
    # A number stays with what it counts.
    bound = _COUNTED.sub(_BOUND, text)
    lines = textwrap.wrap(
        bound,
        width(),
        initial_indent=first.ljust(indent),
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line.replace(_BOUND, " ") for line in lines]


def shortened(text: str, room: int) -> str:
    """Return a text in one line of so many columns at most; what is cut is dotted."""
    return text if len(text) <= room else f"{text[: max(room - 1, 0)]}…"


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Return rows as lines in columns; the last column takes the width that is left.

    Parameters
    ----------
    rows : sequence of sequence of str
        Equally long; the first one is the head.
    right : sequence of int
        Columns that end at the same place.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns[:-1]]
    lines = []
    for row in rows:
        cells = [
            text.rjust(size) if k in right else text.ljust(size)
            for k, (text, size) in enumerate(zip(row, widths, strict=False))
        ]
        start = "  ".join(cells) + "  "
        lines.append((start + shortened(row[-1], width() - len(start))).rstrip())
    return lines


def counted(count: int, what: str) -> str:
    """Return a number with what it counts, of which there may be one."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def in_bytes(size: float) -> str:
    """Return a size in MB or GB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def in_time(seconds: float) -> str:
    """Return a time as people say it: seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
