"""Smoothness: the total variation of a complex canvas, its two parts together."""

import numpy as np

ROUNDED = 0.02
"""Size of a step, in units of the object, below which the variation is quadratic."""

STIFFNESS = 2 / ROUNDED
"""Curvature at a pixel without steps, in the measure of a gradient by the conjugate."""


def total_variation(field: np.ndarray, rounded: float = ROUNDED) -> tuple[float, np.ndarray]:
    """Return the total variation of a field and its gradient with respect to the conjugate.

    ``sum sqrt(|O(r+1, c) - O|^2 + |O(r, c+1) - O|^2 + e^2) - e`` (Rudin, Osher & Fatemi, Physica D
    60, 259 (1992); of a complex field as one vector), without steps over the edge.

    Parameters
    ----------
    field : (H, W) complex
    rounded : float
        The e of the formula.

    Returns
    -------
    value : float
    gradient : (H, W) complex
    """
    down = np.diff(field, axis=0, append=field[-1:])
    right = np.diff(field, axis=1, append=field[:, -1:])
    size = np.sqrt(np.abs(down) ** 2 + np.abs(right) ** 2 + rounded**2)
    value = float(np.sum(size - rounded, dtype=np.float64))
    # Half: with respect to the conjugate, |z|^2 has the gradient z, and its root half of z / |z|.
    half = 0.5 / size
    down = down * half
    right = right * half
    gradient = -(down + right)
    gradient[1:] += down[:-1]
    gradient[:, 1:] += right[:, :-1]
    return value, gradient
