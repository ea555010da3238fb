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
    # Half a second, which no stage is to wait for that only imports this.
    from scipy.optimize import minimize

    scale = 1 / np.sqrt(light + _DIM * light.max()).astype(np.float32)

    def scaled(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = objective(_complex(numbers, start.shape) * scale)
        # Real and imaginary part each have twice the gradient with respect to the conjugate.
        return value, _real(2 * scale * gradient)

    first = _real(np.asarray(start, dtype=np.complex64) / scale)
    # A step costs one evaluation, and now and then a second: more are a search in rounding errors.
    found = minimize(
        scaled,
        first,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "maxcor": _MEMORY, "maxfun": 2 * iterations + 10},
    )
    return np.asarray(_complex(found.x, start.shape) * scale)


def _real(field: np.ndarray) -> np.ndarray:
    return np.stack([field.real, field.imag]).astype(np.float64).ravel()


def _complex(numbers: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    real, imaginary = numbers.reshape(2, *shape).astype(np.float32)
    return np.asarray(real + 1j * imaginary, dtype=np.complex64)
