"""Recorded against recomputed: where two JSON values or two numbers differ."""

import math
from typing import Any

# Another version of a library may sum in another order; a wrong result differs by far more.
_RELATIVE, _ABSOLUTE = 1e-6, 1e-9


def differences(recorded: Any, recomputed: Any, where: str) -> list[str]:
    """Say where two JSON values differ; numbers may differ by 1e-6 relative.

    Parameters
    ----------
    recorded : JSON value
        What a file of the study holds.
    recomputed : JSON value
        What it should hold.
    where : str
        How messages call the value.

    Returns
    -------
    list of str
        One sentence for each difference.
    """
    if isinstance(recorded, dict) and isinstance(recomputed, dict):
        return _of_objects(recorded, recomputed, where)
    if isinstance(recorded, list) and isinstance(recomputed, list):
        return _of_lists(recorded, recomputed, where)
    if _same(recorded, recomputed):
        return []
    return [f"{where} is {recorded!r}, recomputed {recomputed!r}"]


def close(recorded: float, recomputed: float) -> bool:
    """Say whether two numbers are the same but for rounding."""
    return math.isclose(recorded, recomputed, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


def _of_objects(recorded: dict[str, Any], recomputed: dict[str, Any], where: str) -> list[str]:
    missing = recomputed.keys() - recorded.keys()
    unexpected = recorded.keys() - recomputed.keys()
    problems = []
    for key in sorted(missing | unexpected):
        what = "missing" if key in missing else "unexpected"
        problems.append(f"{where}.{key} is {what}")
    for key in sorted(recorded.keys() & recomputed.keys()):
        problems += differences(recorded[key], recomputed[key], f"{where}.{key}")
    return problems


def _of_lists(recorded: list[Any], recomputed: list[Any], where: str) -> list[str]:
    # Which entry is one too many cannot be told.
    if len(recorded) != len(recomputed):
        return [f"{where} has {len(recorded)} entries, recomputed {len(recomputed)}"]
    problems = []
    for k, pair in enumerate(zip(recorded, recomputed, strict=True)):
        problems += differences(*pair, f"{where}[{k}]")
    return problems


def _same(recorded: Any, recomputed: Any) -> bool:
    # A verdict is true or false and has no tolerance; in Python a bool is a kind of int.
    numbers = isinstance(recorded, int | float) and isinstance(recomputed, int | float)
    if numbers and not isinstance(recomputed, bool):
        return close(recorded, recomputed)
    return bool(recorded == recomputed)
