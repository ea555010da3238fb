"""JSON, CSV, text and figure files: sorted, stable bytes, no timestamps."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.atomic import DataError, atomic, plain_size

# Tables and records of a large study are a few MiB; parsed, a text takes up to twenty times its size.
_TEXT_BYTES = 16 << 20
_LEVELS = 64


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_text(path: str | Path) -> str:
    """Read UTF-8 text; `DataError` where it is missing, no text, or larger than 16 MiB."""
    size = plain_size(path)
    if size > _TEXT_BYTES:
        raise DataError(f"{path}: holds {size} bytes, needed a text of at most {_TEXT_BYTES}")
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error})") from error


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON with sorted keys; a non-finite number is refused, never written as NaN."""
    try:
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise DataError(f"{path}: a value is not finite or not JSON ({error}); nothing was written") from error
    write_text(path, text + "\n")


def read_json(path: str | Path, keys: Iterable[str] = ()) -> Any:
    """Read JSON and check that an object holds the given keys.

    Raises
    ------
    DataError
        If the file is missing, is no JSON, holds NaN, or lacks a key.
    """
    text = read_text(path)
    try:
        value = parse_json(text)
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON ({error})") from error
    missing = [key for key in keys if not isinstance(value, dict) or key not in value]
    if missing:
        raise DataError(f"{path}: key {missing[0]!r} is missing; needed {sorted(keys)}")
    return value


def parse_json(text: str | bytes, *, finite: bool = True) -> Any:
    """Parse JSON in which no key repeats and nothing is nested deeper than 64 levels.

    Parameters
    ----------
    text : str or bytes
    finite : bool
        Refuse NaN and infinity, which are no JSON. Records of a training that failed may hold them.

    Raises
    ------
    ValueError
        Saying what is wrong.
    """
    strict: dict[str, Any] = {"parse_constant": _refuse, "parse_float": _finite} if finite else {}
    try:
        value = json.loads(text, object_pairs_hook=_each_once, **strict)
    except (RecursionError, MemoryError) as error:
        raise ValueError(f"nested too deeply, needed at most {_LEVELS} levels") from error
    level = [value]
    for _ in range(_LEVELS):
        parts = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [part for item in parts for part in item]
    if level:
        raise ValueError(f"nested too deeply, needed at most {_LEVELS} levels")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is beyond all floating-point numbers")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a key repeats among {sorted(found)[:5]}")
    return found


def write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table; every cell must be filled, numbers are written with 9 significant digits."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(path, column, row[column]) for column in columns])
    write_text(path, buffer.getvalue())


def _cell(path: str | Path, column: str, value: Any) -> str:
    if isinstance(value, float | np.floating):
        if not math.isfinite(value):
            raise DataError(f"{path}: column {column!r} would hold {value}; a table holds finite numbers only")
        return f"{value:.9g}"
    if value is None or value == "":
        raise DataError(f"{path}: column {column!r} would be blank; every cell of a table is filled")
    return str(value)


def read_csv(path: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a table written by `write_csv`; blank cells, missing columns and short rows are refused."""
    text = read_text(path)
    try:
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise DataError(f"{path}: not a table of comma-separated values ({error})") from error
    if not rows or rows[0] != list(columns):
        found = f"{rows[0]!r:.200}" if rows else "missing"
        raise DataError(f"{path}: the header is {found}, needed {list(columns)}")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns) or not all(row):
            raise DataError(f"{path}: line {number} has blank or missing cells: {row!r:.200}")
    return [dict(zip(columns, row, strict=True)) for row in rows[1:]]


def write_figure(path: str | Path, figure: Any, dpi: int = 150) -> None:
    """Write a matplotlib figure as PNG without a date, so that the same figure gives the same bytes."""
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi, metadata={"Software": None})
