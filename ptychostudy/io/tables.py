"""CSV tables: every cell filled, finite numbers with nine significant digits."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.atomic import DataError, read_utf8, write_utf8


def write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table; every cell must be filled, numbers are written with 9 significant digits."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(path, column, row[column]) for column in columns])
    write_utf8(path, buffer.getvalue())


def _cell(path: str | Path, column: str, value: Any) -> str:
    if isinstance(value, float | np.floating):
        if not math.isfinite(value):
            raise DataError(
                f"{path}: column {column!r} would hold {value}; a table holds finite numbers only"
            )
        return f"{value:.9g}"
    if value is None or value == "":
        raise DataError(
            f"{path}: column {column!r} would be blank; every cell of a table is filled"
        )
    return str(value)


def read_csv(path: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a table written by `write_csv`; blank cells, missing columns and short rows are refused."""
    text = read_utf8(path)
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
