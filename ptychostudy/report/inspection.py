"""What `inspect` shows of a user's files, as text: tables where it helps, and the study's YAML."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

WIDTH = 110
"""Columns, where a terminal has no fewer."""

_GAP = 2
# Of comments in YAML, whatever the terminal was.
_COMMENT_WIDTH = 100


def lines_of(record: Mapping[str, Any], width: int = WIDTH) -> list[str]:
    """Return the sections of an inspection, those that have anything to say.

    Parameters
    ----------
    record : mapping
        ``files`` and ``format``; ``contents`` and ``checks``, lists of rows; ``unused``, ``said``,
        ``missing``, ``assumed`` and ``fits``, lists of texts; ``numbers``, a mapping.
    width : int, optional
        Columns.
    """
    lines = [f"{', '.join(record['files'])}: {record['format']}", ""]
    lines += _section("What is in it", _table(record["contents"], width))
    lines += _section("Not used", _items(record["unused"], width))
    lines += _section("Done and seen", _items(record["said"], width))
    lines += _section("Missing", _items(record["missing"], width))
    lines += _section("Assumed", _items(record["assumed"], width))
    lines += _section("Checks", _table(record["checks"], width))
    lines += _section("Does the geometry fit?", _items(record["fits"], width))
    numbers = [{"what": name, "value": text} for name, text in record["numbers"].items()]
    return lines + _section("A study of it", _table(numbers, width))


def _section(title: str, body: Sequence[str]) -> list[str]:
    return [title, *body, ""] if body else []


def _items(texts: Iterable[str], width: int) -> list[str]:
    lines = []
    for text in texts:
        lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ")
    return lines


def _table(rows: Sequence[Mapping[str, str]], width: int) -> list[str]:
    """Return rows of texts in columns; the last one takes what room is left, in as many lines.

    Where the others leave it less than a third, each row is an item of its own.
    """
    if not rows:
        return []
    names = list(rows[0])
    widths = [
        max(len(each) for each in (name, *(row[name] for row in rows))) for name in names[:-1]
    ]
    indent = _GAP * len(names) + sum(widths)
    if width - indent < width // 3:
        return _items((_in_words(row) for row in rows), width)
    lines = [_cells(dict(zip(names, names, strict=True)), widths, "")]
    for row in rows:
        first, *more = textwrap.wrap(row[names[-1]], width - indent) or [""]
        lines.append(_cells(row, widths, first))
        lines += [" " * indent + text for text in more]
    return [line.rstrip() for line in lines]


def _in_words(row: Mapping[str, str]) -> str:
    first, *others = row.values()
    return f"{first}: {', '.join(filter(None, others))}"


def _cells(row: Mapping[str, str], widths: Sequence[int], last: str) -> str:
    texts = list(row.values())[:-1]
    padded = [f"{text:<{width}}" for text, width in zip(texts, widths, strict=True)]
    return (" " * _GAP).join(["", *padded, last or list(row.values())[-1]])


def study_yaml(settings: Mapping[str, Any], comments: Iterable[str]) -> str:
    """Return the configuration of a study, with what is to be looked at above it.

    Parameters
    ----------
    settings : mapping
        Sections that differ from the defaults.
    comments : iterable of str
    """
    lines = []
    for text in comments:
        wrapped = textwrap.wrap(text, _COMMENT_WIDTH, initial_indent="# ", subsequent_indent="#   ")
        lines += wrapped
    body = yaml.safe_dump(dict(settings), sort_keys=False, default_flow_style=None)
    return "".join(f"{line}\n" for line in lines) + body
