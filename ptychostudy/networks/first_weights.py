"""First weights of convolutions, the same on every backend."""

import math

import numpy as np
import scipy

CUT = 2.0
"""Deviations at which the distribution of first weights ends."""
LEFT_BY_CUT = 0.87962566103423978
"""Deviation of a standard normal distribution that is cut off there."""


def first_weights(seed: int, layer: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the first weights (3, 3, inputs, filters) float32 of a named layer.

    Drawn by NumPy: the initialisers of each backend of Keras draw other numbers of a seed.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, *layer.encode()]))
    return he_normal(shape, rng)


def he_normal(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw weights of a normal distribution that is cut off at two deviations, float32.

    Their deviation is the root of 2 / inputs, as a ReLU needs it (He et al., ICCV 2015, 1026).

    Parameters
    ----------
    shape : tuple of int
        Of the kernel of a convolution; its last axis are the filters.
    rng : numpy.random.Generator
    """
    inputs = math.prod(shape[:-1])
    below = scipy.special.ndtr(-CUT)
    # By the inverse of the distribution, of which nothing is drawn in vain.
    normal = scipy.special.ndtri(rng.uniform(below, 1.0 - below, size=shape))
    scale = math.sqrt(2.0 / inputs) / LEFT_BY_CUT
    return np.asarray(scale * normal, dtype=np.float32)
