"""A check of the verification: it takes the hub and says what is wrong, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ptychostudy.io.atomic import DataError
from ptychostudy.study.hub import Hub


class CouldNotCheck(Exception):
    """A check that has no meaning for this study; the message says why."""


@dataclass(frozen=True)
class Check:
    """One check: what it looks at, what it says, and how it is done.

    Attributes
    ----------
    path : str
        What the check looks at, relative to the hub.
    description : str
        One line.
    run : callable
        Takes the hub, returns a list of problems; an empty list means valid.
    """

    path: str
    description: str
    run: Callable[[Hub], list[str]]


def perform(check: Check, hub: Hub) -> dict[str, Any]:
    """Run one check; bad or missing files make it invalid, never stop the others."""
    found: dict[str, Any] = {"path": check.path, "description": check.description}
    try:
        problems = check.run(hub)
    except CouldNotCheck as reason:
        return {**found, "valid": None, "error": f"could not check: {reason}"}
    except (DataError, OSError, ValueError, KeyError, TypeError, IndexError) as error:
        problems = [
            f"{type(error).__name__}: {error}" if not isinstance(error, DataError) else str(error)
        ]
    if not problems:
        return {**found, "valid": True}
    shown = "; ".join(problems[:5]) + (
        f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
    )
    return {**found, "valid": False, "error": shown, "n_problems": len(problems)}
