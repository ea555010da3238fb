"""The linear phase ramp between two fields, fitted on their product: no phase is ever unwrapped.

Ramps are counted in cycles across a side. In these units a Fourier peak is about one wide, whatever
the size of the field.
"""

import numpy as np

from ptychostudy.measure.fields import check_fields
from ptychostudy.physics.plane import coordinates

_STEPS_PER_CYCLE = 2
_NEWTON_PASSES = 40
# Largest steps, in cycles: one below the first ends the climb. Below the second the height, which
# changes with the square of a step, is flat to rounding, and halving could go on for ever.
_TOP = 1e-10
_LEVEL = 1e-9
# Exponents of (y, x) in the moments that make up the gradient and the Hessian.
_FIRST = ([1, 0], [0, 1])
_SECOND = ([[2, 1], [1, 0]], [[0, 1], [1, 2]])


def phase_ramp(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray, *, max_cycles: float = 8
) -> tuple[float, float]:
    """Fit the linear phase ramp of a prediction against the truth, on the complex field.

    Maximises ``|sum mask conj(truth) pred exp(-i k . r)|``: a scan in half-cycle steps (a
    zero-padded Fourier transform of the product, evaluated only near zero frequency), then Newton
    steps on its squared modulus.

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
    cycles = _refine(product, _coarse_peak(product, max_cycles))
    row, col = 2 * np.pi * cycles / np.array(product.shape)
    return float(row), float(col)


def ramp_field(shape: tuple[int, ...], ramp: tuple[float, float]) -> np.ndarray:
    """Return ``exp(-i ramp . (r - centre))``, (H, W) complex128, with the ramp in rad/px.

    The centre is ``(H - 1, W - 1) / 2``.
    """
    rows, cols = (_ramp_side(k, size) for k, size in zip(ramp, shape, strict=True))
    return np.outer(rows, cols)


def _ramp_side(k: float, size: int) -> np.ndarray:
    # Coordinates are fractions of the side, so the slope is taken across the whole of it.
    return np.asarray(np.exp(-1j * k * size * coordinates(size)))


def _moments(product: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    """Moments ``sum product y^a x^b exp(-2 pi i cycles . (y, x))`` for a, b = 0..2.

    The kernel is a product of one factor for each side, so two small matrix products do.
    """
    rows, cols = product.shape
    down = _moment_rows(rows, cycles[0])
    right = _moment_rows(cols, cycles[1])
    return np.asarray(down @ product @ right.T)


def _moment_rows(size: int, cycles: float) -> np.ndarray:
    """Return ``y^a exp(-2 pi i cycles y)`` for a = 0..2, (3, size)."""
    y = coordinates(size)
    powers = np.stack([np.ones(size), y, y * y])
    return np.asarray(powers * np.exp(-2j * np.pi * cycles * y))


def _height(moments: np.ndarray) -> float:
    """Return the modulus of the sum, which a ramp that fits makes largest."""
    return float(abs(moments[0, 0]))


def _derivatives(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian of ``|sum|^2``, without their factors 4 pi and 8 pi^2."""
    total = moments[0, 0]
    first = moments[_FIRST]
    second = moments[_SECOND]
    gradient = np.imag(np.conj(total) * first)
    hessian = np.real(np.outer(first, np.conj(first)) - np.conj(total) * second)
    return gradient, hessian


def _newton_step(moments: np.ndarray) -> np.ndarray:
    """Ascent step, in cycles, of ``|sum|^2``."""
    gradient, hessian = _derivatives(moments)
    # Far from a peak the curvature may vanish; the floor keeps the step finite there.
    floor = 1e-6 * abs(moments[0, 0]) ** 2 + np.finfo(float).tiny
    # The factors that `_derivatives` leaves out: 4 pi / 8 pi^2.
    return _bounded(_uphill(gradient, hessian, floor) / (2 * np.pi))


def _uphill(gradient: np.ndarray, hessian: np.ndarray, floor: float) -> np.ndarray:
    """Newton's step, the Hessian's eigenvalues made negative so that it never descends."""
    values, vectors = np.linalg.eigh(hessian)
    curvature = np.maximum(np.abs(values), floor)
    step: np.ndarray = vectors @ ((vectors.T @ gradient) / curvature)
    return step


def _bounded(step: np.ndarray) -> np.ndarray:
    """Shorten a step to a quarter of a cycle.

    That is half the coarse spacing: beyond it the step would leave the peak it started on.
    """
    return step * min(1.0, 0.25 / max(_largest(step), 0.25))


def _largest(step: np.ndarray) -> float:
    return float(np.abs(step).max())


def _climb(
    product: np.ndarray, cycles: np.ndarray, moments: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a Newton step, halved until it loses no height, and the moments it leads to."""
    step = _newton_step(moments)
    reached = _moments(product, cycles + step)
    while _height(reached) < _height(moments) and _largest(step) > _LEVEL:
        step = step / 2
        reached = _moments(product, cycles + step)
    return step, reached


def _refine(product: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    """Climb from a coarse maximum to the top."""
    moments = _moments(product, cycles)
    for _ in range(_NEWTON_PASSES):
        step, moments = _climb(product, cycles, moments)
        cycles = cycles + step
        if _largest(step) < _TOP:
            break
    return cycles


def _coarse_peak(product: np.ndarray, max_cycles: float) -> np.ndarray:
    """Return the highest point, in cycles (rows, cols), of a scan in half-cycle steps."""
    reach = _STEPS_PER_CYCLE * max_cycles
    grid = np.arange(-reach, reach + 1) / _STEPS_PER_CYCLE
    height = _scan(product, grid)
    peak = np.unravel_index(np.argmax(height), height.shape)
    return np.asarray(grid[list(peak)])


def _scan(product: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return ``|sum product exp(-2 pi i (a y + b x))|`` for all a, b of a grid."""
    rows, cols = product.shape
    return np.asarray(np.abs(_waves(grid, rows) @ product @ _waves(grid, cols).T))


def _waves(cycles: np.ndarray, size: int) -> np.ndarray:
    """Return one wave a line, ``exp(-2 pi i cycles y)`` over a side, (k, size)."""
    return np.asarray(np.exp(-2j * np.pi * np.outer(cycles, coordinates(size))))
