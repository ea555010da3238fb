"""Links: pairs of patches with a number each, of which a block at a time stands in memory.

A scan of many patches has sixty times as many links. They lie row by row, those of one patch with
later ones beside each other, in arrays or in whatever can be sliced like one; who calls says where.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy

# Links that are looked at together.
_LINKS = 2**15


class Sliced(Protocol):
    """Numbers (m,) of which parts can be had."""

    def __getitem__(self, part: slice, /) -> np.ndarray:
        """Return a part, in memory."""


Keep = Callable[[Iterable[np.ndarray], type], Sliced]
"""Puts blocks of numbers, made of a type, one after the other where they can be had again."""


def in_memory(blocks: Iterable[np.ndarray], dtype: type) -> np.ndarray:
    """Return blocks (b,) as one array (m,): a `Keep`."""
    return np.concatenate([np.zeros(0, dtype), *blocks], dtype=dtype)


@dataclass(frozen=True)
class Pairs:
    """Pairs of k patches, each once, in ascending order.

    Attributes
    ----------
    ends : (k + 1,) int64
        Partners of patch i are those from ``ends[i]`` to ``ends[i + 1]``.
    partners : (m,) int32, sliced
        The second patch of each pair.
    """

    ends: np.ndarray
    partners: Sliced

    @classmethod
    def of(cls, count: int, blocks: Iterable[np.ndarray], keep: Keep = in_memory) -> "Pairs":
        """Return pairs of so many patches, from blocks (b, 2) int in ascending order."""
        ends = np.zeros(count + 1, np.int64)

        def partners() -> Iterator[np.ndarray]:
            for pairs in blocks:
                ends[1:] += np.bincount(pairs[:, 0], minlength=count)
                yield pairs[:, 1]

        kept = keep(partners(), np.int32)
        return cls(np.cumsum(ends), kept)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return int(self.ends[-1])

    @property
    def patches(self) -> int:
        """Return the number of patches."""
        return len(self.ends) - 1

    def rows(self) -> Iterator[slice]:
        """Yield which patches' pairs are looked at together: some, or those of one patch."""
        first = 0
        while first < self.patches:
            most = np.searchsorted(self.ends, self.ends[first] + _LINKS, side="right")
            last = max(first + 1, int(most) - 1)
            yield slice(first, last)
            first = last

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the pairs (b, 2) int64 of some patches."""
        for rows in self.rows():
            ends = self.ends[rows.start : rows.stop + 1]
            first = np.repeat(np.arange(rows.start, rows.stop), np.diff(ends))
            yield np.stack([first, self.partners[ends[0] : ends[-1]]], axis=1)


@dataclass(frozen=True)
class Links:
    """A Hermitian matrix (k, k) with a zero diagonal, of which the upper half is held.

    Attributes
    ----------
    pairs : Pairs
        Rows and columns.
    values : (m,) complex128 or float64, sliced
        Elements, in the order of the pairs.
    """

    pairs: Pairs
    values: Sliced

    def rows(self, rows: slice) -> "scipy.sparse.csr_matrix":
        """Return some rows (b, k) of the upper half."""
        ends = self.pairs.ends[rows.start : rows.stop + 1]
        part = slice(int(ends[0]), int(ends[-1]))
        content = (self.values[part], self.pairs.partners[part], (ends - ends[0]).astype(np.int32))
        return scipy.sparse.csr_matrix(content, shape=(len(ends) - 1, self.pairs.patches))

    def blocks(self) -> Iterator[tuple[slice, "scipy.sparse.csr_matrix"]]:
        """Yield which rows follow, and these rows of the upper half."""
        for rows in self.pairs.rows():
            yield rows, self.rows(rows)

    def times(self, vector: np.ndarray) -> np.ndarray:
        """Return the product (k,) of the matrix and a vector (k,), of its type."""
        total = np.zeros_like(vector)
        for rows, block in self.blocks():
            total[rows] += block @ vector
            # A vector is turned sooner than a block.
            total += (block.T @ vector[rows].conj()).conj()
        return total

    def strengths(self) -> np.ndarray:
        """Return the sum (k,) of the moduli over each row of the matrix."""
        total = np.zeros(self.pairs.patches)
        for rows, block in self.blocks():
            moduli = abs(block)
            total[rows] += np.asarray(moduli.sum(axis=1)).ravel()
            total += np.asarray(moduli.sum(axis=0)).ravel()
        return total

    def joined(self, other: "Links", keep: Keep = in_memory) -> "Links":
        """Return the links of both, of the same patches."""

        def sums() -> Iterator[tuple[slice, "scipy.sparse.csr_matrix"]]:
            for rows in self.pairs.rows():
                yield rows, self.rows(rows) + other.rows(rows)

        pairs = Pairs.of(self.pairs.patches, (_pairs_of(*block) for block in sums()), keep)
        return Links(pairs, keep((block.data for _, block in sums()), np.complex128))

    def among(self, members: np.ndarray, keep: Keep = in_memory) -> "Links":
        """Return the links of some patches (n,) in ascending order, which have no others.

        Links of zero do not count.
        """
        if len(members) == self.pairs.patches:
            return self
        # Where a link of zero leads to is no matter.
        inner = np.zeros(self.pairs.patches, np.int32)
        inner[members] = np.arange(len(members))
        starts, stops = self.pairs.ends[members], self.pairs.ends[members + 1]
        parts = [slice(*ends) for ends in zip(starts.tolist(), stops.tolist(), strict=True)]
        ends = np.concatenate([[0], np.cumsum(stops - starts)])
        # Of a small part nothing goes to a file.
        put = keep if ends[-1] > _LINKS else in_memory
        partners = put((inner[self.pairs.partners[part]] for part in parts), np.int32)
        values = put((self.values[part] for part in parts), np.complex128)
        return Links(Pairs(ends, partners), values)


def _pairs_of(rows: slice, block: "scipy.sparse.csr_matrix") -> np.ndarray:
    """Return the pairs (b, 2) of some rows of a matrix."""
    places = block.tocoo()
    return np.stack([places.row + rows.start, places.col], axis=1)


def merged(part: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the part (k,) of each member after some were joined, numbered by first members.

    Parameters
    ----------
    part : (k,) int
        From 0 on.
    one, other : (m,) int
        Members that belong together.
    """
    ends = (part[one], part[other])
    sides = (int(part.max(initial=-1)) + 1,) * 2
    joins = scipy.sparse.coo_array((np.ones(len(one), bool), ends), shape=sides)
    _, joined = scipy.sparse.csgraph.connected_components(joins, directed=False)
    return np.asarray(joined[part])
