"""Detected photons: Poisson draws, each the quantile of one number where few are expected.

NumPy takes as many numbers for a pixel as it counts photons, so that a mean that differs in its
last digit, as on another machine, may give another noise to all pixels behind it. Here a weak pixel
takes one number, whatever comes of it, and most are looked up; bright pixels, which NumPy draws,
have a stream of their own.
"""

import numpy as np

# Photons expected of a pixel from which on NumPy draws it.
_BRIGHT = 16
# Of the table: rows in each photon of a mean, and columns of numbers from 0 to 1.
_STEPS, _CELLS = 16, 2**10
# Where the table has no answer. It counts up to `_MOST`.
_OPEN = 255
# Photons that no number asks for in any row: of a mean of 16, those beyond are less than 1e-30.
_MOST = 80
# Numbers beyond stand for this one: sums are rounded, and need not grow to the last of all.
_LARGEST = 1 - 1e-14


class PoissonDraws:
    """Draws of one stream, one after the other; into how many arrays they go changes none.

    Those with a mean below 16 are found by inversion, ``min x: u < P(at most x)``, with one number
    u of ``rng`` each, by a guide table (Devroye, Non-Uniform Random Variate Generation, 1986,
    section III.2.4): where all means of a row and all numbers of a cell give the same x, that is
    it; elsewhere, for 6 to 9 % of the numbers, the distribution is added up.

    Parameters
    ----------
    rng : numpy.random.Generator
        For weak pixels; one that it spawns is for bright ones.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._weak = rng
        (self._bright,) = rng.spawn(1)
        self._table = _quantiles()

    def draw(self, mean: np.ndarray) -> np.ndarray:
        """Return detected photons, uint32, where ``mean`` are expected, of the same shape.

        Raises
        ------
        ValueError
            If a mean is negative or no number.
        """
        flat = np.asarray(mean, dtype=np.float64).ravel()
        least = flat.min(initial=0)
        # Neither is what is no number at least zero.
        if not least >= 0:
            raise ValueError(f"{least:.6g} photons are expected of a pixel; needed: a number >= 0")
        below = flat < _BRIGHT
        counts = self._few(flat) if below.all() else self._mixed(flat, below)
        return counts.reshape(np.shape(mean))

    def _mixed(self, mean: np.ndarray, below: np.ndarray) -> np.ndarray:
        """Return draws (k,) uint32 of means (k,), some of which are not below `_BRIGHT`."""
        weak = np.flatnonzero(below)
        if 2 * len(weak) < len(mean):
            # Of a mean of zero NumPy takes no number: to leave some pixels out takes longer.
            counts = self._bright.poisson(np.where(below, 0.0, mean)).astype(np.uint32)
        else:
            bright = np.flatnonzero(~below)
            counts = np.empty(len(mean), np.uint32)
            counts[bright] = self._bright.poisson(mean.take(bright))
        counts[weak] = self._few(mean.take(weak))
        return counts

    def _few(self, mean: np.ndarray) -> np.ndarray:
        """Return draws (k,) uint32 of means (k,) below `_BRIGHT`."""
        uniform = self._weak.random(len(mean))
        place = (mean * _STEPS).astype(np.intp)
        place *= _CELLS
        place += (uniform * _CELLS).astype(np.intp)
        found = self._table.take(place)
        open_ = np.flatnonzero(found == _OPEN)
        counts = found.astype(np.uint32)
        counts[open_] = _added_up(mean.take(open_), uniform.take(open_))
        return counts


def _quantiles() -> np.ndarray:
    """Return the table, flat, uint8: rows of means, columns of numbers."""
    mean = np.arange(_BRIGHT * _STEPS + 1) / _STEPS
    term = np.exp(-mean)
    sums = [term]
    for x in range(1, _MOST):
        term = term * mean / x
        sums.append(sums[-1] + term)
    # The quantile grows with the mean and with the number: of a cell these are its bounds, as many
    # sums as lie at or below its first number, and as lie below its end.
    cells = np.stack(sums, axis=1) * _CELLS
    least = _as_many_below(np.ceil(cells[:-1]))[:, :-1]
    most = _as_many_below(np.floor(cells[1:]) + 1)[:, 1:]
    return np.where(least == most, least, np.uint8(_OPEN)).ravel()


def _as_many_below(edges: np.ndarray) -> np.ndarray:
    """Return how many numbers of each row (r, k) are at most 0, 1 ... `_CELLS`."""
    rows = np.arange(len(edges))[:, None]
    held = _CELLS + 2
    place = rows * held + np.minimum(edges, _CELLS + 1).astype(np.intp)
    found = np.bincount(place.ravel(), minlength=len(edges) * held).astype(np.uint8)
    return found.reshape(len(edges), held).cumsum(axis=1, dtype=np.uint8)[:, :-1]


def _added_up(mean: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return the quantiles (k,) of numbers (k,), uint32, photon by photon."""
    counts = np.zeros(len(mean), np.uint32)
    left = np.arange(len(mean))
    uniform = np.minimum(uniform, _LARGEST)
    total = term = np.exp(-mean)
    for x in range(1, _MOST):
        further = np.flatnonzero(uniform >= total)
        if not len(further):
            break
        # What is found goes along until it is half: to leave it out costs as much as some photons.
        if 2 * len(further) < len(left):
            values = (left, mean, uniform, term, total)
            left, mean, uniform, term, total = (value.take(further) for value in values)
            counts[left] = x
        else:
            counts[left.take(further)] = x
        term = term * mean / x
        total = total + term
    return counts
