"""What `inspect` shows of a user's files, as text: tables where it helps, and the study's YAML."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

WIDTH = 110
_GAP = 2


def lines_of(record: Mapping[str, Any]) -> list[str]:
    """Return the sections of an inspection, those that have anything to say.

    Parameters
    ----------
    record : mapping
        ``files`` and ``format``; ``contents`` and ``checks``, lists of rows; ``unused``, ``said``,
        ``missing``, ``assumed`` and ``fits``, lists of texts; ``numbers``, a mapping.
    """
    lines = [f"{', '.join(record['files'])}: {record['format']}", ""]
    lines += _section("What is in it", _table(record["contents"]))
    lines += _section("Not used", _items(record["unused"]))
    lines += _section("Done to it", _items(record["said"]))
    lines += _section("Missing", _items(record["missing"]))
    lines += _section("Assumed", _items(record["assumed"]))
    lines += _section("Checks", _table(record["checks"]))
    lines += _section("Does the geometry fit?", _items(record["fits"]))
    numbers = [{"what": name, "value": text} for name, text in record["numbers"].items()]
    return lines + _section("A study of it", _table(numbers))


def _section(title: str, body: Sequence[str]) -> list[str]:
    return [title, *body, ""] if body else []


def _items(texts: Iterable[str]) -> list[str]:
    lines = []
    for text in texts:
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
    return lines


def _table(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return rows of texts in columns; the last one takes what room is left, in as many lines."""
    if not rows:
        return []
    names = list(rows[0])
    widths = [
        max(len(each) for each in (name, *(row[name] for row in rows))) for name in names[:-1]
    ]
    indent = _GAP * len(names) + sum(widths)
    lines = [_cells(dict(zip(names, names, strict=True)), widths, "")]
    for row in rows:
        room = max(WIDTH - indent, WIDTH // 3)
        first, *more = textwrap.wrap(row[names[-1]], room) or [""]
        lines.append(_cells(row, widths, first))
        lines += [" " * indent + text for text in more]
    return [line.rstrip() for line in lines]


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
        wrapped = textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="#   ")
        lines += wrapped
    body = yaml.safe_dump(dict(settings), sort_keys=False, default_flow_style=None)
    return "".join(f"{line}\n" for line in lines) + body
