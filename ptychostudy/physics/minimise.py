"""Minimise a function of a complex canvas by L-BFGS, in units in which all pixels curve alike."""

from collections.abc import Callable

import numpy as np

_MEMORY = 10
# Of the brightest pixel's light: what is lit less moves as if it had that much.
_DIM = 0.02

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Value, and gradient (H, W) with respect to the conjugate, of a canvas (H, W) complex64."""


def minimise(
    objective: Objective, start: np.ndarray, light: np.ndarray, iterations: int
) -> np.ndarray:
    """Return the canvas (H, W) complex64 after some iterations of L-BFGS.

    Parameters
    ----------
    objective : callable
    start : (H, W) complex
    light : (H, W) float
        Light on each pixel: the curvature of a likelihood there.
    iterations : int
    """
    scale = unit_of(light)

    def scaled(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = objective(complex_of(numbers, start.shape) * scale)
        # Real and imaginary part each have twice the gradient with respect to the conjugate.
        return value, real_of(2 * scale * gradient)

    first = real_of(np.asarray(start, dtype=np.complex64) / scale)
    found = descend(scaled, first, iterations, _MEMORY)
    return np.asarray(complex_of(found, start.shape) * scale)


def descend(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]],
    first: np.ndarray,
    iterations: int,
    memory: int,
) -> np.ndarray:
    """Return the numbers (k,) after some iterations of L-BFGS.

    Parameters
    ----------
    function : callable
        Value and slope (k,) at numbers.
    first : (k,) float64
    iterations, memory : int
    """
    # Half a second, which no stage is to wait for that only imports this.
    from scipy.optimize import minimize

    # A step costs one evaluation, and now and then a second: more are a search in rounding errors.
    found = minimize(
        function,
        first,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "maxcor": memory, "maxfun": 2 * iterations + 10},
    )
    return np.asarray(found.x)


def unit_of(light: np.ndarray, stiffness: float = 0.0) -> np.ndarray:
    """Return the units (H, W) float32 of pixels in which all of them curve alike.

    Parameters
    ----------
    light : (H, W) float
        See `minimise`.
    stiffness : float
        Curvature that every pixel has beside that.
    """
    unit: np.ndarray = 1 / np.sqrt(light + _DIM * light.max() + stiffness).astype(np.float32)
    return unit


def real_of(field: np.ndarray) -> np.ndarray:
    """Return real parts and imaginary parts (2 H W,) float64 of a canvas (H, W)."""
    return np.stack([field.real, field.imag]).astype(np.float64).ravel()


def complex_of(numbers: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the canvas (H, W) complex64 of such numbers."""
    real, imaginary = numbers.reshape(2, *shape).astype(np.float32)
    return np.asarray(real + 1j * imaginary, dtype=np.complex64)
