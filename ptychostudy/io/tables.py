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
    # In memory first, so that a cell that is refused leaves the old table as it is.
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(path, column, row[column]) for column in columns])
    write_utf8(path, buffer.getvalue())


def _cell(path: str | Path, column: str, value: Any) -> str:
    where = f"{path}: column {column!r}"
    if isinstance(value, float | np.floating):
        return _number(where, value)
    if value is None or value == "":
        raise DataError(f"{where} would be blank; every cell of a table is filled")
    return str(value)


def _number(where: str, value: Any) -> str:
    if not math.isfinite(value):
        raise DataError(f"{where} would hold {value}; a table holds finite numbers only")
    return f"{value:.9g}"


def read_csv(path: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a table written by `write_csv`.

    Raises
    ------
    DataError
        If a cell is blank, a column is missing, or a row is short.
    """
    lines = _split(path, read_utf8(path))
    _check_header(path, lines, columns)
    rows = lines[1:]
    # As editors count lines, the header being the first.
    for number, row in enumerate(rows, start=2):
        if len(row) != len(columns) or not all(row):
            raise DataError(f"{path}: line {number} has blank or missing cells: {row!r:.200}")
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _check_header(path: str | Path, lines: Sequence[Sequence[str]], columns: Sequence[str]) -> None:
    if not lines or lines[0] != list(columns):
        header = f"{lines[0]!r:.200}" if lines else "missing"
        raise DataError(f"{path}: the header is {header}, needed {list(columns)}")


def _split(path: str | Path, text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise DataError(f"{path}: not a table of comma-separated values ({error})") from error
