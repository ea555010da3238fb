"""Frames, probe and positions on the N x N pixels of a study, whatever the detector's shape.

With n detector pixels a side the object pixel is ``l z / (n p)``: the side of the file's probe says
which pixel it has, and so its positions in pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.intake.doubts import Doubts
from ptychostudy.intake.framing import Framing, given_centre, say_framing
from ptychostudy.intake.zero_frequency import far_light, found_centre, is_cut_in_space, mean_light
from ptychostudy.physics.band import detector_side, resampled
from ptychostudy.physics.modes import powers

if TYPE_CHECKING:
    from ptychostudy.study.sections.npz import NpzSettings

# Of a side: what rounded numbers of an instrument leave.
_CLOSE = 0.02
_ORIGINS = ("origin_px", "object_origin_px")
_GEOMETRY = ("photon_energy_ev", "distance_m", "detector_pixel_m", "pixel_size_m")


@dataclass(frozen=True)
class Fitted:
    """A probe and frames on the pixels of a study.

    Attributes
    ----------
    modes : (k, N, N) complex
    per_pixel : (float, float)
        Object pixels of the study for one of the file's, (row, col).
    framing : Framing
        How frames and masks of the detector become N x N.
    """

    modes: np.ndarray
    per_pixel: tuple[float, float]
    framing: Framing

    @property
    def same_pixels(self) -> bool:
        """Whether the object pixels of the study are the file's."""
        return self.per_pixel == (1.0, 1.0)

    def restated(self, declared: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a file states of its object pixels (`DECLARED`), of those of the study.

        A pixel that is no square any more has no one length: that is left out.
        """
        stated = dict(declared)
        rows, cols = self.per_pixel
        for key in _ORIGINS:
            if declared.get(key) is not None:
                stated[key] = np.asarray(declared[key], dtype=np.float64) * (rows, cols)
        pixel = stated.pop("pixel_size_m", None)
        if pixel is not None and rows == cols:
            stated["pixel_size_m"] = float(pixel) / rows
        return stated


def as_it_is(modes: np.ndarray, n: int) -> Fitted:
    """Return a probe whose file fits a study without a change."""
    return Fitted(modes, (1.0, 1.0), Framing((n, n), (0, 0), (n // 2, n // 2), n))


@dataclass(frozen=True)
class Measured:
    """Frames of a detector, and what is known of it.

    Attributes
    ----------
    key : str
        Where they are in the file, for messages.
    frames : (k, h, w) real
        Numbers of the detector.
    bad : (h, w) bool
        Pixels that masks mark as bad.
    declared : mapping
        What the file states of the measurement (`user_file.DECLARED`).
    """

    key: str
    frames: np.ndarray
    bad: np.ndarray
    declared: Mapping[str, Any]

    def mean(self, npz: "NpzSettings") -> np.ndarray:
        """Return the mean frame (h, w) of what are counts, 0 elsewhere."""
        full = npz.saturation or np.inf
        squared = npz.measurement == "amplitude"
        return mean_light(self.frames, squared, full, npz.background, bad=self.bad)


def fitted(
    measured: Measured, modes: np.ndarray, n: int, npz: "NpzSettings", doubts: Doubts
) -> Fitted:
    """Put a probe on the pixels of a study, and find which pixels of the detector its frames are.

    Parameters
    ----------
    measured : Measured
    modes : (m, p, q) complex
    n : int
        Side of the study's frames.
    npz : NpzSettings
    doubts : Doubts

    Raises
    ------
    DataError
        If the pixel of the probe cannot be known, or too much light would be cut off.
    """
    shape = (int(measured.frames.shape[1]), int(measured.frames.shape[2]))
    sides = (int(modes.shape[1]), int(modes.shape[2]))
    _check_sides(sides, shape, n, doubts)
    _check_geometry(sides, measured.declared, doubts)
    if shape == sides == (n, n) and npz.centre is None:
        return as_it_is(modes, n)
    mean = measured.mean(npz)
    if is_cut_in_space(mean, modes):
        why = "its far field is as wide as all of the detector"
        doubts.doubt("probe", _unknown_pixel(sides, shape, n, why))
    if npz.centre is None:
        framing = found_centre(mean, far_light(modes, shape), n)
    else:
        framing = given_centre(npz.centre, shape, n, doubts)
    say_framing(framing, mean, measured.key, doubts)
    return Fitted(_on_pixels(modes, n, doubts), (n / sides[0], n / sides[1]), framing)


def _check_sides(sides: tuple[int, int], shape: tuple[int, int], n: int, doubts: Doubts) -> None:
    """Refuse a probe of another shape than the frames', of which the pixel cannot be known."""
    square = sides[0] == sides[1]
    if sides == shape or (square and sides[0] in (n, *shape)):
        return
    doubts.refuse(_unknown_pixel(sides, shape, n, "no side of the one is a side of the other"))


def _unknown_pixel(sides: tuple[int, int], shape: tuple[int, int], n: int, why: str) -> str:
    return (
        f"key 'probeGuess' has {sides[0]} x {sides[1]} pixels, the frames have {shape[0]} x "
        f"{shape[1]}, and {why}: how large a pixel of the probe and of the positions is cannot be "
        f"known; needed: a probe of the frames' shape, or of {n} x {n} pixels (base.frame_px), of "
        "which one is wavelength * distance / (side * detector pixel)"
    )


def _check_geometry(sides: tuple[int, int], declared: Mapping[str, Any], doubts: Doubts) -> None:
    """Refuse a probe whose side is not the one that the file's own geometry gives its pixel."""
    if any(declared.get(key) is None for key in _GEOMETRY):
        return
    side = detector_side(**{key: float(declared[key]) for key in _GEOMETRY})
    if all(abs(side - each) > _CLOSE * each for each in sides):
        stated = ", ".join(f"{key} {float(declared[key]):g}" for key in _GEOMETRY)
        doubts.refuse(
            f"key 'probeGuess' has {sides[0]} x {sides[1]} pixels, but what the file states of the "
            f"measurement ({stated}) makes object pixels of {side:.4g} detector pixels a side; "
            f"needed: a probe of that side, or the pixel that belongs to {sides[0]}"
        )


def _on_pixels(modes: np.ndarray, n: int, doubts: Doubts) -> np.ndarray:
    """Return modes on the object pixels of n detector pixels; say so where they change."""
    p, q = modes.shape[-2:]
    if (p, q) == (n, n):
        return modes
    made = resampled(modes, n).astype(modes.dtype)
    kept = float(powers(made).sum() / powers(modes).sum())
    doubts.say(
        f"key 'probeGuess' has {p} x {q} pixels, base.frame_px is {n}: an object pixel is "
        f"{p / n:.6g} x {q / n:.6g} of the file's (row, col), and base.pixel_size_m is its length; "
        f"positions in pixels are multiplied by {n / p:.6g} and {n / q:.6g}, and the probe is put "
        f"on these pixels with {kept:.2%} of its light"
    )
    doubts.done["object_pixels"] = [p / n, q / n]
    return made
