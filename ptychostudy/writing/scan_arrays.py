"""A scan as writers take it: arrays under the canonical keys, and the optics its metres need."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.frames import check_finite
from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.probe_modes import MODES
from ptychostudy.formats.scan import check_scan
from ptychostudy.formats.valid_pixels import VALID
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.modes import as_modes
from ptychostudy.physics.photon_energy import wavelength_m

COUNTS = "counts"
PROBE = "probeGuess"
OBJECT = "objectGuess"
# Where a scan does not say: frames of N pixels follow from the object's pixels alone.
_NOMINAL_ENERGY_EV = 8000.0
_NOMINAL_DISTANCE_M = 1.0
# Of a detector's pixel: what rounding of the declared values leaves.
_SLACK = 1e-3


@dataclass(frozen=True)
class Optics:
    """Lengths of a measurement in the far field, each following from the others.

    Attributes
    ----------
    pixel_size_m : float
        Object pixel.
    photon_energy_ev, distance_m : float
    said : tuple of str
        What was assumed.
    """

    pixel_size_m: float
    photon_energy_ev: float
    distance_m: float
    said: tuple[str, ...] = ()

    @property
    def wavelength_m(self) -> float:
        """Of photons of that energy: ``h c / E``."""
        return wavelength_m(self.photon_energy_ev)

    def detector_pixel_m(self, n: int) -> float:
        """Return the pixel of a detector with ``n`` of them: ``wavelength * distance / (n dx)``."""
        return self.wavelength_m * self.distance_m / (n * self.pixel_size_m)


def optics_of(path: str | Path, declared: Mapping[str, Any], n: int) -> Optics:
    """Return the optics of a scan from what is declared of it, nominal where nothing is.

    Parameters
    ----------
    path : str or Path
        File to be written, for messages.
    declared : mapping
        Keys of `formats.user_file.DECLARED`.
    n : int
        Side of a frame.

    Raises
    ------
    DataError
        If the object pixel is neither declared nor follows from the rest.
    """
    said = []
    energy = _positive(path, declared, "photon_energy_ev")
    distance = _positive(path, declared, "distance_m")
    pitch = _positive(path, declared, "detector_pixel_m")
    pixel = _positive(path, declared, "pixel_size_m")
    if pixel is None:
        pixel = _following_pixel_m(path, energy, distance, pitch, n)
    if energy is None:
        energy = _NOMINAL_ENERGY_EV
        said.append(f"photon energy not known: {energy:g} eV written, nominal")
    if distance is None:
        distance = _NOMINAL_DISTANCE_M
        said.append(f"distance to the detector not known: {distance:g} m written, nominal")
    written = Optics(pixel, energy, distance).detector_pixel_m(n)
    if pitch is not None and abs(written / pitch - 1) > _SLACK:
        said.append(
            f"detector pixel of {written:.6g} m written, which the object pixel of {pixel:g} m "
            f"asks for; {pitch:g} m was declared"
        )
    return Optics(pixel, energy, distance, tuple(said))


def _positive(path: str | Path, declared: Mapping[str, Any], key: str) -> float | None:
    value = declared.get(key)
    if value is None:
        return None
    number = float(value)
    if not (np.isfinite(number) and number > 0):
        raise DataError(f"{path}: {key} is {number:g}; needed: a finite number > 0")
    return number


def _following_pixel_m(
    path: str | Path,
    energy_ev: float | None,
    distance: float | None,
    pitch: float | None,
    n: int,
) -> float:
    if energy_ev is None or distance is None or pitch is None:
        raise DataError(
            f"{path}: the object pixel is not known, and this format holds positions in metres; "
            "needed: pixel_size_m, or photon energy, distance and detector pixel together"
        )
    return wavelength_m(energy_ev) * distance / (n * pitch)


def checked(path: str | Path, scan: Mapping[str, np.ndarray], needed: tuple[str, ...]) -> None:
    """Refuse a scan that lacks an array which the format must hold, or that is none.

    Parameters
    ----------
    path : str or Path
        File to be written, for messages.
    scan : mapping of str to ndarray
        ``ycoords xcoords probeGuess`` and, as far as they are known, ``counts`` (uint32, NHW),
        ``objectGuess``, ``valid_pixels``.
    needed : tuple of str
        Keys beside positions and probe.

    Raises
    ------
    DataError
    """
    missing = [key for key in (*COORDINATES, PROBE, *needed) if key not in scan]
    if missing:
        raise DataError(
            f"{path}: the scan has no {missing[0]!r}, which this format must hold; found "
            f"{', '.join(sorted(scan))}; needed: another format, or a scan with it"
        )
    check_scan(path, dict(scan), scan.get(COUNTS))
    check_finite(path, PROBE, scan[PROBE])
    check_finite(path, MODES, modes_of(scan))


def modes_of(scan: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the modes (k, N, N) complex64 of a scan's probe, one where it has no others."""
    return as_modes(scan.get(MODES, scan[PROBE])).astype(np.complex64)


def valid_of(scan: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the mask (N, N) bool of a scan, true where pixels count photons."""
    n = len(scan[PROBE])
    return np.asarray(scan.get(VALID, np.ones((n, n))), dtype=bool)


def left_out(scan: Mapping[str, np.ndarray], keys: tuple[str, ...], why: str) -> list[str]:
    """Say which arrays of a scan a format does not hold."""
    return [f"{key} not written: {why}" for key in keys if key in scan]
