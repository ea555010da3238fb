"""Objects: complex transmissions with exactly known spans of amplitude and phase.

Amplitude and phase show the same structures with different contrast, so neither can be had from
the other. A linear trend is taken out of the phase, because far-field data cannot tell it from a
shift of the detector.
"""

import numpy as np
import skimage
from numpy.typing import NDArray

from ptychostudy.physics import patterns
from ptychostudy.physics.plane import without_plane

_Field = NDArray[np.float64]
_KINDS = {
    "lines": patterns.lines,
    "siemens": patterns.siemens,
    "grf": patterns.grf,
    "circuit": patterns.circuit,
}


def make_object(
    kind: str,
    shape: tuple[int, int],
    rng: np.random.Generator,
    *,
    amplitude: tuple[float, float] = (0.4, 1.0),
    phase_rad: float = 1.6,
    feature_px: float = 6.0,
) -> np.ndarray:
    """Make an object.

    Parameters
    ----------
    kind : {'lines', 'siemens', 'grf', 'circuit'}
        ``lines``: crossing lines of all directions, widths and strengths. ``siemens``: spoke stars
        of several sizes over a smooth background. ``grf``: Gaussian random fields with a power-law
        spectrum, amplitude and phase correlated by one half. ``circuit``: layers of traces,
        gratings, pads and vias over a smooth background.
    shape : (int, int)
        Rows and columns.
    rng : numpy.random.Generator
        Source of every random number.
    amplitude : (float, float)
        Smallest and largest amplitude, both attained.
    phase_rad : float
        Largest minus smallest phase, in [0, 2 pi); the phase attains ``-phase_rad / 2`` and
        ``phase_rad / 2``.
    feature_px : float
        Typical feature width; the finest are about half as wide, the largest several times wider.

    Returns
    -------
    (H, W) complex128
        Transmission.

    Raises
    ------
    ValueError
        If the kind is unknown or a value is out of range.
    """
    _check_size(kind, shape, feature_px)
    whole = (int(shape[0]), int(shape[1]))
    opacity, delay = _KINDS[kind](whole, float(feature_px), rng)
    flat = without_plane(delay, np.ones(delay.shape, dtype=bool))
    # What absorbs is dark; the smallest opacity gets the largest amplitude.
    return _transmission(-opacity, flat, amplitude, phase_rad)


def _check_size(kind: str, shape: tuple[int, int], feature_px: float) -> None:
    if kind not in _KINDS:
        raise ValueError(f"object kind must be one of {sorted(_KINDS)}, found {kind!r}")
    # The finest features are half as wide, and a line below one pixel is none.
    if not feature_px >= 2:
        raise ValueError(f"feature_px must be at least 2, found {feature_px}")
    if min(shape) < 4 * feature_px:
        raise ValueError(
            f"an object of shape {tuple(shape)} is smaller than four features of {feature_px:g} px"
        )


def image_object(
    amplitude_image: np.ndarray,
    phase_image: np.ndarray,
    shape: tuple[int, int],
    *,
    amplitude: tuple[float, float] = (0.4, 1.0),
    phase_rad: float = 1.6,
) -> np.ndarray:
    """Make an object of two pictures: bright is transparent, bright is positive phase.

    Parameters
    ----------
    amplitude_image, phase_image : (h, w) or (h, w, 3) or (h, w, 4) array
        Pictures of any size and scale; colours become luminance.
    shape : (int, int)
        Rows and columns of the object; pictures are resized to it with anti-aliasing, whatever
        their aspect.
    amplitude, phase_rad
        As in `make_object`.

    Returns
    -------
    (H, W) complex128
        Transmission.

    Raises
    ------
    ValueError
        If a picture has another number of axes, is not finite or has one grey level only.
    """
    bright = _grey(amplitude_image, shape, "amplitude_image")
    delay = _grey(phase_image, shape, "phase_image")
    return _transmission(bright, delay, amplitude, phase_rad)


def _grey(image: np.ndarray, shape: tuple[int, int], name: str) -> _Field:
    """Return a picture's luminance at the size of the object."""
    image = np.asarray(image)
    if _is_coloured(image):
        image = skimage.color.rgb2gray(image[..., :3])
    _check_grey(image, name)
    resized: _Field = skimage.transform.resize(
        image.astype(np.float64), shape, order=1, anti_aliasing=True
    )
    return resized


def _check_grey(image: np.ndarray, name: str) -> None:
    if image.ndim != 2:
        raise ValueError(
            f"{name} must be (h, w), (h, w, 3) or (h, w, 4), found shape {image.shape}"
        )
    if not np.all(np.isfinite(image)):
        raise ValueError(f"{name} holds values that are not finite")


def _is_coloured(image: np.ndarray) -> bool:
    return image.ndim == 3 and image.shape[-1] in (3, 4)


def _transmission(
    bright: _Field, delay: _Field, amplitude: tuple[float, float], phase_rad: float
) -> NDArray[np.complex128]:
    _check_spans(amplitude, phase_rad)
    low, high = amplitude
    phase = _stretch(delay, -phase_rad / 2, phase_rad / 2, "phase")
    modulus = _stretch(bright, low, high, "amplitude")
    transmission: NDArray[np.complex128] = modulus * np.exp(1j * phase)
    return transmission


def _check_spans(amplitude: tuple[float, float], phase_rad: float) -> None:
    low, high = amplitude
    if not 0 <= low <= high < np.inf:
        raise ValueError(f"amplitude must be (low, high) with 0 <= low <= high, found {amplitude}")
    # A phase of a whole turn or more would wrap, and its span would not be known any more.
    if not 0 <= phase_rad < 2 * np.pi:
        raise ValueError(f"phase_rad must be in [0, 2 pi), found {phase_rad}")


def _stretch(field: _Field, low: float, high: float, name: str) -> _Field:
    """Map a field's minimum to low and its maximum to high."""
    # Where no contrast is asked for, none is needed: a picture of one grey level will do.
    if low == high:
        return np.full(field.shape, float(low))
    span = np.ptp(field)
    if span == 0:
        raise ValueError(
            f"the {name} picture has one grey level only and cannot span [{low:g}, {high:g}]"
        )
    stretched: _Field = low + (high - low) * ((field - field.min()) / span)
    return stretched
