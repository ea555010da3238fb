"""Where one field lies on another of which nothing is known: every place, and all orientations.

Not fields are correlated, for a phase ramp displaces their spectra, and its mean over a whole field
is also that of edges which saw no light. Correlated are products of each pixel with the conjugate
of one further on, along both axes: a factor scales them, a ramp turns them all by one phase.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy

from ptychostudy.measure.fields import is_rounding
from ptychostudy.physics.orientation import ORIENTATIONS, Orientation

_LEAST_OVERLAP = 0.25
"""Share of the smaller field that has to overlap: less of two fields is alike by chance."""
_LAG = 2
"""Pixels from one of a product to the other."""
_BRIGHTEST = 1.5
"""In medians, what products are cut at: where there was no light, iterations may leave anything."""


@dataclass(frozen=True)
class Place:
    """How a field fits best onto another in one of the ways to lay it out.

    Attributes
    ----------
    correlation : float
        Correlation coefficient of the products where both overlap, at most 1.
    offset : (int, int)
        Pixel (row, col) of the other field under the first one of this.
    orientation : Orientation
    conjugated : bool
    """

    correlation: float
    offset: tuple[int, int]
    orientation: Orientation
    conjugated: bool

    @property
    def as_given(self) -> bool:
        """Whether the field is neither turned nor conjugated."""
        return self.orientation.is_given and not self.conjugated

    @property
    def words(self) -> str:
        """What was done to the field, in words."""
        turned = [word.replace("_", " ") for word in self.orientation.words]
        turned = ["rows and columns exchanged" if word == "exchanged" else word for word in turned]
        return ", ".join([*turned, *(["conjugated"] if self.conjugated else [])])


def places(
    field: np.ndarray, seen: np.ndarray, other: np.ndarray, other_seen: np.ndarray
) -> Iterator[Place]:
    """Yield the best place of a field in each of sixteen ways to lay it out, as given first.

    Neither a factor nor a phase ramp changes anything.

    Parameters
    ----------
    field, other : (H, W), (R, C) complex
    seen, other_seen : (H, W), (R, C) bool
        Pixels that count.
    """
    target = _products(other, other_seen)
    for conjugated in (False, True):
        wave = field.conj() if conjugated else field
        for orientation in ORIENTATIONS:
            moving = _products(turned(wave, orientation), turned(seen, orientation))
            correlation, offset = _best(moving, target)
            yield Place(correlation, offset, orientation, conjugated)


@dataclass(frozen=True)
class _Products:
    """Products along both axes (2, H, W) less their mean, and where there are any."""

    values: np.ndarray
    there: np.ndarray


def _products(field: np.ndarray, seen: np.ndarray) -> _Products:
    values = np.zeros((2, *field.shape), np.complex128)
    there = np.zeros(values.shape)
    for axis in range(2):
        rows, cols = ((_LAG, 0), (0, _LAG))[axis]
        here = (slice(field.shape[0] - rows), slice(field.shape[1] - cols))
        both = seen[here] & seen[rows:, cols:]
        there[axis][here] = both
        values[axis][here] = _straight(field[rows:, cols:] * field[here].conj(), both)
    return _Products(values, there)


def _straight(products: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return products (H, W) with no mean and the phase of a ramp taken out, zero off the mask."""
    size = np.median(np.abs(products[there])) if there.any() else 0.0
    if size == 0:
        return np.zeros_like(products)
    cut = products / np.maximum(np.abs(products), _BRIGHTEST * size)
    mean = cut[there].mean()
    free = np.where(there, cut - mean, 0) * np.exp(-1j * np.angle(mean))
    # Rounding is all that is left of a constant.
    return np.zeros_like(free) if is_rounding(free, _BRIGHTEST) else free


def turned(field: np.ndarray, orientation: Orientation) -> np.ndarray:
    """Return a field (H, W) laid out so, from its first to its last pixel."""
    there = field.T if orientation.exchanged else field
    rows = -1 if orientation.rows_reversed else 1
    cols = -1 if orientation.cols_reversed else 1
    return there[::rows, ::cols]


def _best(moving: _Products, target: _Products) -> tuple[float, tuple[int, int]]:
    """Return the highest correlation over all offsets, and its offset."""
    ends = target.there.shape[1:]
    full = [
        scipy.fft.next_fast_len(a + b) for a, b in zip(moving.there.shape[1:], ends, strict=True)
    ]

    def correlated(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        spectra = scipy.fft.fft2(b, full) * scipy.fft.fft2(a, full).conj()
        # What is alike has one sign: the conjugate of a weak phase has the other one.
        return np.asarray(scipy.fft.ifft2(spectra.sum(axis=0)).real)

    least = _LEAST_OVERLAP * min(moving.there.sum(), target.there.sum())
    enough = np.round(correlated(moving.there, target.there)) >= max(least, 2)
    # Of the overlap alone (Padfield 2012, doi:10.1109/TIP.2011.2181402).
    energy = correlated(np.abs(moving.values) ** 2, target.there)
    energy *= correlated(moving.there, np.abs(target.values) ** 2)
    # What is constant on the overlap has rounding for its energy.
    fair = enough & (energy > 1e-9 * energy.max())
    found = np.zeros(energy.shape)
    found[fair] = correlated(moving.values, target.values)[fair] / np.sqrt(energy[fair])
    row, col = divmod(int(np.argmax(found)), full[1])
    top, left = (
        place - (size if place >= end else 0)
        for place, size, end in zip((row, col), full, ends, strict=True)
    )
    return float(min(found[row, col], 1.0)), (top, left)
