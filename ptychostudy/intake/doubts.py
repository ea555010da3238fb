"""What is doubtful in a user's file: refused with a way out, or taken as it is and said."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.atomic import DataError

_log = logging.getLogger("ptychostudy")
# As many as a message can hold and still be read.
_SHOWN = 10


@dataclass(frozen=True)
class Doubt:
    """What is doubtful.

    Attributes
    ----------
    name : str
        As in ``base.npz.accept``.
    text : str
    cure : dict
        Keys of ``base.npz`` that settle it, where it is known which.
    """

    name: str
    text: str
    cure: Mapping[str, Any]


@dataclass(frozen=True)
class Doubts:
    """What was said of one file.

    Attributes
    ----------
    path : str or Path
        The file.
    accepted : tuple of str
        Doubts that the user has looked at (``base.npz.accept``).
    done : dict
        What was changed on the way in, for the metadata; nothing where the file was right.
    said : list of str
        What the user must know of a file that was taken; a refusal says one thing only.
    listed : list of Doubt, optional
        Where the file is only looked at: all that is doubtful is listed here, and refuses nothing.
    """

    path: str | Path
    accepted: tuple[str, ...] = ()
    done: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    listed: list[Doubt] | None = None

    def say(self, text: str) -> None:
        """Note one line for the log."""
        self.said.append(text)

    def log(self, words: Callable[[str], str] = str) -> None:
        """Write what was said to the log, once the file is taken.

        Parameters
        ----------
        words : callable
            Puts a text about our keys in the words of the file.
        """
        for text in self.said if self.listed is None else ():
            _log.info("%s: %s", self.path, words(text))

    def masked(self, pixels: np.ndarray, text: str) -> None:
        """Say that pixels (N, N) bool have no weight any more, and note how many.

        The text says what they are; which they are is added to it.
        """
        where = placed(pixels)
        self.say(f"{text}: {where}; masked")
        self.done.setdefault("masked", []).append(f"{text}: {where}")

    def accepts(self, name: str) -> bool:
        """Return whether the user has looked at doubts of this name."""
        return name in self.accepted

    def refuse(self, text: str) -> None:
        """Refuse the file.

        Raises
        ------
        DataError
        """
        raise DataError(f"{self.path}: {text}")

    def doubt(self, name: str, text: str, cure: Mapping[str, Any] | None = None) -> None:
        """Refuse the file unless this doubt was accepted; then say so.

        Parameters
        ----------
        name, text : str
        cure : mapping, optional
            Keys of ``base.npz`` that settle it.

        Raises
        ------
        DataError
        """
        if self.accepts(name):
            self.say(f"accepted ({name}): {text}")
            self.done.setdefault("accepted", []).append(text)
        elif self.listed is not None:
            self.listed.append(Doubt(name, text, cure or {}))
        else:
            self.refuse(f"{text}; or, if it is right as it is, base.npz.accept: [{name}]")


def listed(indices: Iterable[int]) -> str:
    """Return the first few of some indices as text, and how many there are."""
    texts = [str(int(index)) for index in indices]
    return _first(texts) if len(texts) <= _SHOWN else f"{_first(texts)} ({len(texts)} in all)"


def _first(texts: list[str]) -> str:
    more = ", ..." if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def placed(mask: np.ndarray) -> str:
    """Return how many pixels of a frame are marked, and where: whole rows, columns, and others.

    Parameters
    ----------
    mask : (N, N) bool
    """
    rows = np.flatnonzero(mask.all(axis=1))
    cols = np.flatnonzero(mask.all(axis=0))
    single = mask.copy()
    single[rows] = False
    single[:, cols] = False
    places = [f"({row}, {col})" for row, col in np.argwhere(single).tolist()]
    named = {"rows": listed(rows), "columns": listed(cols), "(row, col)": _first(places)}
    parts = [f"{kind} {text}" for kind, text in named.items() if text]
    return f"{mask.sum()} of {mask.size} pixels, {'; '.join(parts)}"
