"""JSON as it is read here: no key repeats, nesting has an end, every number is finite."""

import json
import math
from collections.abc import Iterable
from typing import Any

_LEVELS = 64
_TOO_DEEP = f"nested too deeply, needed at most {_LEVELS} levels"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number of JSON")


def _finite(text: str) -> float:
    # Python makes infinity of 1e999.
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is beyond all floating-point numbers")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Left alone, Python keeps the last of several values and says nothing.
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError(f"a key repeats among {sorted(value)[:5]}")
    return value


_FINITE: dict[str, Any] = {"parse_constant": _refuse, "parse_float": _finite}
"""How `json` is to read numbers, where they have to be finite."""


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
    numbers = _FINITE if finite else {}
    try:
        value = json.loads(text, object_pairs_hook=_each_once, **numbers)
    except (RecursionError, MemoryError) as error:
        raise ValueError(_TOO_DEEP) from error
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_LEVELS):
        level = [part for item in level for part in _parts(item)]
    if level:
        raise ValueError(_TOO_DEEP)


def _parts(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()
