"""What a file states of its scan, taken where the study's settings leave it open."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.intake.doubts import Doubts
from ptychostudy.physics.photon_energy import wavelength_m

if TYPE_CHECKING:
    from ptychostudy.study.sections.npz import NpzSettings

# What settings say by themselves, if the user says nothing.
_OPEN = {"measurement": "auto", "axes": "auto", "position_unit": "auto", "background": 0.0}
# Of an object pixel: settings are rounded to two or three digits.
_ROUNDED = 0.01


def settled(npz: "NpzSettings", declared: Mapping[str, Any], doubts: Doubts) -> "NpzSettings":
    """Return the settings of a file, with what it states itself where they leave it open.

    What the user sets wins, and where the file states otherwise that is said.

    Parameters
    ----------
    npz : NpzSettings
    declared : mapping
        Keys of `DECLARED` of ``formats/user_file.py``.
    doubts : Doubts
    """
    stated = {key: declared[key] for key in _OPEN if key in declared}
    taken = {}
    for key, value in stated.items():
        wanted = getattr(npz, key)
        if wanted == _OPEN[key]:
            taken[key] = value
        elif wanted != value:
            doubts.say(
                f"base.npz.{key} is {wanted}, though the file states {value}: {wanted} it is"
            )
    if taken:
        doubts.done["stated"] = taken
    return npz.model_copy(update=taken)


def object_pixel_m(
    declared: Mapping[str, Any], pixel_size_m: float, n: int, doubts: Doubts
) -> float:
    """Return the object pixel: that of the settings, or more exactly by what the file states.

    Parameters
    ----------
    declared : mapping
        Keys of `DECLARED` of ``formats/user_file.py``.
    pixel_size_m : float
        Of the settings.
    n : int
        Side of a frame.
    doubts : Doubts

    Raises
    ------
    DataError
        If the two differ by more than rounding.
    """
    stated, how = stated_pixel_m(declared, n)
    if stated is None:
        return pixel_size_m
    if abs(stated / pixel_size_m - 1) > _ROUNDED:
        doubts.refuse(
            f"its object pixel is {pixel_text(stated)} m ({how}), but base.pixel_size_m is "
            f"{pixel_text(pixel_size_m)}; needed: base.pixel_size_m: {pixel_text(stated)}"
        )
    return stated


def stated_pixel_m(declared: Mapping[str, Any], n: int) -> tuple[float | None, str]:
    """Return the object pixel of n x n frames and how it is known, or None.

    In the far field ``lambda z / (n p)`` (Goodman, Introduction to Fourier Optics, ch. 5).
    """
    if "pixel_size_m" in declared:
        return float(declared["pixel_size_m"]), "as it states"
    parts = [declared.get(key) for key in ("photon_energy_ev", "distance_m", "detector_pixel_m")]
    if any(part is None for part in parts):
        return None, ""
    energy, distance, pitch = map(float, parts)  # type: ignore[arg-type]
    pixel = wavelength_m(energy) * distance / (n * pitch)
    return pixel, f"{energy:.6g} eV, {distance:.6g} m, {n} detector pixels of {pitch:.6g} m"


def pixel_text(value: float) -> str:
    """Return a number as YAML reads one: an exponent alone makes it a text there."""
    text = f"{value:.6g}"
    mantissa, mark, exponent = text.partition("e")
    return text if not mark or "." in mantissa else f"{mantissa}.0e{exponent}"


def from_origin(positions: np.ndarray, declared: Mapping[str, Any]) -> np.ndarray:
    """Return positions (k, 2) in object pixels, counted from the object's corner where it is known.

    Parameters
    ----------
    positions : (k, 2) float
        In object pixels, from the file's own origin.
    declared : mapping
        ``origin_px`` is the object pixel (row, col) in which that origin lies, and
        ``object_origin_px`` that by a file which holds the object and not the positions.
    """
    origin = declared.get("origin_px", declared.get("object_origin_px"))
    return positions if origin is None else positions + np.asarray(origin, dtype=np.float64)
