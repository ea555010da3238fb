"""Another number of detector pixels: fields and frames cut or padded around their centre.

The far field of n pixels of pitch p at the distance z has, at the wavelength l, object pixels of
``l z / (n p)``: fewer detector pixels make larger object pixels, and a window of n of them always
covers ``l z / p``. So a probe keeps its place and size, and positions in pixels scale with n.
"""

import numpy as np

# Planck's constant times the speed of light, electronvolt metres (CODATA 2018, exact).
_HC_EV_M = 1.239841984e-6


def centred_square(
    images: np.ndarray, centre: tuple[int, int], n: int, fill: complex | bool = 0
) -> np.ndarray:
    """Return images cropped or padded to n x n, with one of their pixels in the centre.

    Parameters
    ----------
    images : (..., h, w) array
    centre : (int, int)
        Pixel (row, col) that goes to ``[n // 2, n // 2]``.
    n : int
    fill : number
        Value of what lies outside of the images.

    Returns
    -------
    (..., n, n) array
        A copy, of the type of the images.
    """
    rows, cols = (
        shared_pixels(side, middle, n)
        for side, middle in zip(images.shape[-2:], centre, strict=True)
    )
    square = np.full((*images.shape[:-2], n, n), fill, dtype=images.dtype)
    square[..., rows[1], cols[1]] = images[..., rows[0], cols[0]]
    return square


def shared_pixels(side: int, centre: int, n: int) -> tuple[slice, slice]:
    """Return which pixels of a side are kept of n around a centre, and where they go there."""
    first = centre - n // 2
    low = min(max(first, 0), side)
    high = max(min(first + n, side), low)
    return slice(low, high), slice(low - first, high - first)


def resampled(field: np.ndarray, n: int) -> np.ndarray:
    """Return a wave on the object pixels of n x n detector pixels: its spectrum cut or padded.

    The light of the frequencies that are kept is kept: with an orthonormal transform, as here, the
    sum of ``|P|^2`` is that of the far field's pixels.

    Parameters
    ----------
    field : (..., h, w) complex
        Wave about pixel ``(h // 2, w // 2)``.
    n : int

    Returns
    -------
    (..., n, n) complex128
        The same about pixel ``(n // 2, n // 2)``: element j from there is the band-limited wave at
        ``j h / n`` of its old pixels.
    """
    axes = (-2, -1)
    h, w = field.shape[-2:]
    about_zero = np.fft.ifftshift(field.astype(np.complex128), axes=axes)
    spectrum = np.fft.fftshift(np.fft.fft2(about_zero, norm="ortho"), axes=axes)
    cut = centred_square(spectrum, (h // 2, w // 2), n)
    wave = np.fft.ifft2(np.fft.ifftshift(cut, axes=axes), norm="ortho")
    return np.asarray(np.fft.fftshift(wave, axes=axes))


def detector_side(
    photon_energy_ev: float, distance_m: float, detector_pixel_m: float, pixel_size_m: float
) -> float:
    """Return the number of detector pixels a side that an object pixel belongs to.

    Parameters
    ----------
    photon_energy_ev, distance_m, detector_pixel_m : float
        Of the beam; from the sample to the detector; its pitch.
    pixel_size_m : float
        Object pixel.
    """
    wavelength_m = _HC_EV_M / photon_energy_ev
    return wavelength_m * distance_m / (detector_pixel_m * pixel_size_m)
