"""Structural similarity (Wang 2004) and its multi-scale form (Wang 2003) on a rectangle with a mask.

Uncovered pixels of both images are set to the truth's mean over the mask before any window runs over them, and only
covered pixels are averaged. A window at the border of the mask therefore sees some agreement that nobody measured; at
the border of the rectangle images are mirrored, or with ``boundary='valid'`` windows that stick out are not counted.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

_SIGMA, _TRUNCATE, _RADIUS = 1.5, 3.5, 5
_K1, _K2 = 0.01, 0.03
# Wang, Simoncelli and Bovik 2003, table of cross-scale calibration.
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


class MultiScale(NamedTuple):
    """A multi-scale score and the number of scales it was taken from (5 unless the image is too small)."""

    score: float
    scales: int


def _weights(mask: np.ndarray, boundary: str) -> np.ndarray:
    """Return the averaging weight of each window centre."""
    if boundary == "reflect":
        return mask.astype(np.float64)
    if boundary != "valid":
        raise ValueError(f"boundary must be 'reflect' or 'valid', found {boundary!r}")
    inside = np.zeros(mask.shape)
    core = (slice(_RADIUS, -_RADIUS), slice(_RADIUS, -_RADIUS))
    inside[core] = mask[core]
    if not inside.any():
        raise ValueError(
            f"no covered pixel has its whole {2 * _RADIUS + 1} px window inside the {mask.shape} image"
        )
    return inside


def _prepare(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray, data_range: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mask = np.asarray(mask, dtype=bool)
    side = 2 * _RADIUS + 1
    if min(mask.shape) < side:
        raise ValueError(
            f"structural similarity needs at least {side} x {side} px, found {mask.shape}"
        )
    if not data_range > 0:
        raise ValueError(
            f"structural similarity needs a positive data range, found {data_range}; is the truth constant?"
        )
    level = np.mean(truth[mask])
    return np.where(mask, pred, level), np.where(mask, truth, level), mask


def ssim(
    pred: np.ndarray,
    truth: np.ndarray,
    mask: np.ndarray,
    *,
    data_range: float,
    boundary: str = "reflect",
) -> float:
    """Return the mean structural similarity over the mask.

    Wang, Bovik, Sheikh, Simoncelli 2004 (doi:10.1109/TIP.2003.819861): Gaussian window of sigma 1.5 px with 11 taps,
    population covariance, K1 = 0.01, K2 = 0.03; the map is scikit-image's.

    Parameters
    ----------
    pred, truth : (H, W) float
        Images, at least 11 px a side.
    mask : (H, W) bool
        Pixels whose windows are averaged.
    data_range : float
        Span of the truth on the mask, in the images' units.
    boundary : {'reflect', 'valid'}
        ``reflect`` counts every covered pixel; ``valid`` only those whose whole window lies in the rectangle (the
        mean that scikit-image and TensorFlow report).

    Returns
    -------
    float
        In [-1, 1]; 1 for equal images.

    Raises
    ------
    ValueError
        If the image is smaller than the window, the range is not positive, or `boundary` is unknown.
    """
    pred, truth, mask = _prepare(pred, truth, mask, data_range)
    options = {
        "gaussian_weights": True,
        "sigma": _SIGMA,
        "use_sample_covariance": False,
        "full": True,
    }
    similarity = structural_similarity(truth, pred, data_range=data_range, **options)[1]
    return float(np.average(similarity, weights=_weights(mask, boundary)))


def _components(
    pred: np.ndarray, truth: np.ndarray, data_range: float
) -> tuple[np.ndarray, np.ndarray]:
    """Luminance and contrast-structure maps."""
    # The second moments of the fluctuations about a common level suffer no cancellation on bright images.
    level = truth.mean()
    x, y = pred - level, truth - level
    mean_x, mean_y, xx_yy, xy = (
        gaussian_filter(image, _SIGMA, truncate=_TRUNCATE) for image in (x, y, x * x + y * y, x * y)
    )
    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    contrast = (2 * (xy - mean_x * mean_y) + c2) / (xx_yy - mean_x**2 - mean_y**2 + c2)
    mean_x, mean_y = mean_x + level, mean_y + level
    return (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1), contrast


def _halve(image: np.ndarray) -> np.ndarray:
    """Average 2 x 2 blocks; an odd side is first extended by repeating its last line, as TensorFlow does."""
    rows, cols = image.shape
    even = np.pad(image, ((0, rows % 2), (0, cols % 2)), mode="symmetric")
    halved: np.ndarray = even.reshape((rows + 1) // 2, 2, (cols + 1) // 2, 2).mean(axis=(1, 3))
    return halved


def scale_count(shape: tuple[int, ...]) -> int:
    """Return how many of the five scales keep an 11 px window inside the image: 5 from 161 px, 4 from 81 px, ..."""
    side, scales = min(shape), 1
    while scales < len(_WEIGHTS) and (side + 1) // 2 >= 2 * _RADIUS + 1:
        side, scales = (side + 1) // 2, scales + 1
    return scales


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

    Wang, Simoncelli, Bovik 2003 (doi:10.1109/ACSSC.2003.1292216): contrast-structure at every scale but the last, full
    similarity at the last, 2 x 2 averaging in between, product of powers. A scale whose mean is negative counts as 0,
    so the product is 0: a result of exactly 0 means "negative somewhere", not a measured zero (``tf.image`` does so).

    Parameters
    ----------
    pred, truth : (H, W) float
        Images. A shorter side under 161 px takes fewer scales, with the weights divided by their sum.
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
    if sigma > 0:
        pred, truth = gaussian_filter(pred, sigma), gaussian_filter(truth, sigma)
    scales = scale_count(mask.shape)
    powers = np.array(_WEIGHTS[:scales]) / sum(_WEIGHTS[:scales])
    cover, score = mask.astype(np.float64), 1.0
    for scale, power in enumerate(powers):
        if scale:
            pred, truth, cover = _halve(pred), _halve(truth), _halve(cover)
        luminance, contrast = _components(pred, truth, data_range)
        values = luminance * contrast if scale == scales - 1 else contrast
        mean = np.average(values, weights=cover * _weights(cover > 0, boundary))
        score *= max(float(mean), 0.0) ** power
    return MultiScale(float(score), scales)
