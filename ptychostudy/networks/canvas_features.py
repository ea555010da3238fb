"""What the network of a canvas is shown: what the likelihood says, in a phase of its own.

The frames do not know the global phase of an object, and the likelihood hardly knows its slow part:
a network that is to treat all places alike sees each in the phase of its surroundings.
"""

from dataclasses import dataclass

import numpy as np
import scipy

CHANNELS = 8
"""Features of a pixel, see `features_of`."""

SURROUNDINGS_PX = 6.0
"""Standard deviation of the Gaussian that is the surroundings of a pixel."""

REACH_PX = 24
"""How far they reach: the filter ends at four standard deviations."""

# Of the brightest pixel's light: what is lit less counts as if it had that much.
_DIM = 0.02
# Smallest modulus of the surroundings that has a phase.
_SMALL = 1e-3
# What light hardly reaches moves by less. A processor multiplies a hundred times as slowly what is
# too small for single precision; the root of the smallest number, times a weight, is not.
_NOTHING = float(np.sqrt(np.finfo(np.float32).tiny))
# Brings the logarithm of photons a pixel to the size of the other channels.
_LOG = 0.3


@dataclass(frozen=True)
class Features:
    """What a network sees of a canvas, and what its answer is a change of.

    Attributes
    ----------
    channels : (H, W, 8) float32
    turn : (H, W) complex64
        Unit phases of the surroundings.
    base : (H, W) complex64
        What is changed.
    """

    channels: np.ndarray
    turn: np.ndarray
    base: np.ndarray

    def changed(self, change: np.ndarray) -> np.ndarray:
        """Return the canvas (H, W) with a change (H, W, 2), real and imaginary part, made to it."""
        field: np.ndarray = self.base + (change[..., 0] + 1j * change[..., 1]) * self.turn
        return field

    def slope(self, gradient: np.ndarray) -> np.ndarray:
        """Return the slope (H, W, 2) float32 that a loss has along the change.

        Parameters
        ----------
        gradient : (H, W) complex
            Of the loss, with respect to the conjugate of the canvas.
        """
        turned = 2 * gradient * self.turn.conj()
        return np.stack([turned.real, turned.imag], axis=-1).astype(np.float32)


def features_of(
    freed: np.ndarray, smooth: np.ndarray, gradient: np.ndarray, light: np.ndarray
) -> Features:
    """Return the features of a canvas.

    Channels are pairs of real and imaginary parts, turned to the phase of the surroundings: the
    smooth estimate; by how much it moves where the likelihood alone leads it, times how well it is
    lit; the step that the likelihood asks of it. Then the modulus of the surroundings, and the
    logarithm of the photons on a pixel.

    Parameters
    ----------
    freed : (H, W) complex
        The smooth one, after a few iterations without its prior.
    smooth : (H, W) complex
        Object of the greatest likelihood with a smoothness prior.
    gradient : (H, W) complex
        Of the likelihood at `smooth`.
    light : (H, W) float
        Photons on each pixel.
    """
    around = _blurred(smooth)
    modulus = np.abs(around)
    turn = around / np.maximum(modulus, _SMALL)
    curvature = light + _DIM * light.max()
    lit = light / curvature
    channels: list[np.ndarray] = []
    for field in (smooth, (freed - smooth) * lit, -gradient / curvature):
        turned = field * turn.conj()
        channels += [turned.real, turned.imag]
    photons = np.log(np.maximum(light, _DIM * light.max()))
    stacked = np.stack([*channels, modulus, _LOG * photons], axis=-1).astype(np.float32)
    stacked[np.abs(stacked) < _NOTHING] = 0
    return Features(stacked, turn.astype(np.complex64), smooth.astype(np.complex64))


def _blurred(field: np.ndarray) -> np.ndarray:
    real = scipy.ndimage.gaussian_filter(field.real, SURROUNDINGS_PX, mode="nearest")
    imaginary = scipy.ndimage.gaussian_filter(field.imag, SURROUNDINGS_PX, mode="nearest")
    return np.asarray(real + 1j * imaginary)
