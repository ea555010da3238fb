"""Pairs of overlapping patches: not more of each than its phase needs, however dense the scan."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ptychostudy.physics.links import Keep, Pairs, in_memory

MOST = 64
"""Partners that each patch chooses; it is chosen by others, too."""
# Squares whose partners are looked for together.
_SQUARES = 2**8


def overlapping_pairs(
    corners: np.ndarray,
    side: int,
    *,
    apart: np.ndarray | None = None,
    most: int = MOST,
    keep: Keep = in_memory,
) -> Pairs:
    """Return the pairs of squares that overlap.

    Of more than ``most`` partners a square chooses some of all distances: near ones, which it has
    most in common with, and far ones, by which a large scan holds together.

    Parameters
    ----------
    corners : (k, 2) int
        First pixel (row, col) of each square.
    side : int
        Their side.
    apart : (k,) int, optional
        A number for each square: partners have another one.
    most : int
        Partners that one square chooses.
    keep : callable
        Where pairs are put.

    Returns
    -------
    Pairs
    """
    asked = _Asked(np.asarray(corners, dtype=np.int64), side, apart, most)
    return Pairs.of(len(corners), _in_order(asked, keep), keep)


class _Strips:
    """Squares in strips of columns as wide as they are, in order of their rows.

    Those that overlap one are then beside each other in its own strip and the next ones.
    """

    def __init__(self, corners: np.ndarray, side: int) -> None:
        self._side = side
        self._first = corners.min(axis=0)
        # Rows of another strip are out of reach.
        self._rows = int(np.ptp(corners[:, 0])) + 2 * side
        place = self._place(corners)
        order = np.argsort(place, kind="stable")
        self._sorted = place[order]
        self._squares = np.stack([order, *corners[order].T])

    def _place(self, corners: np.ndarray) -> np.ndarray:
        """Return one number for each corner, by which they are sorted."""
        row, col = (corners - self._first).T
        place: np.ndarray = col // self._side * self._rows + row
        return place

    def near(self, corners: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield for each of some corners the squares that overlap, and their squared distances."""
        place = self._place(corners)[:, None] + np.array([-1, 0, 1]) * self._rows
        # Squares that only touch have no pixel in common.
        first = np.searchsorted(self._sorted, place - self._side, side="right")
        last = np.searchsorted(self._sorted, place + self._side)
        for corner, begins, ends in zip(corners, first.tolist(), last.tolist(), strict=True):
            strips = [slice(*bounds) for bounds in zip(begins, ends, strict=True)]
            squares, rows, cols = np.concatenate(
                [self._squares[:, part] for part in strips], axis=1
            )
            across = cols - corner[1]
            near = np.abs(across) < self._side
            distance = (rows[near] - corner[0]) ** 2 + across[near] ** 2
            yield squares[near], distance


@dataclass(frozen=True)
class _Asked:
    """What `overlapping_pairs` is asked."""

    corners: np.ndarray
    side: int
    apart: np.ndarray | None
    most: int

    def chosen(self, starts: np.ndarray) -> Iterator[np.ndarray]:
        """Yield one number for each pair (i, j) that some squares chose: i k + j, i < j, sorted."""
        count = len(self.corners)
        strips = _Strips(self.corners, self.side)
        for first, last in itertools.pairwise(starts.tolist()):
            near = strips.near(self.corners[first:last])
            partners = [self._partners(k, *found) for k, found in enumerate(near, first)]
            one = np.repeat(np.arange(first, last), [len(others) for others in partners])
            other = np.concatenate(partners)
            # Of two that chose each other both have the same number.
            yield np.unique(np.minimum(one, other) * count + np.maximum(one, other))

    def _partners(self, k: int, near: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Return the partners of one square among those near it."""
        strange = near != k if self.apart is None else self.apart[near] != self.apart[k]
        # Of equal distances the smaller index: the same ones every time. One number of both is
        # sorted in a fraction of the time.
        ranked = np.sort((distance * len(self.corners) + near)[strange])
        kept = min(self.most, len(ranked))
        evenly = np.arange(kept) * len(ranked) // max(kept, 1)
        chosen: np.ndarray = ranked[evenly] % len(self.corners)
        return chosen


def _in_order(asked: _Asked, keep: Keep) -> Iterator[np.ndarray]:
    """Yield pairs (b, 2) of some first squares at a time, in ascending order."""
    count = len(asked.corners)
    if count == 0:
        return
    starts = np.append(np.arange(0, count, _SQUARES), count)
    firsts = []

    def noted() -> Iterator[np.ndarray]:
        for numbers in asked.chosen(starts):
            firsts.append(np.searchsorted(numbers, starts * count))
            yield numbers

    # A square is chosen by later ones, too: what all chose is put away first.
    kept = keep(noted(), np.int64)
    lengths = [first[-1] for first in firsts]
    places = np.array(firsts) + np.cumsum([0, *lengths])[:-1, None]
    for begin, end in itertools.pairwise(places.T.tolist()):
        parts = [kept[one:other] for one, other in zip(begin, end, strict=True)]
        yield np.stack(np.divmod(np.unique(np.concatenate(parts)), count), axis=1)
