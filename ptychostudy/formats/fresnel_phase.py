"""The Fresnel phase that some programs put into the far field, taken into the probe instead.

ptypy, and the simulator of Ptychodus, multiply the exit wave by ``q = exp(i pi r^2 / (lambda z))``
before the Fourier transform, r from pixel ``N // 2`` (the quadratic phase of Fresnel diffraction;
Goodman, Introduction to Fourier Optics, ch. 4). Most programs, and this one, leave it out. Both
compute the same frames if the probe of the one is the other's times ``q``.
"""

from dataclasses import replace

import numpy as np

from ptychostudy.formats.declared import wavelength_m
from ptychostudy.formats.doubts import Doubts
from ptychostudy.formats.user_file import PROBE, UserFile

# Of a radian at the edge of the window: less changes no frame.
_NO_PHASE_RAD = 1e-3


def fresnel_phase(n: int, pixel_size_m: float, wavelength_z_m2: float) -> np.ndarray:
    """Return the phase factor ``q`` of an exit wave, (n, n) complex.

    Parameters
    ----------
    n : int
        Side of the window.
    pixel_size_m : float
    wavelength_z_m2 : float
        Wavelength times distance to the detector.
    """
    square = (np.arange(n) - n // 2) ** 2
    radius2 = (square[:, None] + square) * pixel_size_m**2
    phase: np.ndarray = np.exp(1j * np.pi * radius2 / wavelength_z_m2)
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
    n = probe.shape[-1]
    pixel = file.declared.get("pixel_size_m")
    area = _wavelength_z_m2(file, n)
    if pixel is None or area is None:
        doubts.doubt(
            "probe",
            "its program keeps a Fresnel phase apart from the probe, which is not known without "
            "pixel, photon energy and distance to the detector; needed: the file that has them "
            "beside it, in base.npz.path",
        )
        return file
    return _multiplied(file, fresnel_phase(n, pixel, area), doubts)


def _wavelength_z_m2(file: UserFile, n: int) -> float | None:
    """Return wavelength times distance: as stated, or by the pixels of object and detector."""
    stated = file.declared
    if "photon_energy_ev" in stated and "distance_m" in stated:
        return wavelength_m(float(stated["photon_energy_ev"])) * float(stated["distance_m"])
    if "pixel_size_m" in stated and "detector_pixel_m" in stated:
        return n * float(stated["pixel_size_m"]) * float(stated["detector_pixel_m"])
    return None


def _multiplied(file: UserFile, phase: np.ndarray, doubts: Doubts) -> UserFile:
    probe = file.arrays[PROBE]
    if probe.shape[-2:] != phase.shape or probe.dtype.kind != "c":
        # It is refused for what it is.
        return file
    side = len(phase)
    edge = float(np.abs(np.angle(phase[side // 2, 0])))
    if edge > _NO_PHASE_RAD:
        doubts.say(f"probe times its program's Fresnel phase, {edge:.3g} rad at the window's edge")
        doubts.done["fresnel_phase_rad"] = edge
    with np.errstate(all="ignore"):  # what is not finite is refused as such
        turned = (probe * phase).astype(probe.dtype)
    return replace(file, arrays={**file.arrays, PROBE: turned})
