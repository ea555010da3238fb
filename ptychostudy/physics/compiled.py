"""Functions of loops, compiled where Numba can be had."""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ptychostudy.physics.fused import Taken
from ptychostudy.physics.optional import importable

# A compiled step passes a pixel 3.4 ns sooner, and Numba takes half a second to start.
_PIXELS = 1.5e8


def pays(pixels: float) -> bool:
    """Return whether to compile is sooner done, and Numba can be had.

    Parameters
    ----------
    pixels : float
        Of frames, as often as all steps between transforms pass them.
    """
    return pixels >= _PIXELS and importable("numba")


@functools.cache
def compiled(function: Callable[..., Any], taken: tuple[Taken, ...]) -> Callable[..., Any]:
    """Return a function compiled: once for all processes where its code can be kept.

    Parameters
    ----------
    function : callable
    taken : tuple of Taken
        What it takes; all else is a TypeError.
    """
    # A handler of signals runs in the main thread, and what it raises is lost in a compiler that
    # calls back: the compiler works in another one.
    with ThreadPoolExecutor(1) as other:
        return other.submit(_compile, function, taken).result()


def _compile(function: Callable[..., Any], taken: tuple[Taken, ...]) -> Callable[..., Any]:
    import numba

    types = tuple(_type(argument) for argument in taken)
    # Threads may work beside each other; a division by zero is infinite, as NumPy has it.
    compiler = functools.partial(numba.njit, [types], nogil=True, error_model="numpy")
    kept: Callable[..., Any]
    try:
        kept = compiler(cache=True)(function)
    except Exception:
        # Neither the package nor a folder of the user's can be written, a disk is full, or a file
        # of the cache is damaged, which raises whatever it is taken for. If it is the function,
        # that is said now.
        kept = compiler()(function)
    return kept


def _type(taken: Taken) -> Any:
    """Return Numba's type of an argument."""
    from numba import from_dtype, types

    kind = from_dtype(np.dtype(taken.kind))
    if not taken.axes:
        return kind
    return types.Array(kind, taken.axes, "C", readonly=not taken.made)


def side_by_side(values: np.ndarray) -> np.ndarray:
    """Return complex rows (..., N) as rows (..., 2 N) of their parts, in the same memory.

    Raises
    ------
    TypeError
        For numbers that are not complex: of rows half as long others would be read.
    """
    if not np.iscomplexobj(values):
        raise TypeError(f"an array of {values.dtype}; needed: complex numbers")
    return values.view(values.real.dtype)
