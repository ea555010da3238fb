"""Objects: complex transmissions with exactly known spans of amplitude and phase.

Amplitude and phase show the same structures with different contrast, so neither can be had from the other. A linear
trend is taken out of the phase, because far-field data cannot tell it from a shift of the detector.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2gray
from skimage.transform import resize

from ptychostudy.physics.floorplan import draw_circuit
from ptychostudy.physics.plane import without_plane

_Field = NDArray[np.float64]


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
        ``lines``: crossing lines of all directions, widths and strengths. ``siemens``: spoke stars of several sizes
        over a smooth background. ``grf``: Gaussian random fields with a power-law spectrum, amplitude and phase
        correlated by one half. ``circuit``: layers of traces, gratings, pads and vias over a smooth background.
    shape : (int, int)
        Rows and columns.
    rng : numpy.random.Generator
        Source of every random number.
    amplitude : (float, float)
        Smallest and largest amplitude, both attained.
    phase_rad : float
        Largest minus smallest phase, in [0, 2 pi); the phase attains ``-phase_rad / 2`` and ``phase_rad / 2``.
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
    if kind not in _KINDS:
        raise ValueError(f"object kind must be one of {sorted(_KINDS)}, found {kind!r}")
    if not feature_px >= 2:
        raise ValueError(f"feature_px must be at least 2, found {feature_px}")
    if min(shape) < 4 * feature_px:
        raise ValueError(
            f"an object of shape {tuple(shape)} is smaller than four features of {feature_px:g} px"
        )
    opacity, delay = _KINDS[kind]((int(shape[0]), int(shape[1])), float(feature_px), rng)
    return _transmission(
        -opacity, without_plane(delay, np.ones(delay.shape, dtype=bool)), amplitude, phase_rad
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
        Rows and columns of the object; pictures are resized to it with anti-aliasing, whatever their aspect.
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
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] in (3, 4):
        image = rgb2gray(image[..., :3])
    if image.ndim != 2:
        raise ValueError(
            f"{name} must be (h, w), (h, w, 3) or (h, w, 4), found shape {image.shape}"
        )
    if not np.all(np.isfinite(image)):
        raise ValueError(f"{name} holds values that are not finite")
    resized: _Field = resize(image.astype(np.float64), shape, order=1, anti_aliasing=True)
    return resized


def _transmission(
    bright: _Field, delay: _Field, amplitude: tuple[float, float], phase_rad: float
) -> NDArray[np.complex128]:
    low, high = amplitude
    if not 0 <= low <= high < np.inf:
        raise ValueError(f"amplitude must be (low, high) with 0 <= low <= high, found {amplitude}")
    if not 0 <= phase_rad < 2 * np.pi:
        raise ValueError(f"phase_rad must be in [0, 2 pi), found {phase_rad}")
    phase = _stretch(delay, -phase_rad / 2, phase_rad / 2, "phase")
    transmission: NDArray[np.complex128] = _stretch(bright, low, high, "amplitude") * np.exp(
        1j * phase
    )
    return transmission


def _stretch(field: _Field, low: float, high: float, name: str) -> _Field:
    """Map a field's minimum to low and its maximum to high."""
    if low == high:
        return np.full(field.shape, float(low))
    span = np.ptp(field)
    if span == 0:
        raise ValueError(
            f"the {name} picture has one grey level only and cannot span [{low:g}, {high:g}]"
        )
    stretched: _Field = low + (high - low) * ((field - field.min()) / span)
    return stretched


def _random_field(
    shape: tuple[int, int],
    rng: np.random.Generator,
    *,
    longest_px: float,
    shortest_px: float,
    power: float,
) -> _Field:
    """Gaussian random field: spectrum ``q^-power`` between two lengths, unit variance, not periodic in the frame."""
    padded = [2 * size for size in shape]
    q = np.hypot(np.fft.fftfreq(padded[0])[:, None], np.fft.fftfreq(padded[1])[None, :])
    gain = (q**2 + longest_px**-2.0) ** (-power / 4) * np.exp(-((q * shortest_px) ** 2))
    noise = np.fft.fft2(rng.standard_normal(padded))
    field = np.fft.ifft2(noise * gain).real[: shape[0], : shape[1]]
    standard: _Field = (field - field.mean()) / field.std()
    return standard


def _smooth(shape: tuple[int, int], feature: float, rng: np.random.Generator) -> _Field:
    return _random_field(shape, rng, longest_px=12 * feature, shortest_px=3 * feature, power=3.0)


def _draw_grf(
    shape: tuple[int, int], feature: float, rng: np.random.Generator
) -> tuple[_Field, _Field]:
    first, second = (
        _random_field(shape, rng, longest_px=10 * feature, shortest_px=feature / 3, power=3.0)
        for _ in range(2)
    )
    return first, 0.5 * first + np.sqrt(0.75) * second


def _draw_lines(
    shape: tuple[int, int], feature: float, rng: np.random.Generator
) -> tuple[_Field, _Field]:
    rows, cols = np.indices(shape)
    opacity, delay = np.zeros(shape), np.zeros(shape)
    # Lines cross the whole frame, so their number grows with its side for a constant density.
    for _ in range(max(8, round(np.hypot(*shape) / (1.5 * feature)))):
        angle, row, col = rng.uniform(0, np.pi), rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        width = feature * 2.0 ** rng.uniform(-1.0, 1.2)
        distance = np.abs((rows - row) * np.cos(angle) - (cols - col) * np.sin(angle))
        profile = np.clip((width / 2 - distance) / 1.5 + 0.5, 0, 1)
        opacity += rng.uniform(0.3, 1.0) * profile
        delay += rng.uniform(-0.4, 1.0) * profile
    return np.tanh(opacity / 2), np.tanh(delay / 2)


def _draw_siemens(
    shape: tuple[int, int], feature: float, rng: np.random.Generator
) -> tuple[_Field, _Field]:
    metal, resist = np.zeros(shape), np.zeros(shape)
    cell = 16 * feature
    rows, cols = (max(1, round(size / cell)) for size in shape)
    for row in (np.arange(rows) + 0.5) * shape[0] / rows:
        for col in (np.arange(cols) + 0.5) * shape[1] / cols:
            centre = np.array([row, col]) + rng.uniform(-0.12, 0.12, 2) * cell
            star, gaps = _star(shape, centre, 0.5 * cell * rng.uniform(0.8, 1.25), rng)
            metal, resist = np.maximum(metal, star), np.maximum(resist, gaps)
    opacity = metal + 0.12 * _smooth(shape, feature, rng)
    return opacity, 0.7 * metal - 0.6 * resist + 0.15 * _smooth(shape, feature, rng)


def _star(
    shape: tuple[int, int], centre: _Field, radius: float, rng: np.random.Generator
) -> tuple[_Field, _Field]:
    """Draw one spoke star with broken rings, and the plain rings between its spokes' steps."""
    rows, cols = np.indices(shape)
    dy, dx = rows - centre[0], cols - centre[1]
    r, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
    spokes = int(rng.integers(8, 19)) * 2
    wave = np.sin(spokes * angle + rng.uniform(0, 2 * np.pi))
    inside = np.clip(radius - r + 0.5, 0, 1)
    # Divided by its slope, the wave is a distance in pixels: edges stay one pixel soft at every radius.
    star = np.clip(wave * np.maximum(r, 1) / spokes + 0.5, 0, 1) * inside
    rings = np.clip(2 * np.abs(np.abs(r / radius - 0.62) - 0.19) * radius - 0.05 * radius, 0, 1)
    return star * rings, (1 - rings) * inside


def _draw_circuit(
    shape: tuple[int, int], feature: float, rng: np.random.Generator
) -> tuple[_Field, _Field]:
    blocks, buses, vias = (
        gaussian_filter(layer, 0.6) for layer in draw_circuit(shape, feature, rng)
    )
    # Every layer has its own ratio of delay to absorption, as different metals have.
    opacity = 0.7 * blocks + 0.3 * buses + 0.5 * vias + 0.08 * _smooth(shape, feature, rng)
    delay = 0.45 * blocks + 0.6 * buses - 0.45 * vias + 0.12 * _smooth(shape, feature, rng)
    return np.tanh(opacity), delay


_KINDS = {
    "lines": _draw_lines,
    "siemens": _draw_siemens,
    "grf": _draw_grf,
    "circuit": _draw_circuit,
}
