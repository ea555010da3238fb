"""Forward model: exit waves, the far field, sub-pixel probes, and the adjoint of each.

A position is the centre of an N x N window in object pixels, corner origin, ``(row, col)``. Its
integer part picks the window, its fractional part shifts the probe (in Fourier space), so no
interpolation ever touches the object: ``psi = shift(P, fraction) * O[window]``. The modulus of the
far field is that of a probe that really sits there.
"""

import numpy as np
import scipy
from numpy.typing import ArrayLike

from ptychostudy.physics.modes import as_modes
from ptychostudy.physics.windows import check_inside, split_positions


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
    field = scipy.fft.fft2(wave, norm="ortho")
    return np.asarray(scipy.fft.fftshift(field, axes=(-2, -1)))


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
    # SciPy's transforms differ from NumPy's by rounding, and take three quarters of their time.
    spectra = shifted_spectrum(scipy.fft.fft2(image), np.asarray(shift, dtype=np.float64))
    return np.asarray(scipy.fft.ifft2(spectra, overwrite_x=True))


def shifted_spectrum(spectrum: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return the spectra of an image that is moved by shifts, given its own.

    Parameters
    ----------
    spectrum : (N, M) complex
        Of the image, as `scipy.fft.fft2` has it.
    shift : (..., 2) float
        Shift (rows, cols) in pixels.

    Returns
    -------
    (..., N, M) complex
    """
    rows, cols = ramps(shift, spectrum.shape)
    shifted: np.ndarray = spectrum * rows[..., :, None]
    shifted *= cols[..., None, :]
    return shifted


def ramps(shift: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the phase ramps (..., N) and (..., M) of shifts (..., 2) of spectra (N, M)."""
    rows, cols = shape
    return _ramp(shift[..., :1], rows), _ramp(shift[..., 1:], cols)


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
    check_inside(corners, n, object_.shape)
    # A probe dark at its window's border can be shifted cyclically: nothing wraps around.
    waves = translate(probe, fractions)
    pass_object(waves, object_, corners)
    return waves


def pass_object(waves: np.ndarray, object_: np.ndarray, corners: np.ndarray) -> None:
    """Multiply waves (k, N, M), in place, with an object's windows at corners (k, 2) inside it."""
    rows, cols = waves.shape[-2:]
    # One by one: to cut a stack of windows by indices takes as long as half a transform.
    for wave, (row, col) in zip(waves, corners.tolist(), strict=True):
        window = object_[row : row + rows, col : col + cols]
        # The object first: with fused operations the last bit of a product depends on the order.
        np.multiply(window, wave, out=wave)


def intensities(object_: np.ndarray, probe: np.ndarray, positions: ArrayLike) -> np.ndarray:
    """Return noise-free far-field intensities, (k, N, N) float64, in the units of ``|probe|^2``.

    Those of the modes of a probe (m, N, N) are added: their light does not interfere.
    """
    first, *further = as_modes(probe)
    power = detected(exit_waves(object_, first, positions))
    for mode in further:
        power += detected(exit_waves(object_, mode, positions))
    return power


def light(waves: np.ndarray) -> np.ndarray:
    """Return the light of each wave (k, N, N), (k,): by Parseval's theorem the sum of its frame."""
    flat = waves.reshape(len(waves), -1)
    return np.asarray(np.vecdot(flat, flat).real)


def detected(waves: np.ndarray) -> np.ndarray:
    """Return the intensities (k, N, N) of exit waves (k, N, N): those of `far_field`.

    The waves are lost.
    """
    far = scipy.fft.fft2(waves, norm="ortho", overwrite_x=True)
    # Of numbers side by side: of real and imaginary parts apart it takes twice as long.
    parts = far.view(far.real.dtype)
    np.square(parts, out=parts)
    power = np.empty(far.shape, far.real.dtype)
    # The zero frequency to the centre on the way.
    for to_rows, rows in _halves(far.shape[-2]):
        for to_cols, cols in _halves(far.shape[-1]):
            real, imag = far.real[:, rows, cols], far.imag[:, rows, cols]
            np.add(real, imag, out=power[:, to_rows, to_cols])
    return power


def centring(shape: tuple[int, int], n: int) -> np.ndarray:
    """Return factors on an object that put its far fields' zero frequency in the centre.

    By the shift theorem that is a ramp over each window. Here it is one over the object: between
    windows it differs by their phase, which no intensity sees.

    Parameters
    ----------
    shape : tuple of int
        Of the object.
    n : int
        Side of a window.

    Returns
    -------
    shape, int8 or complex128
        Plus and minus one where n is even.
    """
    rows, cols = (_centring(side, n) for side in shape)
    return np.asarray(np.multiply.outer(rows, cols))


def _centring(size: int, n: int) -> np.ndarray:
    pixels = np.arange(size)
    if n % 2 == 0:
        signs: np.ndarray = 1 - 2 * (pixels % 2)
        return signs.astype(np.int8)
    # A turn is whole after n pixels: taken off before, so that no digit is lost far out.
    ramp: np.ndarray = np.exp(2j * np.pi * (pixels * (n // 2) % n) / n)
    return ramp


def _halves(size: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return where each half of an axis goes in `numpy.fft.fftshift`, and where it is."""
    ahead = size // 2
    rest = size - ahead
    return (slice(ahead, None), slice(rest)), (slice(ahead), slice(rest, None))
