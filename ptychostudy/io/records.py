"""JSON files: strict when read; sorted, stable bytes and no timestamp when written."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ptychostudy.io.atomic import DataError, read_utf8, write_utf8
from ptychostudy.io.strict_json import parse_json


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON with sorted keys; a non-finite number is refused, never written as NaN."""
    try:
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise DataError(
            f"{path}: a value is not finite or not JSON ({error}); nothing was written"
        ) from error
    write_utf8(path, text + "\n")


def read_json(path: str | Path, keys: Iterable[str] = ()) -> Any:
    """Read JSON and check that an object holds the given keys.

    Raises
    ------
    DataError
        If the file is missing, is no JSON, holds NaN, or lacks a key.
    """
    text = read_utf8(path)
    try:
        value = parse_json(text)
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON ({error})") from error
    missing = [key for key in keys if not isinstance(value, dict) or key not in value]
    if missing:
        raise DataError(f"{path}: key {missing[0]!r} is missing; needed {sorted(keys)}")
    return value
