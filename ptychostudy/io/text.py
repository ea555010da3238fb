"""JSON, CSV, text and figure files: sorted, stable bytes, no timestamps."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.arrays import READ_ERRORS
from ptychostudy.io.atomic import DataError, atomic


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_text(path: str | Path) -> str:
    """Read UTF-8 text; `DataError` where it is missing or no text."""
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
    try:
        value = json.loads(read_text(path), parse_constant=_refuse)
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not valid JSON ({error})") from error
    missing = [key for key in keys if not isinstance(value, dict) or key not in value]
    if missing:
        raise DataError(f"{path}: key {missing[0]!r} is missing; needed {sorted(keys)}")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number of JSON")


def write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table; every cell must be filled, numbers are written with 9 significant digits."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(path, column, row[column]) for column in columns])
    write_text(path, buffer.getvalue())


def _cell(path: str | Path, column: str, value: Any) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DataError(f"{path}: column {column!r} would hold {value}; a table holds finite numbers only")
        return f"{value:.9g}"
    if value is None or value == "":
        raise DataError(f"{path}: column {column!r} would be blank; every cell of a table is filled")
    return str(value)


def read_csv(path: str | Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a table written by `write_csv`; blank cells, missing columns and short rows are refused."""
    rows = list(csv.reader(io.StringIO(read_text(path))))
    if not rows or rows[0] != list(columns):
        raise DataError(f"{path}: the header is {rows[0] if rows else 'missing'}, needed {list(columns)}")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns) or not all(row):
            raise DataError(f"{path}: line {number} has blank or missing cells: {row}")
    return [dict(zip(columns, row, strict=True)) for row in rows[1:]]


def write_figure(path: str | Path, figure: Any, dpi: int = 150) -> None:
    """Write a matplotlib figure as PNG without a date, so that the same figure gives the same bytes."""
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi, metadata={"Software": None})


def read_image(path: str | Path) -> np.ndarray:
    """Read a picture as grey values (rows, cols) float64 in [0, 1]."""
    from skimage.io import imread  # half a second that only this reader pays

    try:
        with open(path, "rb") as file:
            picture = np.asarray(imread(file, as_gray=True), dtype=np.float64)
    except READ_ERRORS as error:
        raise DataError(f"{path}: cannot be read as a picture ({error}); needed: PNG, TIFF or JPEG") from error
    span = float(np.ptp(picture))
    if picture.ndim != 2 or span == 0:
        raise DataError(f"{path}: a picture of shape {picture.shape} with span {span}; needed: two axes and contrast")
    grey: np.ndarray = (picture - picture.min()) / span
    return grey
