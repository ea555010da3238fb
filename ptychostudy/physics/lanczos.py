"""Leading eigenvector of a Hermitian matrix that is known by its products, without a basis.

The Lanczos method makes of the matrix a small tridiagonal one, whose leading eigenvector tells what
share each vector on the way has in that of the matrix. The way is gone twice, and no vector of it
is held (Cullum and Willoughby 2002, doi:10.1137/1.9780898719192).
"""

from collections.abc import Callable, Iterator

import numpy as np
import scipy

# What is left of the product beside the eigenvector, of the eigenvalue.
_LEFT = 1e-13
_STEPS = 10_000
_Times = Callable[[np.ndarray], np.ndarray]


def leading_eigenvector(times: _Times, start: np.ndarray) -> np.ndarray:
    """Return the eigenvector (k,) of the largest eigenvalue, of any length.

    Parameters
    ----------
    times : callable
        Product of the matrix and a vector (k,).
    start : (k,) complex
        Not at right angles to what is looked for.

    Returns
    -------
    (k,) complex
        After 10 000 steps what was found until then.
    """
    shares = _shares(times, start)
    found = np.zeros_like(start)
    for share, (vector, _, _) in zip(shares, _way(times, start), strict=False):
        found += share * vector
    return found


def _shares(times: _Times, start: np.ndarray) -> np.ndarray:
    """Return the leading eigenvector (m,) of the tridiagonal matrix that is large enough."""
    diagonal, beside = [], []
    looked = 0
    for _, along, left in _way(times, start):
        diagonal.append(along)
        beside.append(left)
        steps = len(diagonal)
        # To look takes a time, too: more and more seldom.
        if left > 0 and steps < min(1.1 * looked + 2, _STEPS):
            continue
        looked = steps
        value, shares = _leading(diagonal, beside)
        if left * abs(shares[-1]) <= _LEFT * abs(value) or steps >= _STEPS:
            break
    return shares


def _leading(diagonal: list[float], beside: list[float]) -> tuple[float, np.ndarray]:
    """Return the largest eigenvalue of a tridiagonal matrix, and its eigenvector (m,)."""
    last = len(diagonal) - 1
    values, vectors = scipy.linalg.eigh_tridiagonal(
        diagonal, beside[:-1], select="i", select_range=(last, last)
    )
    return float(values[0]), vectors[:, 0]


def _way(times: _Times, start: np.ndarray) -> Iterator[tuple[np.ndarray, float, float]]:
    """Yield vectors of length one, how much of each its product holds, and how much is new."""
    before = np.zeros_like(start)
    vector = start / np.linalg.norm(start)
    left = largest = 0.0
    while True:
        product = times(vector) - left * before
        largest = max(largest, float(np.linalg.norm(product)))
        along = float(np.vdot(vector, product).real)
        product -= along * vector
        left = float(np.linalg.norm(product))
        # The rest is rounding: what can be reached from the start was seen.
        if left <= _LEFT * largest:
            left = 0.0
        yield vector, along, left
        if left == 0.0:
            return
        before, vector = vector, product / left
