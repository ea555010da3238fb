"""Illuminations: complex N x N probes, centred on pixel ``N // 2``; the diameter of any probe; probes known badly."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import erfc

_EDGE_DENSITY = 1e-6
# Measured probes end in tails: a part in a thousand of the maximum on the window's border is common.
_WRONG_EDGE_DENSITY = 1e-3


def make_probe(
    kind: str,
    n: int,
    *,
    diameter_px: float,
    curvature_rad: float = 2 * np.pi,
    edge_px: float = 2.0,
    stop: float = 0.35,
    grain_px: float = 4.0,
    rng: np.random.Generator | None = None,
) -> NDArray[np.complex128]:
    """Make a probe.

    Parameters
    ----------
    kind : {'disc', 'zoneplate', 'speckle'}
        ``disc``: soft-edged disc with a quadratic (defocus) phase. ``zoneplate``: beam of a Fresnel zone plate with
        central stop, out of focus. ``speckle``: the disc behind a random diffuser.
    n : int
        Window side in pixels.
    diameter_px : float
        Diameter of the disc at half of its amplitude; for ``zoneplate``, whose light has no sharp end, the diameter
        of the disc that holds 99 % of the power (`probe_diameter_px`), to 5 %. So kinds compare at equal overlap.
    curvature_rad : float
        Phase of the spherical wave at the edge of the disc (or cone) relative to its centre.
    edge_px : float
        Width of the soft edge: the amplitude falls as ``erfc`` of the distance over this width.
    stop : float
        Diameter of the central stop over that of the zone plate, in [0, 1); only ``zoneplate``.
    grain_px : float
        Correlation length of the speckle; only ``speckle``.
    rng : numpy.random.Generator, optional
        Source of the diffuser; needed for ``speckle`` only.

    Returns
    -------
    (n, n) complex128
        Probe with ``sum |P|^2 = 1``.

    Raises
    ------
    ValueError
        If the kind is unknown, a value is out of range, the phase is too steep for the pixels, or the probe does not
        fit: ``|P|^2`` on the window's border must stay below 1e-6 of its maximum.
    """
    if kind not in ("disc", "zoneplate", "speckle"):
        raise ValueError(f"probe kind must be 'disc', 'zoneplate' or 'speckle', found {kind!r}")
    for name, value in (("diameter_px", diameter_px), ("edge_px", edge_px), ("grain_px", grain_px)):
        if not 0 < value < np.inf:
            raise ValueError(f"{name} must be positive, found {value}")
    if not 0 <= stop < 1:
        raise ValueError(f"stop must be in [0, 1), found {stop}")
    if kind == "zoneplate":
        cone = _zoneplate_cone(n, diameter_px, curvature_rad, edge_px, stop)
        return _finish(_zoneplate(n, cone, curvature_rad, edge_px, stop), kind, diameter_px)
    probe = _disc(n, diameter_px, curvature_rad, edge_px)
    if kind == "speckle":
        if rng is None:
            raise ValueError("a speckle probe needs rng, a numpy.random.Generator")
        probe = probe * _diffuser(n, grain_px, rng)
    return _finish(probe, kind, diameter_px)


def _radius(n: int) -> NDArray[np.float64]:
    axis = np.arange(n) - n // 2
    return np.hypot(axis[:, None], axis[None, :])


def _slope(diameter_px: float, curvature_rad: float) -> float:
    """Spatial frequency (cycles / px) of the spherical wave at the edge of the disc."""
    slope = 2 * abs(curvature_rad) / (np.pi * diameter_px)
    if slope > 0.5:
        limit = np.pi * diameter_px / 4
        raise ValueError(
            f"curvature_rad {curvature_rad:g} over diameter_px {diameter_px:g} exceeds the Nyquist frequency of the "
            f"pixels; at most {limit:g} rad fit"
        )
    return slope


def _disc(
    n: int, diameter_px: float, curvature_rad: float, edge_px: float
) -> NDArray[np.complex128]:
    _slope(diameter_px, curvature_rad)
    r = _radius(n)
    radius = diameter_px / 2
    wave: NDArray[np.complex128] = (
        0.5 * erfc((r - radius) / edge_px) * np.exp(1j * curvature_rad * (r / radius) ** 2)
    )
    return wave


def _zoneplate_cone(
    n: int, diameter_px: float, curvature_rad: float, edge_px: float, stop: float
) -> float:
    """Return the diameter of the geometric light cone for which 99 % of the power fall on ``diameter_px``.

    At a given curvature the beam only scales with its cone, so a few proportional corrections suffice.
    """
    cone = diameter_px
    for _ in range(4):
        cone *= diameter_px / probe_diameter_px(_zoneplate(n, cone, curvature_rad, edge_px, stop))
    return cone


def _zoneplate(
    n: int, diameter_px: float, curvature_rad: float, edge_px: float, stop: float
) -> NDArray[np.complex128]:
    """Propagate the annular pupil of a zone plate to its defocused focus (Goodman, Fourier Optics, 4.2 and 5.2).

    Defocus multiplies the pupil with ``exp(-i pi a q^2)``; a ray of frequency q lands at radius ``a q``. The cone's
    radius R and the wave's curvature ``pi a q_max^2`` fix the pupil radius ``q_max`` and ``a = R / q_max``.
    """
    q_max = _slope(diameter_px, curvature_rad)
    if q_max == 0:
        raise ValueError(
            "curvature_rad must not be 0 for a zoneplate: it sets the distance from focus"
        )
    sign = np.sign(curvature_rad)
    defocus = sign * diameter_px / 2 / q_max
    # Four times the window: light that leaves it is lost, as on a real order-sorting aperture, and never wraps around.
    size = 4 * n
    q = _radius(size) / size
    edge = edge_px * q_max / (diameter_px / 2)
    pupil = 0.5 * erfc((q - q_max) / edge) - 0.5 * erfc((q - stop * q_max) / edge) * (stop > 0)
    wave = pupil * np.exp(-1j * np.pi * defocus * q**2)
    focus = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(wave)))
    first = size // 2 - n // 2
    aperture = 0.5 * erfc((_radius(n) - (n / 2 - 3 * edge_px)) / edge_px)
    return focus[first : first + n, first : first + n] * aperture


def _diffuser(n: int, grain_px: float, rng: np.random.Generator) -> NDArray[np.complex128]:
    """Fully developed speckle: a complex Gaussian field with Gaussian correlation (Goodman, Speckle Phenomena, 3.2)."""
    noise = rng.standard_normal((2, n, n))
    real, imag = gaussian_filter(noise, (0, grain_px / 2, grain_px / 2), mode="wrap")
    field: NDArray[np.complex128] = real + 1j * imag
    return field


def _finish(probe: NDArray[np.complex128], kind: str, diameter_px: float) -> NDArray[np.complex128]:
    """Scale to unit power, having made sure that the probe fits its window."""
    border = _border_density(probe)
    if not border <= _EDGE_DENSITY:
        raise ValueError(
            f"a {kind} probe of diameter_px {diameter_px:g} does not fit the {len(probe)} px window: the mean power "
            f"density on its border is {border:.1e} of the maximum, allowed are {_EDGE_DENSITY:g}"
        )
    normalised: NDArray[np.complex128] = probe / np.sqrt(np.sum(np.abs(probe) ** 2))
    return normalised


def _border_density(probe: NDArray[np.complex128]) -> float:
    """Return the mean power density on the window's border, as a share of the maximum."""
    density = np.abs(probe) ** 2
    inner = density[1:-1, 1:-1]
    return float((density.sum() - inner.sum()) / (density.size - inner.size) / density.max())


def distort_probe(
    probe: NDArray[np.complex128],
    *,
    defocus_rad: float = 0.0,
    shift_px: tuple[float, float] = (0.0, 0.0),
    blur_px: float = 0.0,
) -> NDArray[np.complex128]:
    """Return a probe as one knows it who knows it badly: out of focus, displaced, blurred; its power unchanged.

    All three multiply its far field, ``exp(-i d (q / Q)^2) exp(-2 pi i s . q) exp(-2 pi^2 b^2 q^2)`` with q in cycles
    per pixel, so their order does not matter. Q is the radius of the disc that holds 99 % of the far field's power.

    Parameters
    ----------
    probe : (N, N) complex
        The true probe.
    defocus_rad : float
        Phase d at the edge Q of the far field: free space over a distance z with ``pi wavelength z Q^2 = d`` (Fresnel;
        Goodman, Introduction to Fourier Optics, 4.2). A ray from the edge moves by ``d / (pi Q)`` pixels.
    shift_px : (float, float)
        Displacement s (rows, cols). It is a gauge: the same shift of the object leaves every frame as it was, so an arm
        finds the object displaced by s, and registration takes that out.
    blur_px : float
        Standard deviation b of a Gaussian with which the complex field is convolved; it dims the far field's edge.

    Returns
    -------
    (N, N) complex128
        Probe of the power of the true one; the true one itself when nothing is wrong.

    Raises
    ------
    ValueError
        If a value is not finite, the blur is negative, or the wrong probe reaches the border of its window (mean power
        density there above 1e-3 of the maximum and above twice the true probe's), beyond which it would wrap around.
    """
    wave = np.asarray(probe, dtype=np.complex128)
    row, col = (float(v) for v in shift_px)
    if not (np.all(np.isfinite([defocus_rad, row, col])) and 0 <= blur_px < np.inf):
        raise ValueError(
            f"found defocus_rad {defocus_rad}, shift_px {(row, col)}, blur_px {blur_px}; needed: finite, blur_px >= 0"
        )
    if defocus_rad == row == col == blur_px == 0:
        return wave
    n = wave.shape[-1]
    q_rows, q_cols = np.fft.fftfreq(n)[:, None], np.fft.fftfreq(n)[None, :]
    q2 = q_rows**2 + q_cols**2
    far = np.fft.fft2(wave)
    # A beam in a window of n pixels cannot have a far field narrower than one of its pixels.
    edge = max(probe_diameter_px(np.fft.fftshift(far)) / 2, 1.0) / n
    phase = defocus_rad * q2 / edge**2 + 2 * np.pi * (row * q_rows + col * q_cols)
    wrong: NDArray[np.complex128] = np.fft.ifft2(
        far * np.exp(-1j * phase - 2 * (np.pi * blur_px) ** 2 * q2)
    )
    border, allowed = _border_density(wrong), max(_WRONG_EDGE_DENSITY, 2 * _border_density(wave))
    if not border <= allowed:
        raise ValueError(
            f"the probe with defocus_rad {defocus_rad:g}, shift_px ({row:g}, {col:g}) and blur_px {blur_px:g} does not "
            f"fit the {n} px window: the mean power density on its border is {border:.1e} of the maximum, allowed are "
            f"{allowed:.1e}; needed: smaller values (simulate.wrong_probe)"
        )
    return wrong * (np.linalg.norm(wave) / np.linalg.norm(wrong))


def probe_diameter_px(probe: NDArray[np.complex128], energy: float = 0.99) -> float:
    """Return the diameter of the smallest disc about the power centroid that holds a share of the power.

    Parameters
    ----------
    probe : (..., N, N) complex
        Probe; powers of several modes are added.
    energy : float
        Share of the power, in (0, 1].

    Returns
    -------
    float
        Diameter in pixels; a pixel counts when its centre is in the disc.

    Raises
    ------
    ValueError
        If the probe has no power or is not finite, or energy is outside (0, 1].
    """
    if not 0 < energy <= 1:
        raise ValueError(f"energy must be in (0, 1], found {energy}")
    power = (np.abs(probe) ** 2).reshape(-1, *np.shape(probe)[-2:]).sum(axis=0)
    total = power.sum()
    if not 0 < total < np.inf:
        raise ValueError(f"a probe needs finite power above zero, found {total}")
    rows, cols = np.indices(power.shape)
    distance = np.hypot(
        rows - (power * rows).sum() / total, cols - (power * cols).sum() / total
    ).ravel()
    order = np.argsort(distance, kind="stable")
    held = np.cumsum(power.ravel()[order])
    # The last share is rounded like the sum itself, so that energy = 1 finds its pixel.
    return 2.0 * float(distance[order[np.searchsorted(held, energy * held[-1])]])
