"""Losses, one value for each sample: Poisson likelihood, amplitude error, weighted patch error.

Everything is in network units, where amplitudes are multiplied by f, ``f^2 = (N / 2)^2 / mean(sum amplitude^2)``.
Mean intensity is then 1/4 whatever the dose, so multiplying the data by c changes no loss and no gradient.
"""

import numpy as np
from keras import ops

MEAN_INTENSITY = 0.25
"""Mean intensity of a detector pixel in network units, ``(N / 2)^2 / N^2``."""

EPSILON = 1e-4
"""Floor of the rate in units of the mean intensity; a tenth of a photon per frame at 1e3 photons."""


def poisson(mask=None):
    """Build the Poisson likelihood ``mean(rate - y log(rate + eps)) / mean intensity``.

    Rate and y = amplitude^2 are in units of the mean intensity, so the value is that of counts divided by the mean
    count, up to the constant ``log(mean count)``, which the entropy floor shares.

    Parameters
    ----------
    mask : (N, N) array, optional
        Detector weights; 0 takes a pixel out.

    Returns
    -------
    callable
        ``loss(amplitude, intensity) -> (B,)`` for two stacks (B, C, N, N).
    """
    weight = _weights(mask)

    def loss(amplitude, intensity):
        rate, seen = intensity / MEAN_INTENSITY, ops.square(amplitude) / MEAN_INTENSITY
        return _masked_mean(rate - seen * ops.log(rate + EPSILON), weight)

    return loss


def entropy_floor(amplitude, mask=None):
    """Value of `poisson` at ``intensity = amplitude^2``, (B,), below which no model can go (NumPy, float64)."""
    seen = np.square(np.asarray(amplitude, dtype=np.float64)) / MEAN_INTENSITY
    weight = np.ones(seen.shape[-2:]) if mask is None else np.asarray(mask, dtype=np.float64)
    value = seen - seen * np.log(seen + EPSILON)
    return np.mean(value * weight, axis=(1, 2, 3)) / np.mean(weight)


def amplitude_error(mask=None):
    """Build the mean absolute error of amplitudes, ``loss(amplitude, intensity) -> (B,)``."""
    weight = _weights(mask)

    def loss(amplitude, intensity):
        return _masked_mean(
            ops.abs(ops.sqrt(intensity + EPSILON * MEAN_INTENSITY) - amplitude), weight
        )

    return loss


def patch_error(support):
    """Build the supervised loss: absolute errors of amplitude and phase, weighted by the illumination.

    Parameters
    ----------
    support : (N, N) array
        Non-negative weight of each patch pixel, e.g. ``|P|^2``: what the light never met cannot be learned.

    Returns
    -------
    callable
        ``loss(truth, prediction) -> (B,)`` for two stacks (B, N, N, 2) of amplitude and phase in rad; a third channel
        of the truth says where it is known, and counts nothing elsewhere.
    """
    weight = _weights(support)

    def loss(truth, prediction):
        if truth.shape[-1] == 2:
            error = ops.abs(prediction - truth)
            return ops.sum(error * weight[..., None], axis=(1, 2, 3)) / ops.sum(weight)
        known = truth[..., 2] * weight
        error = ops.abs(prediction - truth[..., :2])
        return ops.sum(error * known[..., None], axis=(1, 2, 3)) / (
            ops.sum(known, axis=(1, 2)) + 1e-6 * ops.sum(weight)
        )

    return loss


def _weights(mask):
    """Give a mask as a float32 tensor, or a scalar one."""
    return ops.convert_to_tensor(
        np.ones((1, 1), "float32") if mask is None else np.asarray(mask, "float32")
    )


def _masked_mean(values, weight):
    """Weighted mean of each sample (B, C, N, N) -> (B,)."""
    return ops.mean(values * weight, axis=(1, 2, 3)) / ops.mean(weight)
