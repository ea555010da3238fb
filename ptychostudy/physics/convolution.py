"""Convolution of a large image with a small kernel, by Fourier transforms that a cache holds."""

from itertools import product

import numpy as np
import scipy

# Side of the largest convolution that is done in one; a larger one is put together from squares.
_SQUARE = 768


def convolved(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the whole convolution of two real images, at least their joint size.

    Up to 768 pixels it is to the bit that of ``scipy.signal.fftconvolve``, whose import takes half
    a second; beyond it is so to rounding.

    Parameters
    ----------
    image : (H, W) float
    kernel : (h, w) float
        With one of more than half of that the image is convolved in one, whatever its size.

    Returns
    -------
    (at least H + h - 1, at least W + w - 1) float64
    """
    joint = np.add(image.shape, kernel.shape) - 1
    if joint.max() <= _SQUARE or max(kernel.shape) > _SQUARE // 2:
        shape = [scipy.fft.next_fast_len(int(side), real=True) for side in joint]
        return _convolve(image, scipy.fft.rfftn(kernel, shape), shape)
    return _in_squares(image, kernel, joint)


def _convolve(image: np.ndarray, spectrum: np.ndarray, shape: list[int]) -> np.ndarray:
    """Return the cyclic convolution on a shape with a kernel of which the transform is given."""
    transformed = scipy.fft.rfftn(image, shape)
    # In place: in one piece a scan of a million frames takes 140 MB for each of these arrays.
    transformed *= spectrum
    convolved: np.ndarray = scipy.fft.irfftn(transformed, shape, overwrite_x=True)
    return convolved


def _in_squares(image: np.ndarray, kernel: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """Return a convolution by overlap-add (Stockham, Proc. AFIPS 28, 229 (1966)).

    A quarter of the time of one transform for the scan of a million frames, and half the memory.
    """
    total = np.zeros(joint)
    shape = [_SQUARE, _SQUARE]
    spectrum = scipy.fft.rfftn(kernel, shape)
    more = np.array(kernel.shape) - 1
    height, width = _SQUARE - more
    rows = range(0, image.shape[0], height)
    cols = range(0, image.shape[1], width)
    for row, col in product(rows, cols):
        part = image[row : row + height, col : col + width]
        end_row, end_col = part.shape + more
        place = total[row : row + end_row, col : col + end_col]
        place += _convolve(part, spectrum, shape)[:end_row, :end_col]
    return total
