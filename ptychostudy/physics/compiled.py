"""Functions of loops, compiled where Numba is installed."""

import functools
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np


def can_compile() -> bool:
    """Return whether Numba is installed."""
    return importlib.util.find_spec("numba") is not None


@functools.cache
def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function compiled: once for all processes where its code can be kept."""
    import numba

    # Threads may work beside each other; a division by zero is infinite, as NumPy has it.
    compiler = functools.partial(numba.njit, nogil=True, error_model="numpy")
    try:
        return compiler(cache=True)(function)
    except RuntimeError:
        # Neither the folder of the package nor a cache of the user's can be written.
        return compiler()(function)


def side_by_side(values: np.ndarray) -> np.ndarray:
    """Return complex rows (..., N) as rows (..., 2 N) of their parts, in the same memory."""
    return values.view(values.real.dtype)
