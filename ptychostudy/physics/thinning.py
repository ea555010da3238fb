"""Thinning of measured photons: each is kept by chance, and no pixel moves the draw of another.

NumPy takes one number for a small binomial variable, none for 0 of 0, and any for a large one. In
one stream a pixel that a mask empties would give another noise to all behind it. Here each pixel
has its place in the stream, whatever it holds; the large ones have a stream of their own.
"""

import math
from collections.abc import Iterable

import numpy as np

# NumPy inverts the distribution, by one number, up to a mean of 30 (its legacy `random_binomial`).
_SMALL = 29
# Standard deviations beyond the largest mean that a table reaches.
_REACH = 10
# What sums of a whole distribution may miss of one: roundings of a first term to the 4096th power.
_ROUNDING = 1e-12
# Photons of a pixel that a table goes up to: 4 MB. For brighter ones sums are added up.
_BRIGHTEST = 2**12


class Thinning:
    """Binomial draws with one probability; what is worked out for a frame serves the next.

    They are those of NumPy, by the same numbers: for each pixel it adds up a distribution anew;
    here the sums are looked up in a table, and most pixels of a weak frame are 0 at a glance.

    Parameters
    ----------
    keep : float
        Probability that a photon is kept, in (0, 1].

    Raises
    ------
    ValueError
        If it is another number.
    """

    def __init__(self, keep: float) -> None:
        if not 0 < keep <= 1:
            raise ValueError(
                f"measured counts can only be thinned: wanted {keep:.4g} times the measured "
                "photons, needed (0, 1]"
            )
        self._keep = keep
        # The rarer of kept and lost is drawn.
        self._rare = min(keep, 1 - keep)
        self._most = _most_small(self._rare)
        self._table = np.ones((1, 1))

    def frames(self, counts: np.ndarray, rngs: Iterable[np.random.Generator]) -> np.ndarray:
        """Return what is kept of frames.

        Parameters
        ----------
        counts : (b, ...) unsigned
            Photons.
        rngs : iterable of numpy.random.Generator
            That of each frame; it may be one for all.

        Returns
        -------
        (b, ...) int64
        """
        large = counts > self._most
        small = np.where(large, 0, counts).astype(np.intp)
        kept, own = self._small(small, rngs)
        for frame in np.flatnonzero([pixels.any() for pixels in large]):
            pixels = large[frame]
            rng = np.random.Generator(np.random.PCG64(own[frame]))
            kept[frame][pixels] = rng.binomial(counts[frame][pixels], self._keep)
        return kept

    def _small(
        self, photons: np.ndarray, rngs: Iterable[np.random.Generator]
    ) -> tuple[np.ndarray, list[int]]:
        """Return what is kept where photons are few, and the seed of each frame's large draws."""
        uniform = np.empty(photons.shape)
        own = []
        for place, rng in zip(range(len(photons)), rngs, strict=False):
            own.append(rng.bit_generator.random_raw())
            rng.random(out=uniform[place])
        rare = self._rarer(photons, uniform)
        return rare if self._keep == self._rare else photons - rare, own

    def _rarer(self, photons: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Return how many photons are kept, or lost if that is rarer, by a number each."""
        most = int(photons.max(initial=0))
        if len(self._table[0]) <= min(most, _BRIGHTEST):
            # Further than asked for: a scan that grows brighter takes no new one for each frame.
            self._table = _distributions(min(2 * most, _BRIGHTEST), self._rare)
        if most < len(self._table[0]):
            return _looked_up(self._table, photons, uniform)
        bright = photons >= len(self._table[0])
        rare = _looked_up(self._table, np.where(bright, 0, photons), uniform)
        rare[bright] = _added_up(photons[bright], self._rare, uniform[bright])
        return rare


def _most_small(rare: float) -> float:
    """Return the most photons of which a share has a small mean."""
    if rare == 0:
        return math.inf
    most = math.floor(_SMALL / rare) + 1
    # A quotient is rounded, too.
    while most * rare > _SMALL:
        most -= 1
    return most


def _distributions(most: int, share: float) -> np.ndarray:
    """Return P(at most x of n) of binomial variables: rows of x, columns of n = 0 ... most.

    It is 1 from x = n on, and where no more is missing than rounding.
    """
    photons = np.arange(most + 1)
    mean = min(most * share, _SMALL)
    reach = math.ceil(mean + _REACH * math.sqrt(mean + 1))
    # A power of two, to be halved; the last row is 1.
    table = np.ones((2 ** min(reach, most).bit_length(), len(photons)))
    term = np.exp(photons * math.log(1 - share))
    table[0] = term
    for x in range(1, len(table)):
        # As NumPy does it.
        term = (photons - x + 1) * share * term / (x * (1 - share))
        table[x] = table[x - 1] + term
    table[table > 1 - _ROUNDING] = 1.0
    table[np.arange(len(table))[:, None] >= photons] = 1.0
    return table


def _looked_up(table: np.ndarray, photons: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Return how many entries of columns of a table, which rise to 1, lie below numbers < 1."""
    found = np.zeros(photons.shape, np.intp)
    # Most pixels are done with the first row.
    further = uniform > table[0][photons]
    column = photons[further]
    sought = uniform[further]
    flat, width = table.ravel(), table.shape[1]
    place = column
    step = len(table) // 2
    while step:
        # By halves: all pixels take as many steps.
        below = flat[place + (step - 1) * width] < sought
        place = place + below * (step * width)
        step //= 2
    found[further] = (place - column) // width
    return found


def _added_up(photons: np.ndarray, share: float, uniform: np.ndarray) -> np.ndarray:
    """Return what `_looked_up` would of a column for each of pixels (k,), row after row."""
    found = np.zeros(len(photons), np.intp)
    left = np.arange(len(photons))
    total = term = np.exp(photons * math.log(1 - share))
    odds = share / (1 - share)
    x = 0
    while len(left):
        further = (uniform > total) & (total <= 1 - _ROUNDING)
        found[left] += further
        x += 1
        # Those that have been found go along until they are half of all: to leave them out costs
        # as much as some rows.
        if 2 * np.count_nonzero(further) < len(left):
            kept = (values[further] for values in (left, photons, uniform, term, total))
            left, photons, uniform, term, total = kept
        term = (photons - (x - 1)) * term * (odds / x)
        total = total + term
    return found
