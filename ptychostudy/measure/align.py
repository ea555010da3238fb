"""Put a prediction into the truth's gauge and at its place: shifts, registration, and their order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from skimage.registration import phase_cross_correlation

from ptychostudy.measure.gauge import (
    CONSTANT,
    PLANE,
    bounding_box,
    check_fields,
    ramp_field,
    remove_gauge,
)
from ptychostudy.physics.propagate import translate


@dataclass(frozen=True)
class AlignedField:
    """A prediction in the gauge and at the place of the truth.

    Attributes
    ----------
    field : (H, W) complex128
        ``factor * exp(-i ramp . (r - centre)) * shifted prediction``, centre ``= (H - 1, W - 1) / 2``; zero where the
        prediction was exactly zero (never covered).
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
    """Move the content of a field by ``+shift`` pixels in Fourier space without wrapping its edges around.

    The field is continued by its mirror image to twice its size: that is periodic without a jump, so nothing rings
    and what enters at an edge is the mirrored content next to it.

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


def tukey_window(shape: tuple[int, ...], taper: float) -> np.ndarray:
    """Return the (H, W) product of two Tukey windows whose cosine slopes take the share `taper` of each side.

    Harris 1978 (doi:10.1109/PROC.1978.10837), zero at the first and last pixel. Written here because importing
    `scipy.signal` takes as long as everything else in this module together.
    """
    sides = []
    for size in shape:
        inward = np.minimum(np.arange(size), np.arange(size)[::-1]) / max(
            taper * (size - 1) / 2, 1e-9
        )
        sides.append(0.5 - 0.5 * np.cos(np.pi * np.minimum(inward, 1.0)))
    return np.outer(*sides)


def _windowed(field: np.ndarray, mask: np.ndarray, window: np.ndarray) -> np.ndarray | None:
    mean = field[mask].mean()
    free = np.where(mask, field - mean, 0.0)
    flat = np.abs(free).max() <= CONSTANT * max(abs(mean), np.abs(field[mask]).max())
    return None if flat else free * window


def register(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray, *, upsample: int = 50
) -> tuple[float, float]:
    """Find the shift that puts a prediction onto the truth.

    Cross-correlation of the complex fields (Guizar-Sicairos et al. 2008, doi:10.1364/OL.33.000156), mean-free and
    under a Tukey window. A window that stays in place pulls the peak towards zero; so the measured shift is applied
    and the rest measured again until nothing is left. Remove the gauge first: a ramp displaces the spectrum.

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
        Shift (rows, cols) in pixels to apply to `pred`; zero if a field is constant or no place was found.

    Raises
    ------
    ValueError
        As `check_fields`.
    """
    pred, truth, mask = check_fields(pred, truth, mask)
    box = bounding_box(mask)
    inside = mask[box]
    window = tukey_window(inside.shape, 0.25)
    reference = _windowed(truth[box], inside, window)
    total, previous = np.zeros(2), min(inside.shape) / 4
    for _ in range(6):
        moving = _windowed(apply_shift(pred, total)[box], inside, window)
        if reference is None or moving is None:
            return 0.0, 0.0
        step = phase_cross_correlation(
            reference, moving, upsample_factor=upsample, normalization=None
        )[0]
        size = np.abs(step).max()
        if size >= previous:
            break
        total, previous = total + step, size
        if size < 0.5 / upsample:
            break
    return float(total[0]), float(total[1])


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

    The shift is always measured with ramp and factor removed, because either would displace it. The gauge is fitted
    again afterwards because a displaced field biases it. Only `phase_align` decides what is removed from the result.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction and truth on the same rectangle; exact zeros of the prediction are pixels never covered.
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
    moved = np.where(covered, pred, pred[mask & covered].mean())
    shift, before, phase = (0.0, 0.0), (0.0, 0.0), 1.0 + 0.0j
    if registration:
        straight, record = remove_gauge(moved, truth, mask)
        shift = register(straight, truth, mask, upsample=upsample)
        if phase_align == PLANE:
            before = record["ramp"]
            moved = moved * ramp_field(moved.shape, before)
            phase = np.exp(1j * np.dot(before, shift))
        moved = apply_shift(moved, shift) if any(shift) else moved
    field, record = remove_gauge(moved, truth, mask, phase_align=phase_align)
    ramp = (before[0] + record["ramp"][0], before[1] + record["ramp"][1])
    return AlignedField(
        np.where(covered, field, 0.0), shift, complex(record["factor"] * phase), ramp
    )
