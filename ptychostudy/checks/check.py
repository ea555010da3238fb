"""A check of the verification: it takes the hub and says what is wrong, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ptychostudy.io.atomic import DataError
from ptychostudy.study.hub import Hub

# What a missing, damaged or foreign file can raise. A check that meets one of these has failed.
UNREADABLE = (DataError, OSError, ValueError, KeyError, TypeError, IndexError)
_SHOWN = 5


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
    each_seed : bool
        Whether it is done again for every seed after the first, in that seed's own folder.
    advice : str
        One sentence: what to look at and what to change where it fails.
    """

    path: str
    description: str
    run: Callable[[Hub], list[str]]
    each_seed: bool = False
    advice: str = ""


def perform(check: Check, hub: Hub) -> dict[str, Any]:
    """Run one check; bad or missing files make it invalid, never stop the others."""
    entry: dict[str, Any] = {"path": check.path, "description": check.description}
    try:
        problems = check.run(hub)
    except CouldNotCheck as reason:
        return {**entry, "valid": None, "error": f"could not check: {reason}"}
    except UNREADABLE as error:
        # One bad file must not hide what the other checks have to say.
        problems = [_sentence(error)]
    if not problems:
        return {**entry, "valid": True}
    failed = {"valid": False, "error": _shown(problems), "n_problems": len(problems)}
    # A sound study needs none.
    return {**entry, **failed, **({"advice": check.advice} if check.advice else {})}


def _sentence(error: Exception) -> str:
    """Return what an error says; only ours name a file, others are told by their type."""
    if isinstance(error, DataError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _shown(problems: list[str]) -> str:
    """Join the first problems: one damaged file may give thousands."""
    text = "; ".join(problems[:_SHOWN])
    hidden = len(problems) - _SHOWN
    return f"{text}; and {hidden} more" if hidden > 0 else text
