"""Fourier ring correlation with its thresholds.

Against noiseless truth ``FRC = sqrt(SNR / (1 + SNR))``, so 0.5 means SNR = 1/3; between two half data sets the same
quality reads 1/7. The two thresholds answer different questions and never share a table.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ptychostudy.measure.align import tukey_window
from ptychostudy.measure.gauge import CONSTANT, bounding_box

_SMALLEST = 16


@dataclass(frozen=True)
class RingCurve:
    """A Fourier ring correlation.

    Attributes
    ----------
    correlation : (k,) float64
        Correlation at rings 0..k-1 of one Fourier pixel each, in [-1, 1]. Ring 0 is the removed mean: it holds no
        information and repeats ring 1, so that the curve starts where the data do.
    frequency : (k,) float64
        Ring radius as a fraction of Nyquist.
    count : (k,) int64
        Fourier pixels in each ring.
    half_bit : (k,) float64
        Half-bit threshold of each ring.
    side_px : int
        Side of the square crop.
    """

    correlation: np.ndarray
    frequency: np.ndarray
    count: np.ndarray
    half_bit: np.ndarray
    side_px: int


class Cutoff(NamedTuple):
    """Where a curve first falls below a threshold.

    `frequency` is the fraction of Nyquist, at most 1; `ring` the interpolated ring index, the curve's length if it
    never falls below, which `saturated` says.
    """

    frequency: float
    ring: float
    saturated: bool


def half_bit(count: ArrayLike) -> np.ndarray:
    """Return the half-bit threshold for rings of `count` pixels (van Heel and Schatz 2005, J Struct Biol 151:250).

    Limits: 1 at one pixel, 0.2071 / 1.2071 = 0.1716 for many. A window makes neighbouring Fourier pixels dependent and
    so the true threshold a little higher; the plain count is used, as in their paper's published programs.
    """
    root = np.sqrt(np.asarray(count, dtype=np.float64))
    return (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root)


def crossing(curve: ArrayLike, threshold: ArrayLike) -> float:
    """Return the index, linearly interpolated, at which a curve first falls below a threshold.

    Parameters
    ----------
    curve : (k,) float
        Correlation.
    threshold : float or (k,) float
        One threshold, or one for each point.

    Returns
    -------
    float
        0 if the first point is below already; k if none is.
    """
    height = np.asarray(curve, dtype=np.float64) - np.asarray(threshold, dtype=np.float64)
    below = np.flatnonzero(height < 0)
    if below.size == 0:
        return float(height.size)
    first = int(below[0])
    if first == 0:
        return 0.0
    return float(first - 1 + height[first - 1] / (height[first - 1] - height[first]))


def _square(box: tuple[slice, slice]) -> tuple[slice, slice]:
    """Shrink a rectangle to its central square."""
    side = min(span.stop - span.start for span in box)
    if side < _SMALLEST:
        raise ValueError(
            f"ring correlation needs at least {_SMALLEST} px a side, the covered rectangle has {side}"
        )
    row, col = (span.start + (span.stop - span.start - side) // 2 for span in box)
    return slice(row, row + side), slice(col, col + side)


def _spectrum(image: np.ndarray, mask: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Spectrum of an image under a window, free of its windowed mean; all zero for a constant image."""
    weight = window * mask
    mean = np.sum(weight * image) / weight.sum()
    free = weight * (image - mean)
    flat = np.abs(free).max() <= CONSTANT * max(abs(mean), np.finfo(float).tiny)
    return np.zeros(image.shape, dtype=np.complex128) if flat else np.fft.fft2(free)


def ring_correlation(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray, *, taper: float = 0.25
) -> RingCurve:
    """Correlate two images ring by ring in Fourier space.

    Both are cut to the central square of the mask's bounding box, freed of their mean (uncovered pixels take it, and
    so are zero) and multiplied with a Tukey window: without one the jump at the edges, equal in both, correlates.

    Parameters
    ----------
    pred, truth : (H, W) float or complex
        Images in one gauge; the real part of the correlation is taken, so contrast of the wrong sign reads negative.
    mask : (H, W) bool
        Covered pixels.
    taper : float
        Share of each side inside the Tukey window's two slopes.

    Returns
    -------
    RingCurve
        A constant image has no fluctuation to correlate: 0 in every ring, never NaN.

    Raises
    ------
    ValueError
        If the square is smaller than 16 px or holds no covered pixel under the window.
    """
    mask = np.asarray(mask, dtype=bool)
    square = _square(bounding_box(mask))
    window = tukey_window(mask[square].shape, taper)
    if not np.any(window * mask[square]):
        raise ValueError(
            "the central square of the covered rectangle holds no covered pixel to correlate"
        )
    first, second = (_spectrum(image[square], mask[square], window) for image in (pred, truth))
    return _rings(first, second)


def _rings(first: np.ndarray, second: np.ndarray) -> RingCurve:
    side = first.shape[0]
    frequencies = np.fft.fftfreq(side, 1 / side)
    radius = np.rint(np.hypot(frequencies[:, None], frequencies)).astype(np.int64).ravel()
    rings = side // 2 + 1
    cross, power_first, power_second = (
        np.bincount(radius, weights=values.ravel())[:rings]
        for values in (np.real(first * np.conj(second)), np.abs(first) ** 2, np.abs(second) ** 2)
    )
    # A ring without power in one image (below rounding of the strongest ring) is not correlated with anything.
    quiet = 1e-24 * max(power_first.max(), power_second.max())
    lit = (power_first > quiet) & (power_second > quiet)
    correlation = np.where(lit, cross, 0.0) / np.sqrt(
        np.where(lit, power_first * power_second, 1.0)
    )
    correlation[0] = correlation[1]
    count = np.bincount(radius)[:rings]
    return RingCurve(
        np.clip(correlation, -1, 1), np.arange(rings) / (side / 2), count, half_bit(count), side
    )


def cutoff(curve: RingCurve, threshold: float | str) -> Cutoff:
    """Find where a `RingCurve` first falls below a threshold.

    Parameters
    ----------
    curve : RingCurve
        Ring correlation.
    threshold : float or 'half_bit'
        0.5 against truth, 1/7 between half data sets, or the curve's own half-bit threshold (ring 0, a single pixel
        with the threshold 1, is then judged like ring 1).

    Returns
    -------
    Cutoff
    """
    if isinstance(threshold, str) and threshold != "half_bit":
        raise ValueError(f"threshold must be a number or 'half_bit', found {threshold!r}")
    own = np.concatenate([curve.half_bit[1:2], curve.half_bit[1:]])
    ring = crossing(curve.correlation, own if isinstance(threshold, str) else threshold)
    return Cutoff(min(1.0, ring / (curve.side_px / 2)), ring, ring == curve.correlation.size)


def area(curve: RingCurve) -> float:
    """Return the mean of a `RingCurve` over frequency from 0 to its last ring (trapezoids), in [-1, 1]."""
    return float(np.trapezoid(curve.correlation, curve.frequency) / curve.frequency[-1])


def half_period_px(frequency: float, side_px: int) -> float:
    """Return the resolution in pixels, ``1 / frequency`` of the Nyquist fraction, at most the side of the crop.

    At Nyquist a half period is one pixel; multiply by the pixel size for metres.
    """
    return float(min(side_px, 1 / max(frequency, 1 / side_px)))
