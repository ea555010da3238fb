"""Thinning of measured photons: each is kept by chance, and no pixel moves the draw of another.

NumPy takes one number for a small binomial variable, none for 0 of 0, and any for a large one. In
one stream a pixel that a mask empties would give another noise to all behind it. Here each pixel
has its place in the stream, whatever it holds; the large ones have a stream of their own.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ptychostudy.physics.quantiles import Counted, Guide

# NumPy inverts the distribution, by one number, up to a mean of 30 (its legacy `random_binomial`).
_SMALL = 29
# Rows of the table in each photon that is kept of a mean, where photons are more.
_STEPS = 16


class Thinning:
    """Binomial draws with one probability; what is worked out for a frame serves the next.

    They are those of NumPy, by the same numbers: for each pixel it adds up a distribution anew;
    here most are looked up in a table, see `quantiles`.

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
        # Rows of one number of photons each, or of some.
        self._rows = min(1.0, _STEPS * self._rare)
        self._guide = self._with_rows(1)

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
        if not large.any():
            uniform, _ = _numbers(counts.shape, rngs)
            return self._small(counts, uniform)
        of_frame = large.reshape(len(large), -1)
        uniform, own = _numbers(counts.shape, rngs, all_large=np.asarray(of_frame.all(axis=1)))
        kept = self._small(np.where(large, 0, counts), uniform)
        for frame in np.flatnonzero(of_frame.any(axis=1)):
            rng = np.random.Generator(np.random.PCG64(own[frame]))
            self._add_large(kept[frame], counts[frame], large[frame], rng)
        return kept

    def _add_large(
        self, kept: np.ndarray, photons: np.ndarray, large: np.ndarray, rng: np.random.Generator
    ) -> None:
        """Draw the large pixels of a frame (...), of which none are kept yet."""
        if 2 * np.count_nonzero(large) > large.size:
            # Of no photons NumPy takes no number: to leave some pixels out takes longer.
            kept += rng.binomial(np.where(large, photons, 0), self._keep)
        else:
            kept[large] = rng.binomial(photons[large], self._keep)

    def _small(self, photons: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Return what is kept where photons (b, ...) are few, by a number each."""
        rare = self._rarer(photons.ravel(), uniform.ravel()).reshape(photons.shape)
        return rare if self._keep == self._rare else photons - rare

    def _rarer(self, photons: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Return how many photons (k,) are kept, or lost if that is rarer, by a number each."""
        rare = np.zeros(len(photons), np.int64)
        # Most pixels of a weak frame are none at a glance: ``1 - n share <= P(0)`` (Bernoulli).
        reached = photons * self._rare
        reached += uniform
        some = np.flatnonzero(reached >= 1)
        few = photons.take(some)
        row = (few * self._rows).astype(np.intp)
        most = int(row.max(initial=0))
        if len(self._guide) <= most:
            # Further than asked for: a scan that grows brighter takes no new one for each frame.
            self._guide = self._with_rows(min(2 * most, self._last_row()) + 1)
        rare[some] = self._guide.look_up(
            row, uniform.take(some), lambda chosen: self._of(few.take(chosen))
        )
        return rare

    def _last_row(self) -> int:
        return 0 if self._rare == 0 else math.floor(self._most * self._rows)

    def _with_rows(self, rows: int) -> Guide:
        """Return the table of the first rows."""
        first = self._first_of(np.arange(rows + 1))
        return Guide(self._of(first[:-1]), self._of(np.maximum(first[1:] - 1, first[:-1])))

    def _first_of(self, row: np.ndarray) -> np.ndarray:
        """Return the least photons of rows (r,), as they are rounded."""
        if self._rare == 0:
            return np.zeros(len(row))
        photons = np.ceil(row / self._rows)
        photons += np.floor(photons * self._rows) < row
        photons -= (photons > 0) & (np.floor((photons - 1) * self._rows) >= row)
        return photons

    def _of(self, photons: np.ndarray) -> Counted:
        """Return the distributions of photons (k,) of which the rarer share is drawn."""
        odds = self._rare / (1 - self._rare)
        return Counted(np.exp(photons * math.log(1 - self._rare)), photons * odds, odds)


def _numbers(
    shape: tuple[int, ...],
    rngs: Iterable[np.random.Generator],
    all_large: np.ndarray | None = None,
) -> tuple[np.ndarray, list[int]]:
    """Return a number for each pixel of frames (b, ...), and the seed of each one's large draws.

    Frames whose pixels are ``all_large`` (b,) have numbers in the stream, too, but need none.
    """
    uniform = np.empty(shape)
    needless = np.zeros(len(uniform), bool) if all_large is None else all_large
    own = []
    for numbers, none, rng in zip(uniform, needless, rngs, strict=False):
        own.append(rng.bit_generator.random_raw())
        if none:
            numbers[...] = 0
            _skip(rng.bit_generator, numbers.size)
        else:
            rng.random(out=numbers)
    return uniform, own


def _skip(stream: Any, numbers: int) -> None:
    """Leave out some numbers of a stream of PCG64."""
    stream.advance(numbers)


def _most_small(rare: float) -> float:
    """Return the most photons of which a share has a small mean."""
    if rare == 0:
        return math.inf
    most = math.floor(_SMALL / rare) + 1
    # A quotient is rounded, too.
    while most * rare > _SMALL:
        most -= 1
    return most
