"""JSON as it is read here: no key repeats, nothing is nested without end, every number is finite."""

import json
import math
from typing import Any

_LEVELS = 64


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
        parts = (
            item.values() if isinstance(item, dict) else item
            for item in level
            if isinstance(item, dict | list)
        )
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
