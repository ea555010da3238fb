"""Waves that illuminate: a soft disc, a zone plate's beam out of focus, a diffuser; not scaled."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

_Wave = NDArray[np.complex128]
_Real = NDArray[np.float64]


def disc(n: int, diameter_px: float, curvature_rad: float, edge_px: float) -> _Wave:
    """Return a soft-edged disc with the quadratic phase of a spherical wave, (n, n).

    Parameters
    ----------
    n : int
        Window side in pixels.
    diameter_px, curvature_rad, edge_px : float
        As in `ptychostudy.physics.probes.make_probe`.

    Raises
    ------
    ValueError
        If the phase is too steep for the pixels.
    """
    _edge_frequency(diameter_px, curvature_rad)
    r = _distance(n)
    radius = diameter_px / 2
    curvature = np.exp(1j * curvature_rad * (r / radius) ** 2)
    wave: _Wave = _soft_step(r - radius, edge_px) * curvature
    return wave


def diffuser(n: int, grain_px: float, rng: np.random.Generator) -> _Wave:
    """Return fully developed speckle, (n, n): a complex Gaussian field with Gaussian correlation.

    See Goodman, Speckle Phenomena, 3.2.
    """
    noise = rng.standard_normal((2, n, n))
    real, imag = scipy.ndimage.gaussian_filter(noise, (0, grain_px / 2, grain_px / 2), mode="wrap")
    field: _Wave = real + 1j * imag
    return field


@dataclass(frozen=True)
class ZonePlate:
    """A Fresnel zone plate with central stop, seen by the cone of light behind its focus.

    Defocus multiplies the pupil with ``exp(-i pi a q^2)``; a ray of frequency q lands at radius
    ``a q``. The cone's radius R and the wave's curvature ``pi a q_max^2`` fix the pupil radius
    ``q_max`` and ``a = R / q_max`` (Goodman, Fourier Optics, 4.2 and 5.2).

    Attributes
    ----------
    cone_px : float
        Diameter of the geometric cone of light.
    curvature_rad : float
        Phase of the spherical wave at the edge of the cone relative to its centre; its sign tells
        before from behind the focus.
    edge_px : float
        Width of the soft edge, in the plane of the probe.
    stop : float
        Diameter of the central stop over that of the zone plate, in [0, 1).
    """

    cone_px: float
    curvature_rad: float
    edge_px: float
    stop: float

    @property
    def q_max(self) -> float:
        """Radius of the pupil, cycles per pixel."""
        frequency = _edge_frequency(self.cone_px, self.curvature_rad)
        if frequency == 0:
            raise ValueError(
                "curvature_rad must not be 0 for a zoneplate: it sets the distance from focus"
            )
        return frequency

    @property
    def defocus(self) -> float:
        """The factor a of the phase ``pi a q^2``, with the sign of the curvature."""
        defocus: float = np.sign(self.curvature_rad) * self.cone_px / 2 / self.q_max
        return defocus

    def pupil(self, q: _Real) -> _Real:
        """Return the transmission of the ring between stop and rim at radii q."""
        # The same edge as in the plane of the probe, where q_max lands at the cone's radius.
        edge = self.edge_px * self.q_max / (self.cone_px / 2)
        rim = _soft_step(q - self.q_max, edge)
        stopped = _soft_step(q - self.stop * self.q_max, edge)
        # A stop of diameter 0 would still dim the middle by its soft edge.
        ring: _Real = rim - stopped * (self.stop > 0)
        return ring

    def wave(self, n: int) -> _Wave:
        """Return the pupil propagated to its defocused focus, (n, n)."""
        # Four times the window: light that leaves it is lost, as on a real order-sorting aperture,
        # and never wraps around.
        size = 4 * n
        q = _distance(size) / size
        lens = self.pupil(q) * np.exp(-1j * np.pi * self.defocus * q**2)
        focus = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(lens)))
        return _middle(focus, n) * self._aperture(n)

    def _aperture(self, n: int) -> _Real:
        """Return the round order-sorting aperture, dark three soft edges before the border."""
        return _soft_step(_distance(n) - (n / 2 - 3 * self.edge_px), self.edge_px)


def _middle(field: _Wave, n: int) -> _Wave:
    first = len(field) // 2 - n // 2
    return field[first : first + n, first : first + n]


def _soft_step(distance: _Real, width: float) -> _Real:
    """Return 1 inside (distance < 0) and 0 outside, with one half on the edge itself."""
    step: _Real = 0.5 * scipy.special.erfc(distance / width)
    return step


def _distance(n: int) -> _Real:
    """Return the distance of each pixel of a window from its centre, pixel ``n // 2``."""
    axis = np.arange(n) - n // 2
    return np.hypot(axis[:, None], axis[None, :])


def _edge_frequency(diameter_px: float, curvature_rad: float) -> float:
    """Return the spatial frequency (cycles / px) of the spherical wave at the edge of the disc.

    It is the slope of ``c (r / R)^2`` at ``r = R``, over ``2 pi``.
    """
    frequency = 2 * abs(curvature_rad) / (np.pi * diameter_px)
    if frequency > 0.5:
        limit = np.pi * diameter_px / 4
        raise ValueError(
            f"curvature_rad {curvature_rad:g} over diameter_px {diameter_px:g} exceeds the Nyquist "
            f"frequency of the pixels; at most {limit:g} rad fit"
        )
    return frequency
