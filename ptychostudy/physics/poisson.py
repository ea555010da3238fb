"""Detected photons: Poisson draws, each the quantile of one number where few are expected.

NumPy takes as many numbers for a pixel as it counts photons. Here a weak pixel takes one, see
`quantiles`; bright pixels, which NumPy draws, have a stream of their own.
"""

import numpy as np

from ptychostudy.physics.quantiles import Counted, Guide

# Photons expected of a pixel from which on NumPy draws it.
_BRIGHT = 16
# Rows of the table in each photon of a mean: it leaves a choice for 6 to 9 % of the numbers.
_STEPS = 16


class PoissonDraws:
    """Draws of one stream, one after the other; into how many arrays they go changes none.

    Parameters
    ----------
    rng : numpy.random.Generator
        For weak pixels; one that it spawns is for bright ones.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._weak = rng
        (self._bright,) = rng.spawn(1)
        mean = np.arange(_BRIGHT * _STEPS + 1) / _STEPS
        self._guide = Guide(_poisson(mean[:-1]), _poisson(mean[1:]))

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
        row = (mean * _STEPS).astype(np.intp)
        return self._guide.look_up(row, uniform, lambda some: _poisson(mean.take(some)))


def _poisson(mean: np.ndarray) -> Counted:
    return Counted(np.exp(-mean), mean)
