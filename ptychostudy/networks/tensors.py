"""Tensors of the backend, and complex fields as pairs of them: products, Fourier transforms.

Complex fields travel as ``(real, imaginary)`` pairs of float32 tensors, because that is the only
complex form that all backends' Fourier transforms share.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from keras import ops

# Keras declares no types, and which class a tensor has depends on its backend.
Tensor: TypeAlias = Any
Pair: TypeAlias = tuple[Tensor, Tensor]


def multiply(a: Pair, b: Pair) -> Pair:
    """Multiply two complex pairs."""
    real = a[0] * b[0] - a[1] * b[1]
    imaginary = a[0] * b[1] + a[1] * b[0]
    return real, imaginary


def squared_modulus(a: Pair) -> Tensor:
    """Return ``|a|^2`` of a complex pair."""
    return a[0] * a[0] + a[1] * a[1]


def transform(pair: Pair, kernel: Callable[[Pair], Pair], factor: float = 1.0) -> Pair:
    """Apply a 2-D transform to the last two axes of a pair of any rank, times a factor."""
    shape = ops.shape(pair[0])
    stack = (-1, shape[-2], shape[-1])
    real, imaginary = kernel((ops.reshape(pair[0], stack), ops.reshape(pair[1], stack)))
    return ops.reshape(real, shape) * factor, ops.reshape(imaginary, shape) * factor


def fourier(pair: Pair) -> Pair:
    """Unitary 2-D Fourier transform of a pair, zero frequency in the corner."""
    # Keras transforms forwards without a factor and backwards with 1 / (h w): the root of it
    # in each direction conserves energy, so sums over the detector are sums over the window.
    return transform(pair, ops.fft2, 1.0 / _root_of_size(pair[0]))


def _root_of_size(part: Tensor) -> np.float64:
    """Return the root of the number of pixels of an image."""
    h, w = part.shape[-2:]
    root: np.float64 = np.sqrt(w * h)
    return root
