"""Gauge of a reconstruction: the scale, global phase and linear phase ramp that diffraction cannot fix.

Everything is fitted on the complex field. Plane fits on wrapped angles break as soon as the phase wraps.
"""

from typing import Any

import numpy as np

from ptychostudy.physics.plane import coordinates

PLANE, MEAN, NONE = "plane", "mean", "none"
# Relative spread below which a field counts as constant: a few roundings of complex64, which canvases are stored in.
CONSTANT = 1e-6


def check_fields(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return prediction, truth (complex128) and mask (bool), or say why they cannot be compared.

    Raises
    ------
    ValueError
        If shapes differ, the mask is empty, a value is not finite, or a field is zero all over the mask.
    """
    pred, truth = np.asarray(pred, dtype=np.complex128), np.asarray(truth, dtype=np.complex128)
    mask = np.asarray(mask, dtype=bool)
    if not pred.ndim == 2 or not pred.shape == truth.shape == mask.shape:
        raise ValueError(
            f"need three (H, W) arrays of one shape, found {pred.shape}, {truth.shape} and {mask.shape}"
        )
    if not mask.any():
        raise ValueError("the mask covers no pixel, so there is nothing to compare")
    for name, field in (("prediction", pred), ("truth", truth)):
        if not np.all(np.isfinite(field)):
            raise ValueError(
                f"the {name} has {int(np.sum(~np.isfinite(field)))} values that are not finite"
            )
        if not np.any(field[mask]):
            raise ValueError(
                f"the {name} is zero on all {int(mask.sum())} covered pixels; it has no phase to compare"
            )
    return pred, truth, mask


def bounding_box(mask: np.ndarray) -> tuple[slice, slice]:
    """Return the (rows, cols) slices of the smallest rectangle that holds every covered pixel."""
    rows, cols = (np.flatnonzero(np.any(mask, axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def complex_factor(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> complex:
    """Return the complex c that minimises ``sum mask |c pred - truth|^2``.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction and truth.
    mask : (H, W) bool
        Compared pixels.

    Raises
    ------
    ValueError
        As `check_fields`.
    """
    pred, truth, mask = check_fields(pred, truth, mask)
    return complex(np.vdot(pred[mask], truth[mask]) / np.vdot(pred[mask], pred[mask]).real)


def amplitude_factor(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Return the real positive a that minimises ``sum mask (a |pred| - |truth|)^2``."""
    pred, truth, mask = check_fields(pred, truth, mask)
    amplitude = np.abs(pred[mask])
    return float(amplitude @ np.abs(truth[mask]) / (amplitude @ amplitude))


def _moments(product: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    """Moments ``sum product y^a x^b exp(-2 pi i cycles . (y, x))`` for a, b = 0..2, separable and so cheap."""
    sides = []
    for size, frequency in zip(product.shape, cycles, strict=True):
        y = coordinates(size)
        sides.append(np.stack([np.ones(size), y, y * y]) * np.exp(-2j * np.pi * frequency * y))
    moments: np.ndarray = sides[0] @ product @ sides[1].T
    return moments


def _newton_step(moments: np.ndarray) -> np.ndarray:
    """Ascent step, in cycles, of ``|sum|^2``; the Hessian's eigenvalues are made negative, so it never descends."""
    total, first = moments[0, 0], np.array([moments[1, 0], moments[0, 1]])
    second = np.array([[moments[2, 0], moments[1, 1]], [moments[1, 1], moments[0, 2]]])
    gradient = np.imag(np.conj(total) * first)
    hessian = np.real(np.outer(first, np.conj(first)) - np.conj(total) * second)
    values, vectors = np.linalg.eigh(hessian)
    floor = 1e-6 * abs(total) ** 2 + np.finfo(float).tiny
    step: np.ndarray = (
        vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(values), floor)) / (2 * np.pi)
    )
    # A quarter of a cycle is half the coarse spacing: beyond it the step would leave the peak it started on.
    step *= min(1.0, 0.25 / max(np.abs(step).max(), 0.25))
    return step


def _refine(product: np.ndarray, cycles: np.ndarray, passes: int = 40) -> np.ndarray:
    """Climb from a coarse maximum to the top, halving any step that loses height."""
    moments = _moments(product, cycles)
    for _ in range(passes):
        step = _newton_step(moments)
        trial = _moments(product, cycles + step)
        while abs(trial[0, 0]) < abs(moments[0, 0]) and np.abs(step).max() > 1e-9:
            step = step / 2
            trial = _moments(product, cycles + step)
        cycles, moments = cycles + step, trial
        if np.abs(step).max() < 1e-10:
            break
    return cycles


def phase_ramp(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray, *, max_cycles: float = 8
) -> tuple[float, float]:
    """Fit the linear phase ramp of a prediction against the truth, on the complex field.

    Maximises ``|sum mask conj(truth) pred exp(-i k . r)|``: a scan in half-cycle steps (a zero-padded Fourier
    transform of the product, evaluated only near zero frequency), then Newton steps on its squared modulus.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction and truth.
    mask : (H, W) bool
        Compared pixels.
    max_cycles : float
        Largest ramp looked for, in cycles of 2 pi across each side. A fit that may go further finds
        the texture of a failed prediction instead of a gauge.

    Returns
    -------
    (float, float)
        Ramp k (rows, cols) in rad/px.

    Raises
    ------
    ValueError
        As `check_fields`.
    """
    pred, truth, mask = check_fields(pred, truth, mask)
    product = np.where(mask, np.conj(truth) * pred, 0.0)
    grid = np.arange(-2 * max_cycles, 2 * max_cycles + 1) / 2
    rows, cols = (np.exp(-2j * np.pi * np.outer(grid, coordinates(size))) for size in product.shape)
    height = np.abs(rows @ product @ cols.T)
    peak = np.unravel_index(np.argmax(height), height.shape)
    cycles = _refine(product, grid[list(peak)])
    row, col = 2 * np.pi * cycles / np.array(product.shape)
    return float(row), float(col)


def ramp_field(shape: tuple[int, ...], ramp: tuple[float, float]) -> np.ndarray:
    """Return ``exp(-i ramp . (r - centre))``, (H, W) complex128, centre ``= (H - 1, W - 1) / 2``, ramp in rad/px."""
    rows, cols = (
        np.exp(-1j * k * size * coordinates(size)) for k, size in zip(ramp, shape, strict=True)
    )
    return np.outer(rows, cols)


def remove_gauge(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray, *, phase_align: str = PLANE
) -> tuple[np.ndarray, dict[str, Any]]:
    """Bring a prediction into the truth's gauge.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction and truth.
    mask : (H, W) bool
        Pixels the gauge is fitted on.
    phase_align : {'plane', 'mean', 'none'}
        ``plane``: linear phase ramp and complex factor; ``mean``: complex factor; ``none``: a real positive amplitude
        factor, the phase stays untouched.

    Returns
    -------
    field : (H, W) complex128
        ``factor * exp(-i ramp . (r - centre)) * pred``, centre ``= (H - 1, W - 1) / 2``.
    record : dict
        ``factor`` (complex) and ``ramp`` ((rows, cols) in rad/px).

    Raises
    ------
    ValueError
        As `check_fields`, or if `phase_align` is unknown.
    """
    if phase_align not in (PLANE, MEAN, NONE):
        raise ValueError(f"phase_align must be 'plane', 'mean' or 'none', found {phase_align!r}")
    pred, truth, mask = check_fields(pred, truth, mask)
    if phase_align == NONE:
        factor = complex(amplitude_factor(pred, truth, mask))
        return factor * pred, {"factor": factor, "ramp": (0.0, 0.0)}
    ramp = phase_ramp(pred, truth, mask) if phase_align == PLANE else (0.0, 0.0)
    straight = pred * ramp_field(pred.shape, ramp)
    factor = complex_factor(straight, truth, mask)
    return factor * straight, {"factor": factor, "ramp": ramp}
