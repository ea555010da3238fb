"""Put a prediction into the truth's gauge and at its place: shifts, registration, their order."""

from dataclasses import dataclass, replace

import numpy as np
import skimage
from numpy.typing import ArrayLike

from ptychostudy.measure.fields import bounding_box, check_fields, is_rounding
from ptychostudy.measure.gauge import PLANE, remove_gauge
from ptychostudy.measure.ramp import ramp_field
from ptychostudy.measure.taper import tukey_window
from ptychostudy.physics.propagate import translate

_TAPER = 0.25
_REGISTRATION_PASSES = 6
_NOT_MOVED = (0.0, 0.0)
_NO_RAMP = (0.0, 0.0)


@dataclass(frozen=True)
class AlignedField:
    """A prediction in the gauge and at the place of the truth.

    Attributes
    ----------
    field : (H, W) complex128
        ``factor * exp(-i ramp . (r - centre)) * shifted prediction``, centre
        ``= (H - 1, W - 1) / 2``; zero where the prediction was exactly zero (never covered).
    shift : (float, float)
        Applied shift (rows, cols) in pixels.
    factor : complex
        Applied factor.
    ramp : (float, float)
        Removed phase ramp (rows, cols) in rad/px.
    """

    field: np.ndarray
    shift: tuple[float, float]
    factor: complex
    ramp: tuple[float, float]


def apply_shift(field: np.ndarray, shift: ArrayLike) -> np.ndarray:
    """Move the content of a field by ``+shift`` pixels in Fourier space without wrapping it around.

    The field is continued by its mirror image to twice its size: that is periodic without a jump,
    so nothing rings and what enters at an edge is the mirrored content next to it.

    Parameters
    ----------
    field : (H, W) complex
        Field.
    shift : (float, float)
        Shift (rows, cols) in pixels.

    Returns
    -------
    (H, W) complex128
    """
    rows, cols = field.shape
    mirrored = np.pad(field, ((0, rows), (0, cols)), mode="symmetric")
    return translate(mirrored, shift)[:rows, :cols]


@dataclass(frozen=True)
class _Target:
    """The truth as a prediction is registered on it: windowed, with its rectangle and mask."""

    box: tuple[slice, slice]
    inside: np.ndarray
    window: np.ndarray
    reference: np.ndarray

    def missing_shift(self, field: np.ndarray, upsample: int) -> np.ndarray | None:
        """Return the shift (rows, cols) that a field still lacks; None of a constant field."""
        moving = _windowed(field[self.box], self.inside, self.window)
        if moving is None:
            return None
        # The default, phases alone, would weigh frequencies that hold only noise like all others.
        shift, _, _ = skimage.registration.phase_cross_correlation(
            self.reference, moving, upsample_factor=upsample, normalization=None
        )
        return np.asarray(shift)


def _target(truth: np.ndarray, mask: np.ndarray) -> _Target | None:
    """Return what a prediction is registered on; None of a constant truth."""
    box = bounding_box(mask)
    inside = mask[box]
    window = tukey_window(inside.shape, _TAPER)
    reference = _windowed(truth[box], inside, window)
    return None if reference is None else _Target(box, inside, window, reference)


def _windowed(field: np.ndarray, mask: np.ndarray, window: np.ndarray) -> np.ndarray | None:
    """Return a field without its mean under a window, zero off the mask; None if it is constant."""
    mean = field[mask].mean()
    # With its mean, the field would correlate best where the two windows do: at no shift.
    free = np.where(mask, field - mean, 0.0)
    if is_rounding(free, max(abs(mean), np.abs(field[mask]).max())):
        return None
    windowed: np.ndarray = free * window
    return windowed


def register(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray, *, upsample: int = 50
) -> tuple[float, float]:
    """Find the shift that puts a prediction onto the truth.

    Cross-correlation of the complex fields (Guizar-Sicairos et al. 2008, doi:10.1364/OL.33.000156),
    mean-free and under a Tukey window. A window that stays in place pulls the peak towards zero; so
    the measured shift is applied and the rest measured again until nothing is left. Remove the
    gauge first: a ramp displaces the spectrum.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction and truth, in one gauge.
    mask : (H, W) bool
        Compared pixels.
    upsample : int
        Steps per pixel.

    Returns
    -------
    (float, float)
        Shift (rows, cols) in pixels to apply to `pred`; zero if a field is constant or no place was
        found.

    Raises
    ------
    ValueError
        As `check_fields`.
    """
    pred, truth, mask = check_fields(pred, truth, mask)
    target = _target(truth, mask)
    total = None if target is None else _repeated_shift(target, pred, upsample)
    return _NOT_MOVED if total is None else (float(total[0]), float(total[1]))


def _repeated_shift(target: _Target, pred: np.ndarray, upsample: int) -> np.ndarray | None:
    """Return the shift, measured until nothing is left of it; None of a constant prediction."""
    total = np.zeros(2)
    # A first shift of a quarter of the shorter side, or a later one that did not shrink, is no
    # place but a chance peak.
    previous = min(target.inside.shape) / 4
    for _ in range(_REGISTRATION_PASSES):
        step = target.missing_shift(_moved(pred, total), upsample)
        if step is None:
            return None
        size = np.abs(step).max()
        if size >= previous:
            break
        total = total + step
        previous = size
        if size < 0.5 / upsample:
            break
    return total


def align(
    pred: np.ndarray,
    truth: np.ndarray,
    mask: np.ndarray,
    *,
    phase_align: str = PLANE,
    registration: bool = True,
    upsample: int = 50,
) -> AlignedField:
    """Remove the gauge, register, shift, and remove the gauge of what is left.

    The shift is always measured with ramp and factor removed, because either would displace it. The
    gauge is fitted again afterwards because a displaced field biases it. Only `phase_align` decides
    what is removed from the result.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction and truth on the same rectangle; exact zeros of the prediction are pixels never
        covered.
    mask : (H, W) bool
        Compared pixels.
    phase_align : {'plane', 'mean', 'none'}
        As `remove_gauge`.
    registration : bool
        Whether to measure and apply a shift; without it the shift is zero.
    upsample : int
        Steps per pixel of the shift.

    Returns
    -------
    AlignedField

    Raises
    ------
    ValueError
        As `remove_gauge`.
    """
    pred, truth, mask = check_fields(pred, truth, mask)
    covered = pred != 0
    # Zeros beside covered pixels would ring into them when the field is shifted.
    filled = np.where(covered, pred, pred[mask & covered].mean())
    moved = AlignedField(filled, _NOT_MOVED, 1.0 + 0.0j, _NO_RAMP)
    if registration:
        moved = _registered(filled, truth, mask, flatten=phase_align == PLANE, upsample=upsample)
    aligned = _in_gauge(moved, truth, mask, phase_align)
    return replace(aligned, field=np.where(covered, aligned.field, 0.0))


def _registered(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray, *, flatten: bool, upsample: int
) -> AlignedField:
    """Return the prediction at the truth's place, its ramp removed beforehand if it is to go."""
    straight, gauge = remove_gauge(pred, truth, mask)
    shift = register(straight, truth, mask, upsample=upsample)
    if not flatten:
        return AlignedField(_moved(pred, shift), shift, 1.0 + 0.0j, _NO_RAMP)
    # Removed before the shift: in the mirror image at an edge a ramp turns back, with a kink.
    ramp = gauge["ramp"]
    flat = pred * ramp_field(pred.shape, ramp)
    # The ramp moves with the field: exp(-i k (r - s)) = exp(i k s) exp(-i k r).
    phase = np.exp(1j * np.dot(ramp, shift))
    return AlignedField(_moved(flat, shift), shift, phase, ramp)


def _in_gauge(
    moved: AlignedField, truth: np.ndarray, mask: np.ndarray, phase_align: str
) -> AlignedField:
    """Remove the gauge that is left; what is reported is both parts together."""
    field, rest = remove_gauge(moved.field, truth, mask, phase_align=phase_align)
    factor = complex(rest["factor"] * moved.factor)
    down = moved.ramp[0] + rest["ramp"][0]
    right = moved.ramp[1] + rest["ramp"][1]
    return AlignedField(field, moved.shift, factor, (down, right))


def _moved(field: np.ndarray, shift: ArrayLike) -> np.ndarray:
    # Without a shift the field keeps its bits, which two Fourier transforms would not leave; of
    # four times the pixels they also take as long as most of the scores.
    return apply_shift(field, shift) if np.any(shift) else field
