"""Counts from numbers between 0 and 1, by the distribution's own quantiles.

A number takes its place in the stream whatever comes of it, so that no pixel moves the draw of
another, and a mean that differs in its last digit, as between machines, those of none behind it.
Most quantiles are found in a guide table (Devroye, Non-Uniform Random Variate Generation, 1986,
section III.2.4); where it leaves a choice the distribution is added up, as it is by inversion.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# Columns of a table: numbers from 0 to 1.
_CELLS = 2**10
# Where a table leaves a choice. It counts up to `_MOST`.
_OPEN = 255
# Counts that no number asks for: of a mean of 30 those beyond are less than 1e-17.
_MOST = 100
# Numbers beyond stand for this one: sums are rounded, and need not grow to the last of all.
_LARGEST = 1 - 1e-13


@dataclass(frozen=True)
class Counted:
    """Distributions of counts with ``p(x) = p(x - 1) (rate - fall (x - 1)) / x``.

    Those are Poisson's (``rate`` the mean, ``fall`` 0) and the binomial ones (``fall`` the odds,
    ``rate`` the trials times the odds; Panjer, ASTIN Bulletin 12, 22 (1981)).

    Attributes
    ----------
    none : (k,) float
        p(0) of each.
    rate : (k,) float
    fall : float
        The same of all.
    """

    none: np.ndarray
    rate: np.ndarray
    fall: float = 0.0

    def sums(self) -> np.ndarray:
        """Return P(at most x) for x from 0 on, (k, `_MOST`)."""
        term = self.none
        sums = [term]
        for x in range(1, _MOST):
            term = term * (self.rate - self.fall * (x - 1)) / x
            sums.append(sums[-1] + term)
        return np.stack(sums, axis=1)

    def quantiles(self, uniform: np.ndarray) -> np.ndarray:
        """Return the least x with P(at most x) >= u for numbers u (k,) in [0, 1), as int64."""
        counts = np.zeros(len(uniform), np.int64)
        left = np.arange(len(uniform))
        uniform = np.minimum(uniform, _LARGEST)
        rate = self.rate
        total = term = self.none
        for x in range(1, _MOST):
            further = np.flatnonzero(uniform > total)
            if not len(further):
                break
            # What is found goes along until it is half: to leave it out costs as much as some x.
            if 2 * len(further) < len(left):
                left = left.take(further)
                values = (rate, uniform, term, total)
                rate, uniform, term, total = (value.take(further) for value in values)
                counts[left] = x
            else:
                counts[left.take(further)] = x
            term = term * (rate - self.fall * (x - 1)) / x
            total = total + term
        return counts


class Guide:
    """Quantiles of many distributions by a table whose rows are some of them each.

    Parameters
    ----------
    least, most : Counted
        Of each row, in (r,) order, the distributions whose quantiles are least and most.
    """

    def __init__(self, least: Counted, most: Counted) -> None:
        # Quantiles grow along a row's distributions and with the number: of a cell these are their
        # bounds, as many sums as lie below its first number and below its end.
        first, last = (_below(each.sums()) for each in (least, most))
        self._table = np.where(first[:, :-1] == last[:, 1:], first[:, :-1], np.uint8(_OPEN)).ravel()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._table) // _CELLS

    def look_up(
        self, row: np.ndarray, uniform: np.ndarray, of: Callable[[np.ndarray], Counted]
    ) -> np.ndarray:
        """Return the quantiles of numbers (k,), uint32, each of its own distribution.

        Parameters
        ----------
        row : (k,) int
            Where these are; changed.
        uniform : (k,) float
            In [0, 1).
        of : callable
            Returns the distributions of some, by their places among the k.
        """
        row *= _CELLS
        row += (uniform * _CELLS).astype(np.intp)
        found = self._table.take(row)
        counts = found.astype(np.uint32)
        chosen = np.flatnonzero(found == _OPEN)
        counts[chosen] = of(chosen).quantiles(uniform.take(chosen))
        return counts


def _below(sums: np.ndarray) -> np.ndarray:
    """Return how many of sums (r, x) lie below each edge of cells, (r, `_CELLS` + 1) uint8."""
    held = _CELLS + 2
    # A sum counts from the first edge behind it on.
    edge = np.minimum(np.floor(sums * _CELLS) + 1, _CELLS + 1).astype(np.intp)
    place = np.arange(len(sums))[:, None] * held + edge
    found = np.bincount(place.ravel(), minlength=len(sums) * held).astype(np.uint8)
    return found.reshape(len(sums), held).cumsum(axis=1, dtype=np.uint8)[:, :-1]
