"""First settings: the study that a user's file asks for, before anybody has written one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np

from ptychostudy.formats.frames import FRAME_KEYS
from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.user_file import UserFile
from ptychostudy.intake.declared import stated_pixel_m
from ptychostudy.intake.photon_unit import photon_unit
from ptychostudy.intake.user_modes import window_sides
from ptychostudy.study.pixel import UNSTATED_PIXEL_M
from ptychostudy.study.sections.base import FrameSide

# Frames that show what numbers a stack holds.
_SHOWN = 16
# What single precision leaves of a whole number, and of its square.
_WHOLE = 1e-4
# Of a number: a rounding below leaves its fraction to be seen.
_TOLD = 0.05
# Steps of doses, which people read: 1, 2, 5, 10, ...
_STEPS = (5, 2, 1)
# A split or a few frames may hold less than all of them on average.
_BELOW = 0.9
_SPAN = 100
# As the range of a dose in the configuration.
_MOST = 1e9


@dataclass
class FirstSettings:
    """Settings of a study of a file.

    Attributes
    ----------
    base : dict
        Section ``base``, with ``npz``.
    assumed : list of str
        What the file does not say, and what was taken in its place.
    pixel_known : bool
        Whether the file says how large an object pixel is.
    stated_unit : str
        Of the positions, by the file.
    """

    base: dict[str, Any]
    assumed: list[str] = field(default_factory=list)
    pixel_known: bool = True
    stated_unit: str = "px"

    @property
    def pixel_matters(self) -> str:
        """What is wrong where positions are lengths and no pixel is known to convert them by."""
        unit = self.base["npz"].get("position_unit", self.stated_unit)
        if self.pixel_known or unit == "px":
            return ""
        return (
            f"positions in {unit} become pixels by base.pixel_size_m, which no file states; "
            f"needed: yours in place of {self.base['pixel_size_m']:g}, in the study's YAML"
        )

    def settle(self, cure: Mapping[str, Any]) -> None:
        """Add keys of ``base.npz`` that settle a doubt."""
        self.base["npz"].update(cure)


def first_settings(
    file: UserFile, paths: list[str], named: Mapping[str, str] | None = None
) -> FirstSettings:
    """Return settings for the files of a scan.

    Parameters
    ----------
    file : UserFile
        All of them, put together.
    paths : list of str
    named : mapping of str to str, optional
        Arrays of other names than ours, and where they are; see `named_by_shape`.
    """
    path: str | list[str] = paths[0] if len(paths) == 1 else paths
    measured = any(key in file.arrays for key in FRAME_KEYS)
    base: dict[str, Any] = {"kind": "npz", "frames": "measured" if measured else "simulate"}
    settings = FirstSettings({**base, "npz": {"path": path}})
    if named:
        settings.base["npz"]["keys"] = dict(named)
    for key, name in (named or {}).items():
        settings.assumed.append(f"base.npz.keys: {key} is {name!r}, by its shape and name")
    _add_side(settings, file)
    _add_pixel(settings, file)
    if measured:
        _add_measurement(settings, file)
        _add_axes(settings, file)
    return settings


def _add_side(settings: FirstSettings, file: UserFile) -> None:
    sides = get_args(FrameSide)
    probe = file.arrays.get("probeGuess")
    side = window_sides(probe.shape)[-1] if probe is not None and probe.ndim else 0
    settings.base["frame_px"] = min(sides, key=lambda each: (abs(each - side), each))
    if side not in sides:
        settings.assumed.append(
            f"base.frame_px is {settings.base['frame_px']}: the probe's side is {side}"
        )


def _add_pixel(settings: FirstSettings, file: UserFile) -> None:
    settings.stated_unit = file.declared.get("position_unit", "px")
    stated, _ = stated_pixel_m(file.declared, settings.base["frame_px"])
    settings.base["pixel_size_m"] = float(f"{stated or UNSTATED_PIXEL_M:.6g}")
    if stated is None:
        settings.pixel_known = False
        settings.assumed.append(
            f"base.pixel_size_m is {UNSTATED_PIXEL_M:g}: "
            "the file does not say how large an object pixel is"
        )


def _add_measurement(settings: FirstSettings, file: UserFile) -> None:
    stated = file.declared.get("measurement")
    for key in FRAME_KEYS:
        raw = file.arrays.get(key)
        if raw is None or (key == "counts" and raw.dtype.kind in "iu"):
            continue
        measurement = stated or measurement_of(raw)
        if stated is None:
            settings.base["npz"]["measurement"] = measurement
            settings.assumed.append(
                f"base.npz.measurement is {measurement}: what {key!r} holds fits that"
            )
        _add_gain(settings, key, raw, measurement)


def _add_gain(settings: FirstSettings, key: str, raw: np.ndarray, measurement: str) -> None:
    """Set what one photon is, where frames are photons that were divided by a number."""
    shown = _shown(raw)
    numbers = shown**2 if measurement == "amplitude" else shown
    unit = None if _are_whole(numbers) else photon_unit(numbers)
    if unit is None:
        return
    # More digits than single precision has.
    settings.base["npz"]["gain"] = float(f"{unit:.9g}")
    settings.assumed.append(
        f"base.npz.gain is {unit:.6g}: as {measurement}, {key!r} holds multiples of that alone, "
        "so it is taken for one photon"
    )


def _shown(raw: np.ndarray) -> np.ndarray:
    """Return the different numbers of the first frames, or lines of all where frames come last."""
    count = len(raw.view(np.ndarray)[:_SHOWN])
    # One by one, as lines of all frames are many.
    each = [_finite(np.asarray(raw[index])) for index in range(count)]
    return np.unique(np.concatenate([np.empty(0), *each]))


def _finite(numbers: np.ndarray) -> np.ndarray:
    """Return the different ones of some numbers whose squares are finite, too."""
    exact = numbers.astype(np.float64)
    with np.errstate(over="ignore"):
        return np.unique(exact[np.isfinite(exact**2)])


def measurement_of(raw: np.ndarray) -> str:
    """Return what a stack of numbers can be: whole ones are photons, roots of such amplitudes."""
    if raw.dtype.kind not in "f":
        return "counts"
    shown = _shown(raw)
    squares = shown**2
    if raw.dtype.itemsize < np.dtype(np.float32).itemsize:
        return (
            "amplitude"
            if _fine(squares, raw.dtype) and not _fine(shown, raw.dtype)
            else "intensity"
        )
    if _are_whole(shown) or photon_unit(shown):
        return "intensity"
    return "amplitude" if _are_whole(squares) or photon_unit(squares) else "intensity"


def _are_whole(numbers: np.ndarray, eps: float = float(np.finfo(np.float32).eps)) -> bool:
    off = np.abs(numbers - np.rint(numbers))
    return bool(np.all(off <= _WHOLE + eps * np.abs(numbers)))


def _fine(numbers: np.ndarray, kind: np.dtype[Any]) -> bool:
    """Say whether those numbers are whole whose fractions half precision still tells."""
    eps = float(np.finfo(kind).eps)
    told = numbers[eps * np.abs(numbers) < _TOLD]
    return bool(told.size) and _are_whole(told, 2 * eps)


def _add_axes(settings: FirstSettings, file: UserFile) -> None:
    positions = file.arrays.get(COORDINATES[0])
    for key in FRAME_KEYS:
        raw = file.arrays.get(key)
        if raw is None or raw.ndim != 3 or positions is None or "axes" in file.declared:
            continue
        if raw.shape[0] == raw.shape[-1] == positions.size:
            settings.base["npz"]["axes"] = "NHW"
            settings.assumed.append(f"base.npz.axes is NHW: {key!r} of shape {raw.shape} fits both")


def doses_below(photons: float) -> list[int]:
    """Return two doses for frames of so many photons: as high as can be, and a hundredth."""
    most = min(max(photons * _BELOW, 1.0), _MOST)
    decade = 10 ** int(np.log10(most))
    highest = next(step * decade for step in _STEPS if step * decade <= most)
    lowest = max(1, highest // _SPAN)
    return list(dict.fromkeys([highest, lowest]))
