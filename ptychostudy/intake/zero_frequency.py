"""Where the zero frequency is on a detector of any shape: the mean frame against the probe's light.

A pixel beside the right one is a phase ramp of the object, which is a freedom of ptychography: what
must be right is which light is cut off.
"""

import math

import numpy as np
import scipy

from ptychostudy.intake.bad_pixels import full_count
from ptychostudy.intake.framing import Framing, at_pixel
from ptychostudy.io.mapped import FRAMES
from ptychostudy.physics.band import centred_square
from ptychostudy.physics.modes import as_modes

# Numbers of a block: what blocks add up to is added up then.
_AT_ONCE = 1 << 22
# Of the frames: a pixel that counts nothing in more of them is no pixel.
_MOST = 0.5
# A pixel so much brighter than those around it is hot, or nothing that a cut would miss.
_SHARPER = 10.0
# Smooths away the speckle of the probe, which the object moves about.
_SMOOTH_PX = 1.5
# Pixels from the middle or the corner: what is nearer is there, but for the slope of the object.
_NEAR_PX = 2
# A likeness better by so much says more than the middle of the frame does.
_BETTER = 0.02
# And by so much, with so small a part left of what is missing, that another probe is the right one.
_CLEARLY, _REST = 0.015, 0.4


def mean_light(
    stack: np.ndarray,
    squared: bool,
    full: float,
    background: float,
    *,
    bad: np.ndarray | None = None,
) -> np.ndarray:
    """Return the mean frame (h, w) float64 of numbers of a detector, 0 where they are no counts.

    Parameters
    ----------
    stack : (k, h, w) real
    squared : bool
        Whether they are amplitudes.
    full : float
        Saturated from this number on, if not by its type already.
    background : float
        Constant in all numbers.
    bad : (h, w) bool, optional
        Pixels that are not looked at.
    """
    full = min(full, full_count(stack, bad))
    total = np.zeros(stack.shape[1:])
    counted = np.zeros(stack.shape[1:])
    step = max(1, _AT_ONCE // max(1, total.size))
    for start in range(0, len(stack), step):
        block = np.zeros_like(total)
        end = min(start + step, len(stack))
        for first in range(start, end, FRAMES):
            numbers = stack[first : min(first + FRAMES, end)].astype(np.float64)
            good = np.isfinite(numbers) & (numbers >= 0) & (numbers < full)
            good = good if bad is None else good & ~bad
            light = _light(numbers, good, squared, background)
            # Frame by frame: a sum does not depend on how many of a block are in memory.
            block = np.concatenate([block[None], light]).sum(axis=0)
            counted += good.sum(axis=0)
        total += block
    mean = total / np.maximum(counted, 1)
    mean[counted < _MOST * len(stack)] = 0.0
    return calm(mean)


def _light(numbers: np.ndarray, good: np.ndarray, squared: bool, background: float) -> np.ndarray:
    """Return the light of frames (k, h, w) without a background, 0 where they are no counts."""
    light = np.where(good, numbers, 0.0)
    light = light**2 if squared else light
    return np.where(good, np.maximum(light - background, 0.0), 0.0)


def calm(mean: np.ndarray) -> np.ndarray:
    """Return a mean frame without pixels far brighter than those around them."""
    return np.asarray(
        np.minimum(mean, _SHARPER * scipy.ndimage.median_filter(mean, 3, mode="nearest") + 1)
    )


def far_light(modes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the far field of a probe (k, p, q), added over its modes, on a detector of a shape.

    Zero frequency at pixel ``(h // 2, w // 2)``.
    """
    # The probe's size is any, and its square can leave single precision.
    waves = as_modes(modes).astype(np.complex128) / np.abs(modes).max()
    far = np.abs(np.fft.fftshift(np.fft.fft2(waves), axes=(-2, -1))) ** 2
    return _fitted(far.sum(axis=0), shape)


def _fitted(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return an image cropped or padded about its middle to a shape."""
    largest = max(shape)
    rows, cols = image.shape
    square = centred_square(image, (rows // 2, cols // 2), largest)
    row, col = (largest // 2 - side // 2 for side in shape)
    return square[row : row + shape[0], col : col + shape[1]]


def likenesses(mean: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the cosine of two smoothed images as amplitudes for each place of the second.

    Element (r, c) is for the second rolled by (r, c) pixels.
    """
    a, b = (
        np.sqrt(scipy.ndimage.gaussian_filter(image, _SMOOTH_PX, mode="wrap"))
        for image in (mean, reference)
    )
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    if not length > 0:
        return np.zeros(mean.shape)
    products = np.fft.ifft2(np.fft.fft2(a) * np.conj(np.fft.fft2(b))).real
    return np.asarray(products / length)


def found_centre(mean: np.ndarray, reference: np.ndarray, n: int) -> Framing:
    """Return the framing around the zero frequency of a mean frame.

    Its middle or its corner where that is as good, and the place where it is most like the far
    field of the probe where that is better.

    Parameters
    ----------
    mean : (h, w) float
    reference : (h, w) float
        Far field of the probe, zero frequency in the middle.
    n : int
    """
    shape = (mean.shape[0], mean.shape[1])
    alike = likenesses(mean, reference)
    best = np.unravel_index(int(np.argmax(alike)), shape)
    if alike[best] < alike[0, 0] + _BETTER:
        return at_pixel((shape[0] // 2, shape[1] // 2), shape, n)
    row, col = (
        _snapped((int(shift) + side // 2) % side, side)
        for shift, side in zip(best, shape, strict=True)
    )
    return at_pixel((row, col), shape, n)


def _snapped(pixel: int, side: int) -> int:
    """Return the middle or pixel 0 for a pixel near to it."""
    if abs(pixel - side // 2) <= _NEAR_PX:
        return side // 2
    return 0 if min(pixel, side - pixel) <= _NEAR_PX else pixel


def is_cut_in_space(mean: np.ndarray, modes: np.ndarray) -> bool:
    """Say whether a probe fits a mean frame only if it lacks dark borders, not detector pixels.

    A probe of fewer pixels than the detector has either larger pixels, from the middle of the
    detector, or the same pixels in a smaller window (or the frames were binned since).

    Parameters
    ----------
    mean : (h, w) float
    modes : (k, p, q) complex
    """
    shape = (mean.shape[0], mean.shape[1])
    p, q = modes.shape[-2:]
    if p >= shape[0] or q >= shape[1]:
        return False
    side = math.ceil(max(shape) / 2) * 2
    padded = centred_square(as_modes(modes), (p // 2, q // 2), side)
    row, col = (side // 2 - each // 2 for each in shape)
    window = padded[:, row : row + shape[0], col : col + shape[1]]
    larger, smaller = (
        float(likenesses(mean, far_light(each, shape)).max()) for each in (modes, window)
    )
    return smaller > larger + _CLEARLY and 1 - smaller < _REST * (1 - larger)
