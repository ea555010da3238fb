"""Probes: complex N x N illuminations, centred on pixel ``N // 2``; their diameter; badly known ones."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ptychostudy.physics.beams import ZonePlate, diffuser, disc

_KINDS = ("disc", "zoneplate", "speckle")
_EDGE_DENSITY = 1e-6
# Measured probes end in tails: a part in a thousand of the maximum on the border is common.
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
        ``disc``: soft-edged disc with a quadratic (defocus) phase. ``zoneplate``: beam of a Fresnel
        zone plate with central stop, out of focus. ``speckle``: the disc behind a random diffuser.
    n : int
        Window side in pixels.
    diameter_px : float
        Diameter of the disc at half of its amplitude; for ``zoneplate``, whose light has no sharp
        end, the diameter of the disc that holds 99 % of the power (`probe_diameter_px`), to 5 %.
        So kinds compare at equal overlap.
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
        If the kind is unknown, a value is out of range, the phase is too steep for the pixels, or
        the probe does not fit: ``|P|^2`` on the window's border must stay below 1e-6 of its
        maximum.
    """
    if kind not in _KINDS:
        raise ValueError(f"probe kind must be 'disc', 'zoneplate' or 'speckle', found {kind!r}")
    _check_positive(diameter_px=diameter_px, edge_px=edge_px, grain_px=grain_px)
    if not 0 <= stop < 1:
        raise ValueError(f"stop must be in [0, 1), found {stop}")
    if kind == "zoneplate":
        plate = ZonePlate(diameter_px, curvature_rad, edge_px, stop)
        return _finish(_scaled(plate, n).wave(n), kind, diameter_px)
    probe = disc(n, diameter_px, curvature_rad, edge_px)
    if kind == "speckle":
        probe = probe * _speckle(n, grain_px, rng)
    return _finish(probe, kind, diameter_px)


def _check_positive(**lengths: float) -> None:
    for name, value in lengths.items():
        if not 0 < value < np.inf:
            raise ValueError(f"{name} must be positive, found {value}")


def _speckle(n: int, grain_px: float, rng: np.random.Generator | None) -> NDArray[np.complex128]:
    if rng is None:
        raise ValueError("a speckle probe needs rng, a numpy.random.Generator")
    return diffuser(n, grain_px, rng)


def _scaled(plate: ZonePlate, n: int) -> ZonePlate:
    """Return the plate with the cone for which 99 % of the power fall on the diameter of its own.

    At a given curvature the beam only scales with its cone, so a few proportional corrections
    suffice.
    """
    wanted = plate.cone_px
    for _ in range(4):
        correction = wanted / probe_diameter_px(plate.wave(n))
        plate = replace(plate, cone_px=plate.cone_px * correction)
    return plate


def _finish(probe: NDArray[np.complex128], kind: str, diameter_px: float) -> NDArray[np.complex128]:
    """Scale to unit power, having made sure that the probe fits its window."""
    border = _border_density(probe)
    if not border <= _EDGE_DENSITY:
        raise ValueError(
            f"a {kind} probe of diameter_px {diameter_px:g} does not fit the {len(probe)} px "
            f"window: the mean power density on its border is {border:.1e} of the maximum, "
            f"allowed are {_EDGE_DENSITY:g}"
        )
    normalised: NDArray[np.complex128] = probe / np.sqrt(np.sum(np.abs(probe) ** 2))
    return normalised


def _border_density(probe: NDArray[np.complex128]) -> float:
    """Return the mean power density on the window's border, as a share of the maximum."""
    density = np.abs(probe) ** 2
    inner = density[1:-1, 1:-1]
    on_border = density.sum() - inner.sum()
    pixels = density.size - inner.size
    return float(on_border / pixels / density.max())


def distort_probe(
    probe: NDArray[np.complex128],
    *,
    defocus_rad: float = 0.0,
    shift_px: tuple[float, float] = (0.0, 0.0),
    blur_px: float = 0.0,
) -> NDArray[np.complex128]:
    """Return a probe that is badly known: out of focus, displaced, blurred; its power unchanged.

    All three multiply its far field, ``exp(-i d (q / Q)^2) exp(-2 pi i s . q) exp(-2 pi^2 b^2 q^2)``
    with q in cycles per pixel, so their order does not matter. Q is the radius of the disc that
    holds 99 % of the far field's power.

    Parameters
    ----------
    probe : (N, N) complex
        The true probe.
    defocus_rad : float
        Phase d at the edge Q of the far field: free space over a distance z with
        ``pi wavelength z Q^2 = d`` (Fresnel; Goodman, Introduction to Fourier Optics, 4.2). A ray
        from the edge moves by ``d / (pi Q)`` pixels.
    shift_px : (float, float)
        Displacement s (rows, cols). It is a gauge: the same shift of the object leaves every frame
        as it was, so an arm finds the object displaced by s, and registration takes that out.
    blur_px : float
        Standard deviation b of a Gaussian with which the complex field is convolved; it dims the
        far field's edge.

    Returns
    -------
    (N, N) complex128
        Probe of the power of the true one; the true one itself when nothing is wrong.

    Raises
    ------
    ValueError
        If a value is not finite, the blur is negative, or the wrong probe reaches the border of its
        window (mean power density there above 1e-3 of the maximum and above twice the true
        probe's), beyond which it would wrap around.
    """
    wave = np.asarray(probe, dtype=np.complex128)
    row, col = (float(v) for v in shift_px)
    if not (np.all(np.isfinite([defocus_rad, row, col])) and 0 <= blur_px < np.inf):
        raise ValueError(
            f"found defocus_rad {defocus_rad}, shift_px {(row, col)}, blur_px {blur_px}; "
            "needed: finite, blur_px >= 0"
        )
    # Not even the rounding of a Fourier transform there and back may change a probe that is right.
    if defocus_rad == row == col == blur_px == 0:
        return wave
    far = np.fft.fft2(wave)
    wrong: NDArray[np.complex128] = np.fft.ifft2(
        far * _error(far, defocus_rad, (row, col), blur_px)
    )
    _check_border(
        wave,
        wrong,
        f"defocus_rad {defocus_rad:g}, shift_px ({row:g}, {col:g}) and blur_px {blur_px:g}",
    )
    # The blur takes power away, and the probe's power is the dose.
    return wrong * (np.linalg.norm(wave) / np.linalg.norm(wrong))


def _error(
    far: NDArray[np.complex128], defocus_rad: float, shift_px: tuple[float, float], blur_px: float
) -> NDArray[np.complex128]:
    """Return the factor on a far field (DC in the corner) that makes the probe wrong."""
    frequencies = np.fft.fftfreq(far.shape[-1])
    q_rows = frequencies[:, None]
    q_cols = frequencies[None, :]
    q2 = q_rows**2 + q_cols**2
    defocus = defocus_rad * q2 / _edge_radius(far) ** 2
    tilt = 2 * np.pi * (shift_px[0] * q_rows + shift_px[1] * q_cols)
    # The Fourier transform of a Gaussian of standard deviation b.
    damping = 2 * (np.pi * blur_px) ** 2 * q2
    factor: NDArray[np.complex128] = np.exp(-1j * (defocus + tilt) - damping)
    return factor


def _edge_radius(far: NDArray[np.complex128]) -> float:
    """Return the radius Q of the disc of 99 % of a far field's power, in cycles per pixel."""
    radius = probe_diameter_px(np.fft.fftshift(far)) / 2
    # A beam in a window of n pixels cannot have a far field narrower than one of its pixels.
    return max(radius, 1.0) / far.shape[-1]


def _check_border(true: NDArray[np.complex128], wrong: NDArray[np.complex128], errors: str) -> None:
    """Refuse a wrong probe that reaches its window's border; one that always did may a bit more."""
    border = _border_density(wrong)
    allowed = max(_WRONG_EDGE_DENSITY, 2 * _border_density(true))
    if not border <= allowed:
        raise ValueError(
            f"the probe with {errors} does not fit the {true.shape[-1]} px window: the mean power "
            f"density on its border is {border:.1e} of the maximum, allowed are {allowed:.1e}; "
            "needed: smaller values (simulate.wrong_probe)"
        )


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
    distance = _from_centroid(power, total).ravel()
    order = np.argsort(distance, kind="stable")
    held = np.cumsum(power.ravel()[order])
    # The last share is rounded like the sum itself, so that energy = 1 finds its pixel.
    outermost = order[np.searchsorted(held, energy * held[-1])]
    return 2.0 * float(distance[outermost])


def _from_centroid(power: NDArray[np.float64], total: float) -> NDArray[np.float64]:
    """Return the distance of each pixel from the power's centroid, which moves with the probe."""
    rows, cols = np.indices(power.shape)
    row = (power * rows).sum() / total
    col = (power * cols).sum() / total
    return np.hypot(rows - row, cols - col)
