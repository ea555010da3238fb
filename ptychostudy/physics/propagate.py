"""Forward model: exit waves, the far field, sub-pixel probes, and the adjoint of each.

A position is the centre of an N x N window in object pixels, corner origin, ``(row, col)``. Its
integer part picks the window, its fractional part shifts the probe (in Fourier space), so no
interpolation ever touches the object: ``psi = shift(P, fraction) * O[window]``. The modulus of the
far field is that of a probe that really sits there.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft

from ptychostudy.physics.modes import as_modes
from ptychostudy.physics.windows import extract, split_positions


def far_field(wave: np.ndarray) -> np.ndarray:
    """Propagate exit waves to the detector: unitary FFT, zero frequency in the centre.

    Parameters
    ----------
    wave : (..., N, N) complex
        Exit waves.

    Returns
    -------
    (..., N, N) complex
        Far field; ``sum |F|^2 = sum |wave|^2`` (Parseval, Goodman, Introduction to Fourier Optics,
        ch. 4).
    """
    # The wave itself is not shifted: that would only turn the phase of the far field, and what is
    # measured is its modulus.
    field = fft.fft2(wave, norm="ortho")
    return np.asarray(fft.fftshift(field, axes=(-2, -1)))


def far_field_adjoint(field: np.ndarray) -> np.ndarray:
    """Back-propagate a centred far field to the object; adjoint and inverse of `far_field`."""
    return np.fft.ifft2(np.fft.ifftshift(field, axes=(-2, -1)), norm="ortho")


def translate(image: np.ndarray, shift: ArrayLike) -> np.ndarray:
    """Move the content of images by ``+shift`` pixels in Fourier space (cyclic, band-limited).

    Parameters
    ----------
    image : (N, M) complex or real
        One image.
    shift : (..., 2) float
        Shift (rows, cols) in pixels; positive moves content to larger rows and columns.

    Returns
    -------
    (..., N, M) complex
        One translated copy for each shift. Whole pixels equal `numpy.roll` to rounding.
    """
    shift = np.asarray(shift, dtype=np.float64)
    rows, cols = np.shape(image)
    ramp_rows = _ramp(shift[..., :1], rows)
    ramp_cols = _ramp(shift[..., 1:], cols)
    # SciPy's transforms differ from NumPy's by rounding, and take three quarters of their time.
    spectrum = fft.fft2(image) * ramp_rows[..., :, None]
    spectrum *= ramp_cols[..., None, :]
    translated: np.ndarray = fft.ifft2(spectrum, overwrite_x=True)
    return translated


def _ramp(shift: np.ndarray, size: int) -> np.ndarray:
    """Return the (..., size) phase ramps of shifts (..., 1) along one axis.

    The shift theorem: minus in the exponent moves content to larger indices.
    """
    ramp: np.ndarray = np.exp(-2j * np.pi * shift * np.fft.fftfreq(size))
    return ramp


def exit_waves(object_: np.ndarray, probe: np.ndarray, positions: ArrayLike) -> np.ndarray:
    """Multiply the object's windows with the probe at each position.

    Parameters
    ----------
    object_ : (H, W) complex
        Transmission of the object.
    probe : (N, N) complex
        Probe in the window's centre.
    positions : (k, 2) float
        Window centres (row, col) in object pixels.

    Returns
    -------
    (k, N, N) complex128
        Exit waves.
    """
    n = probe.shape[-1]
    corners, fractions = split_positions(positions, n)
    # A probe dark at its window's border can be shifted cyclically: nothing wraps around.
    waves: np.ndarray = translate(probe, fractions) * extract(object_, corners, n)
    return waves


def intensities(object_: np.ndarray, probe: np.ndarray, positions: ArrayLike) -> np.ndarray:
    """Return noise-free far-field intensities, (k, N, N) float64, in the units of ``|probe|^2``.

    Those of the modes of a probe (m, N, N) are added: their light does not interfere.
    """
    first, *further = as_modes(probe)
    power: np.ndarray = _power(object_, first, positions)
    for mode in further:
        power += _power(object_, mode, positions)
    return power


def frame_sums(object_: np.ndarray, probe: np.ndarray, positions: ArrayLike) -> np.ndarray:
    """Return the sum of each frame of `intensities`, (k,), without propagating it.

    By Parseval's theorem it is that of the exit waves, of all modes of a probe (m, N, N).
    """
    modes = as_modes(probe)
    light = [_light(exit_waves(object_, mode, positions)) for mode in modes]
    return np.asarray(np.sum(light, axis=0))


def _light(waves: np.ndarray) -> np.ndarray:
    """Return the light of each wave (k, N, N), (k,)."""
    flat = waves.reshape(len(waves), -1)
    return np.asarray(np.vecdot(flat, flat).real)


def _power(object_: np.ndarray, mode: np.ndarray, positions: ArrayLike) -> np.ndarray:
    power: np.ndarray = np.abs(far_field(exit_waves(object_, mode, positions))) ** 2
    return power
