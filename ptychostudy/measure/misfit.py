"""Misfit R of a model and its frames, and what photon noise alone would make of it.

``R = sum |sqrt(m) - sqrt(k)| / sum sqrt(k)``, m expected and k counted photons: the R-factor of
crystallography, of amplitudes (Giacovazzo, Fundamentals of Crystallography, ch. 5).
"""

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy

from ptychostudy.physics.propagate import intensities

# Photons up to which the expectation is summed count by count.
_SUMMED = 256
# Nodes of the table for each unit of the amplitude sqrt(m).
_NODES = 256
# Frames of a scan at a time, which bounds the memory.
_BLOCK = 16


class Stack(Protocol):
    """Frames that are read when asked for."""

    def __getitem__(self, part: slice, /) -> np.ndarray:
        """Return consecutive frames (b, N, N)."""


@dataclass(frozen=True)
class Misfit:
    """How far frames are from a model, over all valid pixels of all frames.

    Attributes
    ----------
    deviation : float
        ``sum |sqrt(m) - sqrt(k)|``.
    by_chance : float
        What this sum is on average if the counts are Poisson numbers of the model.
    amplitude : float
        ``sum sqrt(k)``.
    """

    deviation: float
    by_chance: float
    amplitude: float

    @property
    def value(self) -> float:
        """The misfit R."""
        return self._relative(self.deviation)

    @property
    def expected(self) -> float:
        """R from photon noise alone."""
        return self._relative(self.by_chance)

    @property
    def excess(self) -> float:
        """What photon noise does not explain of R; below 0 where noise was fitted, too."""
        return self.value - self.expected

    def _relative(self, total: float) -> float:
        return total / self.amplitude if self.amplitude > 0 else math.inf

    @property
    def record(self) -> dict[str, Any]:
        """Return what metadata say of it."""
        return {"R": round(self.value, 4), "R_expected": round(self.expected, 4)}


def misfit(frames: Iterable[tuple[np.ndarray, np.ndarray]], valid: np.ndarray) -> Misfit:
    """Compare frames with what a model expects of them, block by block.

    Parameters
    ----------
    frames : iterable of ((b, N, N) float, (b, N, N) integer)
        Expected and counted photons of some frames each.
    valid : (N, N) bool
        Pixels that count photons.
    """
    deviation, by_chance, amplitude = 0.0, 0.0, 0.0
    for expected, counts in frames:
        of_model = np.sqrt(expected[:, valid], dtype=np.float64)
        counted = np.sqrt(counts[:, valid], dtype=np.float64)
        deviation += float(np.abs(of_model - counted).sum())
        by_chance += float(_of_amplitude(of_model).sum())
        amplitude += float(counted.sum())
    return Misfit(deviation, by_chance, amplitude)


def scan_misfit(
    object_: np.ndarray,
    probe: np.ndarray,
    positions: np.ndarray,
    counts: "np.ndarray | Stack",
    valid: np.ndarray,
) -> Misfit:
    """Compare the frames of a scan with those that object and probe give.

    Parameters
    ----------
    object_ : (H, W) complex
    probe : (N, N) complex
        In photons.
    positions : (k, 2) float
        Window centres (row, col) in pixels of the object.
    counts : (k, N, N) integer
        Detected photons, zero frequency in the centre; read a few frames at a time.
    valid : (N, N) bool
        Pixels that count photons.

    Raises
    ------
    ValueError
        If a window leaves the object.
    """
    parts = (slice(start, start + _BLOCK) for start in range(0, len(positions), _BLOCK))
    frames = ((intensities(object_, probe, positions[part]), counts[part]) for part in parts)
    return misfit(frames, valid)


def expected_deviation(photons: np.ndarray) -> np.ndarray:
    """Return ``E |sqrt(k) - sqrt(m)|`` of Poisson counts k of mean m, for each m >= 0.

    Up to 256 photons from a table of the exact sum, right to 1e-5. Beyond, from the expansion of
    the root about m and the skewness of k (Edgeworth; Abramowitz and Stegun 26.2.47):
    ``(1 + 1 / (6 m)) / sqrt(2 pi)``, right to ``1 / (12 m)`` of itself, which is what whole numbers
    make it go up and down by.
    """
    return _of_amplitude(np.sqrt(photons, dtype=np.float64))


def _of_amplitude(amplitude: np.ndarray) -> np.ndarray:
    nodes, values = _table()
    summed = np.interp(amplitude, nodes, values)
    # Where it is not used it must only be finite.
    photons = np.maximum(amplitude**2, 1.0)
    expanded = (1 + 1 / (6 * photons)) / math.sqrt(2 * math.pi)
    return np.asarray(np.where(photons <= _SUMMED, summed, expanded))


@functools.cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Return amplitudes and their expected deviations.

    In the amplitude the deviation is smooth down to no photon at all; its kinks, at whole photons,
    are nodes.
    """
    even = np.arange(0, math.sqrt(_SUMMED) * _NODES + 1) / _NODES
    nodes = np.union1d(even, np.sqrt(np.arange(_SUMMED + 1)))
    return nodes, np.array([_summed(float(node**2)) for node in nodes])


def _summed(mean: float) -> float:
    """Return the expected deviation of one mean, summed over all counts that can occur."""
    if mean == 0:
        return 0.0
    # Ten standard deviations: less than 1e-15 lies beyond.
    counts = np.arange(int(mean + 10 * math.sqrt(mean) + 20))
    probability = np.exp(counts * math.log(mean) - mean - scipy.special.gammaln(counts + 1))
    return float(probability @ np.abs(np.sqrt(counts) - math.sqrt(mean)))
