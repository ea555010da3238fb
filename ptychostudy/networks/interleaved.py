"""Complex images with real and imaginary parts interleaved, for sweeps of few, large operations.

An image is ``(groups, rows, 2, cols)``: the real part of each row, then its imaginary part. A
product with one real matrix then serves both parts, whichever axis it acts on, and nothing is taken
apart in between.
"""

from typing import NamedTuple

import numpy as np
from keras import ops

from ptychostudy.networks.tensors import Pair, Tensor


def interleave(pair: Pair) -> Tensor:
    """Return the image (B, rows, 2, cols) of a complex pair of (B, rows, cols)."""
    return ops.stack(pair, axis=2)


def separate(image: Tensor) -> Pair:
    """Return real and imaginary part, two (B, rows, cols), of an image."""
    return image[:, :, 0], image[:, :, 1]


def power(image: Tensor) -> Tensor:
    """Return ``|a|^2``, (B, rows, cols), of an image."""
    return ops.sum(ops.square(image), axis=2)


def fourier_matrix(n: int, support: int) -> np.ndarray:
    """Return the unitary Fourier transform of vectors that vanish outside their centre.

    A vector stands as its real part, then its imaginary part, in one row; ``row @ matrix`` is its
    transform, zero frequency first, and ``row @ matrix.T`` the centre of the inverse transform.

    Parameters
    ----------
    n : int
        Length of the vectors.
    support : int
        Length of their centre; n - support is even.

    Returns
    -------
    (2 support, 2 n) float64
    """
    place = (n - support) // 2 + np.arange(support)
    # Whole turns are taken out before the sine: the angles stay exact.
    turns = np.outer(place, np.arange(n)) % n / n
    kernel = np.exp(-2j * np.pi * turns) / np.sqrt(n)
    return np.block([[kernel.real, kernel.imag], [-kernel.imag, kernel.real]])


def transform(image: Tensor, matrix: Tensor) -> Tensor:
    """Multiply both axes of an image with a matrix from `fourier_matrix`, or its transpose.

    The axes change places, so that the result of a transform forth and one back lies as it lay.

    Parameters
    ----------
    image : (B, rows, 2, cols)
        Square.
    matrix : (2 cols, 2 m)

    Returns
    -------
    (B, m, 2, m)
        First axis: what became of the columns.
    """
    along_rows = _along_last(image, matrix)
    return _along_last(ops.transpose(along_rows, (0, 3, 2, 1)), matrix)


def _along_last(image: Tensor, matrix: Tensor) -> Tensor:
    """Multiply the last axis of an image (B, rows, 2, cols) with a matrix (2 cols, 2 m)."""
    groups, rows, _, cols = ops.shape(image)
    # All rows of all groups in one product: many small ones leave a processor idle.
    flat = ops.matmul(ops.reshape(image, (groups * rows, 2 * cols)), matrix)
    return ops.reshape(flat, (groups, rows, 2, matrix.shape[-1] // 2))


class Factor(NamedTuple):
    """A complex image as `multiply` and `multiply_conjugate` take it.

    Attributes
    ----------
    real : (B, rows, 1, cols)
    turned : (B, rows, 2, cols)
        Its imaginary part, negative and positive.
    """

    real: Tensor
    turned: Tensor


def factor(pair: Pair) -> Factor:
    """Return a complex pair of (B, rows, cols) as a factor."""
    real, imaginary = pair
    return Factor(real[:, :, None], ops.stack((-imaginary, imaginary), axis=2))


def multiply(image: Tensor, by: Factor) -> Tensor:
    """Multiply an image with a factor of the same size."""
    return image * by.real + ops.flip(image, axis=2) * by.turned


def multiply_conjugate(image: Tensor, by: Factor) -> Tensor:
    """Multiply an image with the conjugate of a factor of the same size."""
    return image * by.real - ops.flip(image, axis=2) * by.turned


def both_sides(left: Tensor, image: Tensor, right: Tensor) -> Tensor:
    """Multiply each group's image with matrices of its own, ``left @ image @ right``.

    Parameters
    ----------
    left : (B, r, rows)
    image : (B, rows, 2, cols)
    right : (B, cols, c)

    Returns
    -------
    (B, r, 2, c)
    """
    groups, rows, _, cols = ops.shape(image)
    tall = ops.matmul(left, ops.reshape(image, (groups, rows, 2 * cols)))
    high = left.shape[-2]
    wide = ops.matmul(ops.reshape(tall, (groups, high * 2, cols)), right)
    return ops.reshape(wide, (groups, high, 2, right.shape[-1]))
