"""Fourier ring correlation, its standard error and its half-bit threshold.

Against noiseless truth ``FRC = sqrt(SNR / (1 + SNR))``, so 0.5 means SNR = 1/3; between two half
data sets the same quality reads 1/7. The two thresholds answer different questions and never share
a table. Where a curve meets a threshold: `ptychostudy.measure.cutoff`.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import ArrayLike

from ptychostudy.measure.fields import bounding_box, is_rounding
from ptychostudy.measure.taper import tukey_window

_SMALLEST = 16
# Power below this part of the strongest ring's is rounding of the Fourier transform.
_QUIET = 1e-24


@dataclass(frozen=True)
class RingCurve:
    """A Fourier ring correlation.

    Attributes
    ----------
    correlation : (k,) float64
        Correlation at rings 0..k-1 of one Fourier pixel each, in [-1, 1]. Ring 0 is the removed
        mean: it holds no information and repeats ring 1, so that the curve starts where the data
        do.
    frequency : (k,) float64
        Ring radius as a fraction of Nyquist.
    count : (k,) int64
        Fourier pixels in each ring.
    half_bit : (k,) float64
        Half-bit threshold of each ring.
    side_px : int
        Side of the square crop.
    error : (k,) float64
        Standard error of each ring's correlation, see `_standard_error`; 0 of one that is 0 because
        an image has nothing there.
    """

    correlation: np.ndarray
    frequency: np.ndarray
    count: np.ndarray
    half_bit: np.ndarray
    side_px: int
    error: np.ndarray


def half_bit(count: ArrayLike) -> np.ndarray:
    """Return the half-bit threshold for rings of `count` pixels.

    Van Heel and Schatz 2005, J Struct Biol 151:250. Limits: 1 at one pixel, 0.2071 / 1.2071 =
    0.1716 for many. A window makes neighbouring Fourier pixels dependent and so the true threshold
    a little higher; the plain count is used, as in their paper's published programs.
    """
    root = np.sqrt(np.asarray(count, dtype=np.float64))
    return (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root)


def _square(box: tuple[slice, slice]) -> tuple[slice, slice]:
    """Shrink a rectangle to its central square: rings are round only where both sides are equal."""
    side = min(span.stop - span.start for span in box)
    if side < _SMALLEST:
        raise ValueError(
            f"ring correlation needs at least {_SMALLEST} px a side, the covered rectangle has "
            f"{side}"
        )
    rows, cols = box
    return _central(rows, side), _central(cols, side)


def _central(span: slice, side: int) -> slice:
    start = span.start + (span.stop - span.start - side) // 2
    return slice(start, start + side)


def _spectrum(image: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Spectrum of an image times a weight, free of its weighted mean; all zero of a constant."""
    mean = np.sum(weight * image) / weight.sum()
    free = weight * (image - mean)
    if is_rounding(free, max(abs(mean), np.finfo(float).tiny)):
        return np.zeros(image.shape, dtype=np.complex128)
    return np.asarray(np.fft.fft2(free))


def ring_correlation(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray, *, taper: float = 0.25
) -> RingCurve:
    """Correlate two images ring by ring in Fourier space.

    Both are cut to the central square of the mask's bounding box, freed of their mean (uncovered
    pixels take it, and so are zero) and multiplied with a Tukey window: without one the jump at the
    edges, equal in both, correlates.

    Parameters
    ----------
    pred, truth : (H, W) float or complex
        Images in one gauge; the real part of the correlation is taken, so contrast of the wrong
        sign reads negative.
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
    # A pixel that is not covered weighs nothing in either image, like the window's border.
    weight = tukey_window(mask[square].shape, taper) * mask[square]
    if not np.any(weight):
        raise ValueError(
            "the central square of the covered rectangle holds no covered pixel to correlate"
        )
    # A real image has half of its spectrum to itself: the other half repeats it.
    numbers = 2 if np.iscomplexobj(pred) and np.iscomplexobj(truth) else 1
    pairs = numbers * _own_share(weight)
    return _rings(_spectrum(pred[square], weight), _spectrum(truth[square], weight), pairs)


def _own_share(weight: np.ndarray) -> float:
    """Return the share of a ring's Fourier pixels that a window leaves independent, 1 of none.

    A window blurs the spectrum, so that neighbours hold the same noise. Over all of it the share
    ``(sum w^2)^2 / (size sum w^4)`` is left (as of overlapping periodograms, Welch 1967,
    doi:10.1109/TAU.1967.1161901); a ring meets its neighbours along one of two dimensions.
    """
    light = weight**2
    share = light.sum() ** 2 / (light.size * np.sum(light**2))
    return float(np.sqrt(share))


def _rings(first: np.ndarray, second: np.ndarray, pairs: float) -> RingCurve:
    """Correlate two square spectra, whose pixels hold so many pairs of numbers, ring by ring."""
    side = first.shape[0]
    ring = _ring_of_pixels(side)
    cross = _ring_sums(ring, np.real(first * np.conj(second)))
    powers = (_ring_power(ring, first), _ring_power(ring, second))
    correlation = _normalized(cross, *powers)
    count = np.bincount(ring)[: len(cross)]
    frequency = np.arange(len(count)) / (side / 2)
    error = np.where(_lit(*powers), _standard_error(correlation, count * pairs), 0.0)
    # Ring 0 has the correlation of ring 1, and is known as well.
    error[0] = error[1]
    return RingCurve(correlation, frequency, count, half_bit(count), side, error)


def _standard_error(correlation: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return the standard error of a correlation of so many independent pairs of numbers.

    To first order, ``(1 - c^2) / sqrt(pairs)``; of rings: Saxton and Baumeister 1982, J Microsc
    127:127.
    """
    return np.asarray((1 - correlation**2) / np.sqrt(pairs))


def _ring_of_pixels(side: int) -> np.ndarray:
    """Return the ring of each pixel of a square spectrum, (side^2,): its rounded radius."""
    frequencies = np.fft.fftfreq(side, 1 / side)
    radius = np.hypot(frequencies[:, None], frequencies)
    return np.asarray(np.rint(radius).astype(np.int64).ravel())


def _ring_sums(ring: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sum (side, side) values over each ring up to Nyquist; in the corners no ring is whole."""
    rings = len(values) // 2 + 1
    return np.bincount(ring, weights=values.ravel())[:rings]


def _ring_power(ring: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
    return _ring_sums(ring, np.abs(spectrum) ** 2)


def _normalized(cross: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the correlation of each ring from its cross and own powers."""
    lit = _lit(first, second)
    power = np.where(lit, first * second, 1.0)
    correlation = np.where(lit, cross, 0.0) / np.sqrt(power)
    # Ring 0 is the mean, which was removed: the curve starts with ring 1.
    correlation[0] = correlation[1]
    # Cauchy and Schwarz keep it within one but for rounding.
    return np.asarray(np.clip(correlation, -1, 1))


def _lit(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Tell the rings with power in both images; without, a ring correlates with nothing."""
    quiet = _QUIET * max(first.max(), second.max())
    return np.asarray((first > quiet) & (second > quiet))


def smoothed(curve: RingCurve, sigma: float) -> RingCurve:
    """Return a `RingCurve` whose correlation is blurred along the rings.

    It then falls below a threshold where it does so on average, not where its noise first does.

    Parameters
    ----------
    curve : RingCurve
    sigma : float
        Of the Gaussian, in rings; 0 is off. Beyond its ends the curve goes on as it ends.
    """
    if not sigma:
        return curve
    blurred = scipy.ndimage.gaussian_filter1d(curve.correlation, sigma, mode="nearest")
    return replace(curve, correlation=np.asarray(blurred))


def area(curve: RingCurve) -> float:
    """Return the mean of a `RingCurve` over frequency from 0 to its last ring, in [-1, 1]."""
    # By trapezoids, as the curve is drawn.
    return float(np.trapezoid(curve.correlation, curve.frequency) / curve.frequency[-1])
