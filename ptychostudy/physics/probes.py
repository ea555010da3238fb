"""Probes: complex N x N illuminations, centred on pixel ``N // 2``; their diameter; wrong ones."""

from dataclasses import dataclass, replace

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
    _check_fit(probe, kind, diameter_px)
    return np.asarray(probe / np.sqrt(np.sum(np.abs(probe) ** 2)))


def _check_fit(probe: NDArray[np.complex128], kind: str, diameter_px: float) -> None:
    """Refuse a probe that shines on its border: there the next window, cyclic, would begin."""
    border = _border_density(probe)
    if not border <= _EDGE_DENSITY:
        raise ValueError(
            f"a {kind} probe of diameter_px {diameter_px:g} does not fit the {len(probe)} px "
            f"window: the mean power density on its border is {border:.1e} of the maximum, "
            f"allowed are {_EDGE_DENSITY:g}"
        )


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

    All three multiply its far field, ``exp(-i d (q / Q)^2 - 2 pi i s . q - 2 pi^2 b^2 q^2)`` with q
    in cycles per pixel, so their order does not matter. Q is the radius of the disc that holds 99 %
    of the far field's power.

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
    distortion = _Distortion(defocus_rad, row, col, blur_px)
    # Not even the rounding of a Fourier transform there and back may change a probe that is right.
    if distortion.nothing:
        return wave
    far = np.fft.fft2(wave)
    wrong: NDArray[np.complex128] = np.fft.ifft2(far * distortion.factor(far))
    _check_border(wave, wrong, distortion)
    # The blur takes power away, and the probe's power is the dose.
    return wrong * (np.linalg.norm(wave) / np.linalg.norm(wrong))


@dataclass(frozen=True)
class _Distortion:
    """What is wrong with a probe; see `distort_probe`."""

    defocus_rad: float
    row: float
    col: float
    blur_px: float

    def __post_init__(self) -> None:
        finite = np.all(np.isfinite([self.defocus_rad, self.row, self.col]))
        if not (finite and 0 <= self.blur_px < np.inf):
            raise ValueError(
                f"found defocus_rad {self.defocus_rad}, shift_px {(self.row, self.col)}, "
                f"blur_px {self.blur_px}; needed: finite, blur_px >= 0"
            )

    def __str__(self) -> str:
        return (
            f"defocus_rad {self.defocus_rad:g}, shift_px ({self.row:g}, {self.col:g}) "
            f"and blur_px {self.blur_px:g}"
        )

    @property
    def nothing(self) -> bool:
        return self.defocus_rad == self.row == self.col == self.blur_px == 0

    def factor(self, far: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return the factor on a far field (DC in the corner) that makes the probe wrong."""
        q = np.fft.fftfreq(far.shape[-1])
        q2 = q[:, None] ** 2 + q[None, :] ** 2
        defocus = self.defocus_rad * q2 / _edge_radius(far) ** 2
        # The Fourier transform of a Gaussian of standard deviation b.
        damping = 2 * (np.pi * self.blur_px) ** 2 * q2
        factor: NDArray[np.complex128] = np.exp(-1j * (defocus + self._tilt(q)) - damping)
        return factor

    def _tilt(self, q: np.ndarray) -> np.ndarray:
        """Return the phase ramp that displaces the probe."""
        tilt: np.ndarray = 2 * np.pi * (self.row * q[:, None] + self.col * q[None, :])
        return tilt


def _edge_radius(far: NDArray[np.complex128]) -> float:
    """Return the radius Q of the disc of 99 % of a far field's power, in cycles per pixel."""
    n = far.shape[-1]
    radius = probe_diameter_px(np.fft.fftshift(far)) / 2
    # A beam in a window of n pixels cannot have a far field narrower than one of its pixels.
    return float(max(radius, 1.0) / n)


def _check_border(
    true: NDArray[np.complex128], wrong: NDArray[np.complex128], distortion: _Distortion
) -> None:
    """Refuse a wrong probe that reaches its window's border beyond what the true one does."""
    border = _border_density(wrong)
    allowed = max(_WRONG_EDGE_DENSITY, 2 * _border_density(true))
    if not border <= allowed:
        raise ValueError(
            f"the probe with {distortion} does not fit the {true.shape[-1]} px window: "
            f"the mean power density on its border is {border:.1e} of the maximum, "
            f"allowed are {allowed:.1e}; "
            "needed: smaller values (simulate.wrong_probe)"
        )


def probe_diameter_px(probe: NDArray[np.complex128], energy: float = 0.99) -> float:
    """Return the diameter of the smallest disc about the power centroid with a share of the power.

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
    power = _power(probe)
    distance = _from_centroid(power).ravel()
    # Stable: of pixels at one distance the first counts, on any machine.
    order = np.argsort(distance, kind="stable")
    outermost = order[_share_reached(power.ravel()[order], energy)]
    return 2.0 * float(distance[outermost])


def _share_reached(powers: NDArray[np.float64], share: float) -> int:
    """Return the index at which the running sum of powers reaches a share of their sum."""
    held = np.cumsum(powers)
    # The last entry is rounded like the sum itself, so that a share of 1 finds its pixel.
    return int(np.searchsorted(held, share * held[-1]))


def _power(probe: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return the power (N, N) of a probe, that of its modes added up."""
    modes = (np.abs(probe) ** 2).reshape(-1, *np.shape(probe)[-2:])
    power: NDArray[np.float64] = modes.sum(axis=0)
    if not 0 < power.sum() < np.inf:
        raise ValueError(f"a probe needs finite power above zero, found {power.sum()}")
    return power


def _from_centroid(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each pixel from the power's centroid, which moves with the probe."""
    rows, cols = np.indices(power.shape)
    total = power.sum()
    row = (power * rows).sum() / total
    col = (power * cols).sum() / total
    distance: NDArray[np.float64] = np.hypot(rows - row, cols - col)
    return distance
