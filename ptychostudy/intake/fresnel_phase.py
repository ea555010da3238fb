"""The Fresnel phase that some programs put into the far field, taken into the probe instead.

ptypy, and the simulator of Ptychodus, multiply the exit wave by ``q = exp(i pi r^2 / (lambda z))``
before the Fourier transform, r from pixel ``N // 2`` (the quadratic phase of Fresnel diffraction;
Goodman, Introduction to Fourier Optics, ch. 4). Most programs, and this one, leave it out. Both
compute the same frames if the probe of the one is the other's times ``q``.
"""

from dataclasses import replace

import numpy as np

from ptychostudy.formats.user_file import PROBE, UserFile
from ptychostudy.intake.doubts import Doubts
from ptychostudy.physics.photon_energy import wavelength_m

_LENGTHS = ("pixel_size_m", "photon_energy_ev", "distance_m", "detector_pixel_m")
# Of a radian at the edge of the window: less changes no frame.
_NO_PHASE_RAD = 1e-3


def fresnel_phase(n: int, curvature: float) -> np.ndarray:
    """Return the phase factor ``q`` of an exit wave, (n, n) complex.

    Parameters
    ----------
    n : int
        Side of the window.
    curvature : float
        Square of the pixel over wavelength times distance to the detector.
    """
    square = (np.arange(n) - n // 2) ** 2
    phase: np.ndarray = np.exp(1j * np.pi * curvature * (square[:, None] + square))
    return phase


def with_fresnel_phase(file: UserFile, doubts: Doubts) -> UserFile:
    """Return a file whose probe holds the Fresnel phase, where its program keeps that apart.

    Parameters
    ----------
    file : UserFile
        With ``fresnel_phase`` among what it states, or as it is.
    doubts : Doubts

    Raises
    ------
    DataError
        If the phase is not known, for want of a distance.
    """
    probe = file.arrays.get(PROBE)
    if not file.declared.get("fresnel_phase") or probe is None or probe.ndim < 2:
        return file
    curvature = _curvature(file, probe.shape[-1])
    if curvature is None:
        doubts.doubt(
            "probe",
            "its program keeps a Fresnel phase apart from the probe, which is not known without "
            "pixel, photon energy and distance to the detector; needed: the file that has them "
            "beside it, in base.npz.path",
        )
        return file
    return _multiplied(file, curvature, doubts)


def _curvature(file: UserFile, n: int) -> float | None:
    """Return the square of the pixel over wavelength times distance, where it is known."""
    stated = {key: np.float64(file.declared[key]) for key in _LENGTHS if key in file.declared}
    with np.errstate(all="ignore"):  # what is no length gives no phase
        if {"pixel_size_m", "photon_energy_ev", "distance_m"} <= stated.keys():
            wavelength = wavelength_m(stated["photon_energy_ev"])
            curvature = stated["pixel_size_m"] ** 2 / (wavelength * stated["distance_m"])
        elif {"pixel_size_m", "detector_pixel_m"} <= stated.keys():
            # Wavelength times distance is the product of both pixels and their number.
            curvature = stated["pixel_size_m"] / (n * stated["detector_pixel_m"])
        else:
            return None
    return float(curvature) if np.isfinite(curvature) else None


def _multiplied(file: UserFile, curvature: float, doubts: Doubts) -> UserFile:
    probe = file.arrays[PROBE]
    side = probe.shape[-1]
    if probe.shape[-2] != side or probe.dtype.kind != "c":
        # It is refused for what it is.
        return file
    edge = np.pi * curvature * (side // 2) ** 2
    if edge > _NO_PHASE_RAD:
        doubts.say(f"probe times its program's Fresnel phase, {edge:.3g} rad at the window's edge")
        doubts.done["fresnel_phase_rad"] = edge
    with np.errstate(all="ignore"):  # what is not finite is refused as such
        turned = (probe * fresnel_phase(side, curvature)).astype(probe.dtype)
    return replace(file, arrays={**file.arrays, PROBE: turned})
