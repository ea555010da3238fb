"""Shards: the parts into which the groups of a cell are cut, so that they can be computed apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_TEXT = re.compile(r"([0-9]+)-of-([0-9]+)")


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``of``, counted from 1.

    Attributes
    ----------
    number, of : int
    """

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> "Shard":
        """Read ``k-of-n``.

        Raises
        ------
        ValueError
            For another text, or a part that there is not.
        """
        matched = _TEXT.fullmatch(text)
        number, of = map(int, matched.groups()) if matched else (0, 0)
        if not 1 <= number <= of:
            raise ValueError(f"shard {text!r}; needed: k-of-n, with k from 1 to n")
        return cls(number, of)

    def __str__(self) -> str:
        """Return ``k-of-n``."""
        return f"{self.number}-of-{self.of}"

    def choose(self, groups: int) -> np.ndarray:
        """Return the indices (k,) of its groups, neighbours in the order of the groups."""
        return np.array_split(np.arange(groups), self.of)[self.number - 1]


def make_whole(shards: Sequence[Shard]) -> bool:
    """Return whether shards, in the order of their numbers, are all parts of one cell."""
    of = len(shards)
    return of > 0 and list(shards) == [Shard(number, of) for number in range(1, of + 1)]
