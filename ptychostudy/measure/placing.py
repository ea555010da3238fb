"""Where one field lies on another of which nothing is known: every place, and all orientations."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import fft

from ptychostudy.physics.orientation import ORIENTATIONS, Orientation

_LEAST_OVERLAP = 0.25
"""Share of the smaller field that has to overlap: less of two fields is alike by chance."""


@dataclass(frozen=True)
class Place:
    """How a field fits best onto another in one of the ways to lay it out.

    Attributes
    ----------
    correlation : float
        Modulus of the complex correlation coefficient where both overlap, from 0 to 1.
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

    Phase ramps are removed before, for they displace the spectrum; a factor changes nothing.

    Parameters
    ----------
    field, other : (H, W), (R, C) complex
    seen, other_seen : (H, W), (R, C) bool
        Pixels that count.
    """
    flat = without_ramp(field, seen)
    target = without_ramp(other, other_seen)
    for conjugated in (False, True):
        wave = flat.conj() if conjugated else flat
        for orientation in ORIENTATIONS:
            moving = _turned(wave, orientation)
            mask = _turned(seen, orientation)
            correlation, offset = _best(moving, mask, target, other_seen)
            yield Place(correlation, offset, orientation, conjugated)


def without_ramp(field: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return a field (H, W) less its own mean phase ramp, zero where it is not seen."""
    kept = np.where(seen, field, 0)
    down = np.angle(np.vdot(kept[:-1], kept[1:]))
    right = np.angle(np.vdot(kept[:, :-1], kept[:, 1:]))
    rows, cols = np.ogrid[: field.shape[0], : field.shape[1]]
    return np.asarray(kept * np.exp(-1j * (down * rows + right * cols)))


def _turned(field: np.ndarray, orientation: Orientation) -> np.ndarray:
    turned = field.T if orientation.exchanged else field
    rows = -1 if orientation.rows_reversed else 1
    cols = -1 if orientation.cols_reversed else 1
    return turned[::rows, ::cols]


def _best(
    field: np.ndarray, seen: np.ndarray, other: np.ndarray, other_seen: np.ndarray
) -> tuple[float, tuple[int, int]]:
    """Return the highest correlation over all offsets, and its offset."""
    full = [fft.next_fast_len(a + b) for a, b in zip(field.shape, other.shape, strict=True)]

    def correlated(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        spectrum = fft.fft2(b, full) * fft.fft2(a, full).conj()
        return np.asarray(fft.ifft2(spectrum))

    seen, other_seen = seen.astype(float), other_seen.astype(float)
    count = np.round(correlated(seen, other_seen).real)
    least = _LEAST_OVERLAP * min(seen.sum(), other_seen.sum())
    enough = count >= max(least, 2)
    safe = np.maximum(count, 1)
    # Over the overlap alone, as sums of products with the masks (Padfield 2012,
    # doi:10.1109/TIP.2011.2181402): means of whole fields would be those of other pixels.
    sum_a = correlated(field, other_seen).conj()
    sum_b = correlated(seen, other)
    squares_a = correlated(np.abs(field) ** 2, other_seen).real - np.abs(sum_a) ** 2 / safe
    squares_b = correlated(seen, np.abs(other) ** 2).real - np.abs(sum_b) ** 2 / safe
    product = correlated(field, other) - sum_a.conj() * sum_b / safe
    energy = squares_a * squares_b
    # What is constant on the overlap has rounding for its energy.
    fair = enough & (energy > 1e-9 * energy.max())
    found = np.zeros(energy.shape)
    found[fair] = np.abs(product[fair]) / np.sqrt(energy[fair])
    row, col = divmod(int(np.argmax(found)), found.shape[1])
    top, left = (
        place - (size if place >= end else 0)
        for place, size, end in zip((row, col), full, other.shape, strict=True)
    )
    return float(min(found[row, col], 1.0)), (top, left)
