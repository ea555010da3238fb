"""Losses, one value for each sample: Poisson likelihood, amplitude error, weighted patch error.

Everything is in network units, where amplitudes are multiplied by f,
``f^2 = (N / 2)^2 / mean(sum amplitude^2)``. Mean intensity is then 1/4 whatever the dose, so
multiplying the data by c changes no loss and no gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from keras import ops

from ptychostudy.networks.tensors import Tensor

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]

MEAN_INTENSITY = 0.25
"""Mean intensity of a detector pixel in network units, ``(N / 2)^2 / N^2``."""

EPSILON = 1e-4
"""Floor of the rate in units of the mean intensity; at 1e3 photons, 0.1 photons per frame."""


def poisson(mask: np.ndarray | None = None) -> Loss:
    """Build the Poisson likelihood ``mean(rate - y log(rate + eps)) / mean intensity``.

    Rate and y = amplitude^2 are in units of the mean intensity, so the value is that of counts
    divided by the mean count, up to the constant ``log(mean count)``, which the entropy floor
    shares.

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

    def loss(amplitude: Tensor, intensity: Tensor) -> Tensor:
        rate = intensity / MEAN_INTENSITY
        seen = ops.square(amplitude) / MEAN_INTENSITY
        # The floor keeps the logarithm finite where the model is dark; it is far below one photon.
        return _masked_mean(rate - seen * ops.log(rate + EPSILON), weight)

    return loss


def entropy_floor(amplitude: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Value of `poisson` at ``intensity = amplitude^2``, below which no model can go.

    Parameters
    ----------
    amplitude : (B, C, N, N)
        Measured, in network units.
    mask : (N, N) array, optional
        As of `poisson`.

    Returns
    -------
    (B,) float64
    """
    # NumPy in double precision: what is compared with the floor differs from it by very little.
    seen = np.square(np.asarray(amplitude, dtype=np.float64)) / MEAN_INTENSITY
    weight = np.ones(seen.shape[-2:]) if mask is None else np.asarray(mask, dtype=np.float64)
    value = seen - seen * np.log(seen + EPSILON)
    floor: np.ndarray = np.mean(value * weight, axis=(1, 2, 3)) / np.mean(weight)
    return floor


def amplitude_error(mask: np.ndarray | None = None) -> Loss:
    """Build the mean absolute error of amplitudes, ``loss(amplitude, intensity) -> (B,)``."""
    weight = _weights(mask)

    def loss(amplitude: Tensor, intensity: Tensor) -> Tensor:
        # The slope of the root is infinite at zero, so a dark pixel would break the gradient.
        modelled = ops.sqrt(intensity + EPSILON * MEAN_INTENSITY)
        return _masked_mean(ops.abs(modelled - amplitude), weight)

    return loss


def patch_error(support: np.ndarray) -> Loss:
    """Build the supervised loss: absolute errors of amplitude and phase, weighted by illumination.

    Parameters
    ----------
    support : (N, N) array
        Non-negative weight of each patch pixel, e.g. ``|P|^2``: what the light never met cannot be
        learned.

    Returns
    -------
    callable
        ``loss(truth, prediction) -> (B,)`` for two stacks (B, N, N, 2) of amplitude and phase in
        rad; a third channel of the truth says where it is known, and counts nothing elsewhere.
    """
    weight = _weights(support)

    def loss(truth: Tensor, prediction: Tensor) -> Tensor:
        if truth.shape[-1] == 2:
            error = ops.abs(prediction - truth)
            return ops.sum(error * weight[..., None], axis=(1, 2, 3)) / ops.sum(weight)
        return _known_error(truth, prediction, weight)

    return loss


def _known_error(truth: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
    """Weighted error (B,) of patches whose truth (B, N, N, 3) is known in places only."""
    known = truth[..., 2] * weight
    error = ops.abs(prediction - truth[..., :2])
    # The small share keeps a patch of which nothing is known at zero instead of 0/0.
    total = ops.sum(error * known[..., None], axis=(1, 2, 3))
    return total / (ops.sum(known, axis=(1, 2)) + 1e-6 * ops.sum(weight))


@dataclass(frozen=True)
class Criterion:
    """A loss, and the value below which no model can bring it.

    Attributes
    ----------
    loss : callable
        ``loss(target, output) -> (B,)``.
    floor : callable
        ``floor(target) -> (B,)``.
    """

    loss: Loss
    floor: Callable[[np.ndarray], np.ndarray]


def likelihood_criterion(name: str, mask: np.ndarray | None) -> Criterion:
    """Return the criterion of a PINN.

    Parameters
    ----------
    name : {"poisson", "mae"}
        Data term.
    mask : (N, N) array, optional
        Detector weights.

    Raises
    ------
    ValueError
        If there is no loss of that name.
    """
    if name not in DATA_TERMS:
        raise ValueError(f"loss must be one of {sorted(DATA_TERMS)}, found {name!r}")
    return Criterion(DATA_TERMS[name](mask), partial(entropy_floor, mask=mask))


def patch_criterion(support: np.ndarray) -> Criterion:
    """Return the criterion of a supervised network, see `patch_error`; its floor is zero."""
    return Criterion(patch_error(support), _zeros)


def _zeros(target: np.ndarray) -> np.ndarray:
    """Floor of an absolute error (B,): a network may learn its labels exactly."""
    return np.zeros(len(target))


def _weights(mask: np.ndarray | None) -> Tensor:
    """Give a mask as a float32 tensor, or a scalar one."""
    values = np.ones((1, 1), "float32") if mask is None else np.asarray(mask, "float32")
    return ops.convert_to_tensor(values)


def _masked_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean of each sample (B, C, N, N) -> (B,)."""
    return ops.mean(values * weight, axis=(1, 2, 3)) / ops.mean(weight)


DATA_TERMS = {"poisson": poisson, "mae": amplitude_error}
