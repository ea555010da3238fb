"""Structural similarity (Wang 2004) and its multi-scale form (Wang 2003) on a masked rectangle.

Uncovered pixels of both images are set to the truth's mean over the mask before any window runs
over them, and only covered pixels are averaged. A window at the border of the mask therefore sees
some agreement that nobody measured; at the border of the rectangle images are mirrored, or with
``boundary='valid'`` windows that stick out are not counted.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy
import skimage

# Wang 2004. The truncation of scikit-image: 3.5 sigma is a radius of 5 px, a window of 11 taps.
_SIGMA = 1.5
_TRUNCATE = 3.5
_RADIUS = 5
_WINDOW_PX = 2 * _RADIUS + 1
_K1 = 0.01
_K2 = 0.03
# Wang, Simoncelli and Bovik 2003, table of cross-scale calibration.
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


class MultiScale(NamedTuple):
    """A score and the number of scales it was taken from (5 unless the image is too small)."""

    score: float
    scales: int


def _weights(mask: np.ndarray, boundary: str) -> np.ndarray:
    """Return the averaging weight of each window centre."""
    if boundary == "reflect":
        return mask.astype(np.float64)
    if boundary != "valid":
        raise ValueError(f"boundary must be 'reflect' or 'valid', found {boundary!r}")
    return _inner(mask)


def _inner(mask: np.ndarray) -> np.ndarray:
    """Return weight one where a whole window lies in the rectangle and its centre is covered."""
    inside = np.zeros(mask.shape)
    core = slice(_RADIUS, -_RADIUS)
    inside[core, core] = mask[core, core]
    if not inside.any():
        raise ValueError(
            f"no covered pixel has its whole {_WINDOW_PX} px window inside the {mask.shape} image"
        )
    return inside


def _prepare(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray, data_range: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return both images with the truth's mean off the mask, and the mask."""
    mask = np.asarray(mask, dtype=bool)
    _check_size(mask.shape)
    _check_range(data_range)
    level = np.mean(truth[mask])
    return np.where(mask, pred, level), np.where(mask, truth, level), mask


def _check_size(shape: tuple[int, ...]) -> None:
    if min(shape) < _WINDOW_PX:
        raise ValueError(
            f"structural similarity needs at least {_WINDOW_PX} x {_WINDOW_PX} px, found {shape}"
        )


def _check_range(data_range: float) -> None:
    # Asked this way round, a range that is not a number is refused, too.
    if not data_range > 0:
        raise ValueError(
            f"structural similarity needs a positive data range, found {data_range}; is the truth "
            "constant?"
        )


def ssim(
    pred: np.ndarray,
    truth: np.ndarray,
    mask: np.ndarray,
    *,
    data_range: float,
    boundary: str = "reflect",
) -> float:
    """Return the mean structural similarity over the mask.

    Wang, Bovik, Sheikh, Simoncelli 2004 (doi:10.1109/TIP.2003.819861): Gaussian window of sigma 1.5
    px with 11 taps, population covariance, K1 = 0.01, K2 = 0.03; the map is scikit-image's.

    Parameters
    ----------
    pred, truth : (H, W) float
        Images, at least 11 px a side.
    mask : (H, W) bool
        Pixels whose windows are averaged.
    data_range : float
        Span of the truth on the mask, in the images' units.
    boundary : {'reflect', 'valid'}
        ``reflect`` counts every covered pixel; ``valid`` only those whose whole window lies in the
        rectangle (the mean that scikit-image and TensorFlow report).

    Returns
    -------
    float
        In [-1, 1]; 1 for equal images.

    Raises
    ------
    ValueError
        If the image is smaller than the window, the range is not positive, or `boundary` is
        unknown.
    """
    pred, truth, mask = _prepare(pred, truth, mask, data_range)
    _, similarity = skimage.metrics.structural_similarity(
        truth,
        pred,
        data_range=data_range,
        gaussian_weights=True,
        sigma=_SIGMA,
        use_sample_covariance=False,
        full=True,
    )
    return float(np.average(similarity, weights=_weights(mask, boundary)))


def _components(
    pred: np.ndarray, truth: np.ndarray, data_range: float
) -> tuple[np.ndarray, np.ndarray]:
    """Luminance and contrast-structure maps."""
    # The second moments of the fluctuations about a common level suffer no cancellation on bright
    # images.
    level = truth.mean()
    x = pred - level
    y = truth - level
    mean_x = _windowed_mean(x)
    mean_y = _windowed_mean(y)
    contrast = _contrast(x, y, mean_x, mean_y, (_K2 * data_range) ** 2)
    luminance = _luminance(mean_x + level, mean_y + level, (_K1 * data_range) ** 2)
    return luminance, contrast


def _windowed_mean(image: np.ndarray) -> np.ndarray:
    return np.asarray(scipy.ndimage.gaussian_filter(image, _SIGMA, truncate=_TRUNCATE))


def _luminance(mean_x: np.ndarray, mean_y: np.ndarray, c1: float) -> np.ndarray:
    return np.asarray((2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1))


def _contrast(
    x: np.ndarray, y: np.ndarray, mean_x: np.ndarray, mean_y: np.ndarray, c2: float
) -> np.ndarray:
    """Return ``(2 cov(x, y) + c2) / (var x + var y + c2)``."""
    # Only the sum of both variances is asked for, so one blur serves both.
    squares = _windowed_mean(x * x + y * y)
    product = _windowed_mean(x * y)
    covariance = product - mean_x * mean_y
    variances = squares - mean_x**2 - mean_y**2
    return np.asarray((2 * covariance + c2) / (variances + c2))


def _halve(image: np.ndarray) -> np.ndarray:
    """Average 2 x 2 blocks.

    An odd side is first extended by repeating its last line, as TensorFlow does.
    """
    odd = [(0, size % 2) for size in image.shape]
    even = np.pad(image, odd, mode="symmetric")
    rows, cols = even.shape
    halved: np.ndarray = even.reshape(rows // 2, 2, cols // 2, 2).mean(axis=(1, 3))
    return halved


def scale_count(shape: tuple[int, ...]) -> int:
    """Return how many of the five scales keep an 11 px window inside the image.

    5 from 161 px, 4 from 81 px, ...
    """
    scales = 1
    coarser = (min(shape) + 1) // 2
    while scales < len(_WEIGHTS) and coarser >= _WINDOW_PX:
        scales += 1
        coarser = (coarser + 1) // 2
    return scales


@dataclass(frozen=True)
class _Scale:
    """Both images at one scale, and the covered part of each pixel."""

    pred: np.ndarray
    truth: np.ndarray
    cover: np.ndarray

    def halved(self) -> "_Scale":
        """Return the next coarser scale."""
        return _Scale(_halve(self.pred), _halve(self.truth), _halve(self.cover))

    def mean(self, data_range: float, boundary: str, *, whole: bool = False) -> float:
        """Return the mean of contrast and structure, or of the whole similarity."""
        luminance, contrast = _components(self.pred, self.truth, data_range)
        values = luminance * contrast if whole else contrast
        weights = self.cover * _weights(self.cover > 0, boundary)
        return float(np.average(values, weights=weights))


def ms_ssim(
    pred: np.ndarray,
    truth: np.ndarray,
    mask: np.ndarray,
    *,
    data_range: float,
    sigma: float = 1.0,
    boundary: str = "reflect",
) -> MultiScale:
    """Return the multi-scale structural similarity over the mask.

    Wang, Simoncelli, Bovik 2003 (doi:10.1109/ACSSC.2003.1292216): contrast-structure at every scale
    but the last, full similarity at the last, 2 x 2 averaging in between, product of powers. A
    scale whose mean is negative counts as 0, so the product is 0: a result of exactly 0 means
    "negative somewhere", not a measured zero (``tf.image`` does so).

    Parameters
    ----------
    pred, truth : (H, W) float
        Images. A shorter side under 161 px takes fewer scales, with the weights divided by their
        sum.
    mask : (H, W) bool
        Averaged pixels; a pixel of a coarse scale weighs as much as the part of it that is covered.
    data_range : float
        Span of the (unblurred) truth on the mask.
    sigma : float
        Standard deviation in px of a Gaussian blur of both images beforehand; 0 switches it off.
    boundary : {'reflect', 'valid'}
        As `ssim`; ``valid`` at sigma 0 and a full mask equals ``tf.image.ssim_multiscale``.

    Returns
    -------
    MultiScale
        Score in [0, 1] and number of scales.

    Raises
    ------
    ValueError
        As `ssim`.
    """
    pred, truth, mask = _prepare(pred, truth, mask, data_range)
    finest = _Scale(_blurred(pred, sigma), _blurred(truth, sigma), mask.astype(np.float64))
    *upper, last = _pyramid(finest)
    means = [scale.mean(data_range, boundary) for scale in upper]
    means.append(last.mean(data_range, boundary, whole=True))
    score = 1.0
    for mean, power in zip(means, _powers(len(means)), strict=True):
        # A negative mean has no real fractional power.
        score *= max(mean, 0.0) ** power
    return MultiScale(float(score), len(means))


def _blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    return np.asarray(scipy.ndimage.gaussian_filter(image, sigma)) if sigma > 0 else image


def _pyramid(finest: _Scale) -> list[_Scale]:
    """Return the scales that an image has room for, each of half the size of the one before."""
    scales = [finest]
    while len(scales) < scale_count(finest.cover.shape):
        scales.append(scales[-1].halved())
    return scales


def _powers(scales: int) -> np.ndarray:
    """Return the exponent of each scale; fewer scales share the whole weight among them."""
    weights = _WEIGHTS[:scales]
    return np.array(weights) / sum(weights)
