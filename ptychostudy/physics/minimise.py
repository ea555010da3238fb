"""Minimise a function of a complex canvas by L-BFGS, its slow phase at all scales at once.

A frame does not see its own mean phase, so what varies over more than a probe curves a likelihood
little, and descent of pixels takes hundreds of steps to bring it about. Here a canvas is
``B exp(i t)``: pixels B, and phases t that are sums of hat functions on grids of ever wider meshes,
each in a unit in which it curves as pixels do, as preconditioners of nested spaces have it
(Bramble, Pasciak & Xu, Math. Comp. 55, 1 (1990)). What is minimised stays the same function.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy

from ptychostudy.physics.draws import generator

_MESH_PX = 8
"""Of the finest grid: what is finer pixels bring about themselves."""

_WIDER = 3
_MEMORY = 5
# Of the brightest pixel's light: what is lit less moves as if it had that much.
_DIM = 0.02
# A turn, in radians, that is small against what bends the function.
_TURN = 0.02

Answer = tuple[float, np.ndarray]
"""Value of a canvas, and gradient (H, W) with respect to its conjugate."""
Objective = Callable[[np.ndarray], Answer]
"""Of a canvas (H, W) complex64."""


class Grid(NamedTuple):
    """Phases that vary no faster than a mesh.

    Attributes
    ----------
    rows, cols : (H, r), (W, c) float32
        Hat functions along each axis, whose sum is one.
    unit : float
        Radians of a number.
    """

    rows: np.ndarray
    cols: np.ndarray
    unit: float

    @property
    def shape(self) -> tuple[int, int]:
        """Return how many numbers there are along each axis."""
        return self.rows.shape[1], self.cols.shape[1]

    def phase(self, numbers: np.ndarray) -> np.ndarray:
        """Return the phase (H, W) of numbers (r c,)."""
        of_grid = np.asarray(self.unit * numbers.reshape(self.shape), dtype=np.float32)
        return np.asarray(self.rows @ of_grid @ self.cols.T)

    def slope(self, by_phase: np.ndarray) -> np.ndarray:
        """Return the slope (r c,) along the numbers, given that along the phase (H, W)."""
        return np.asarray(self.unit * (self.rows.T @ by_phase @ self.cols)).ravel()


def minimise(
    objective: Objective,
    start: np.ndarray,
    unit: np.ndarray,
    iterations: int,
    known: Answer | None = None,
) -> np.ndarray:
    """Return the canvas (H, W) complex64 after some iterations of L-BFGS.

    Parameters
    ----------
    objective : callable
    start : (H, W) complex
    unit : (H, W) float32
        Of pixels: its square is the inverse of the curvature there.
    iterations : int
    known : (float, (H, W) complex), optional
        What the objective says of the start; else it is asked.
    """
    start = np.asarray(start, dtype=np.complex64)
    known = objective(start) if known is None else known
    grids = grids_of(objective, start, known[1])
    # The search asks for the start first, and is told what is known.
    told = [known]
    ends = np.cumsum([2 * start.size, *(np.prod(grid.shape) for grid in grids)])

    def parts(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the canvas and the phase factors on it."""
        pixels, *of_grids, _ = np.split(numbers, ends)
        phase = np.zeros(start.shape, dtype=np.float32)
        for grid, some in zip(grids, of_grids, strict=True):
            phase += grid.phase(some)
        # Of single precision, which a complex exponential takes three times as long for.
        turn = np.empty(start.shape, dtype=np.complex64)
        np.cos(phase, out=turn.real)
        np.sin(phase, out=turn.imag)
        return complex_of(pixels, start.shape) * unit * turn, turn

    def function(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        field, turn = parts(numbers)
        value, gradient = told.pop() if told else objective(field)
        by_phase = _by_phase(field, gradient)
        slopes = [real_of(2 * unit * gradient * turn.conj())]
        return value, np.concatenate([*slopes, *(grid.slope(by_phase) for grid in grids)])

    first = np.zeros(ends[-1])
    first[: ends[0]] = real_of(start / unit)
    return parts(descend(function, first, iterations, _MEMORY))[0]


def grids_of(objective: Objective, start: np.ndarray, gradient: np.ndarray) -> list[Grid]:
    """Return the grids of a canvas (H, W), from a mesh of 8 px to one of half the canvas.

    Parameters
    ----------
    objective : callable
    start : (H, W) complex
    gradient : (H, W) complex
        Of the objective at the start.
    """
    grids = []
    mesh = _MESH_PX
    before = _by_phase(start, gradient)
    while 2 * mesh <= max(start.shape):
        rows, cols = (_hats(pixels, mesh) for pixels in start.shape)
        grid = Grid(rows, cols, 1.0)
        curvature = _curvature(objective, start, before, grid)
        # Where nothing curves, as behind no light at all, there is nothing to be found.
        if curvature > 0:
            # Pixels curve by two in their units: real and imaginary part by one each.
            grids.append(grid._replace(unit=float(np.sqrt(2 / curvature))))
        mesh *= _WIDER
    return grids


def _curvature(objective: Objective, start: np.ndarray, before: np.ndarray, grid: Grid) -> float:
    """Return the mean curvature along the numbers of a grid: along a random change of them."""
    numbers = generator(0, "training", *grid.shape).normal(size=np.prod(grid.shape))
    change = grid.phase(numbers)
    field = (start * np.exp(1j * _TURN * change)).astype(np.complex64)
    bent = _by_phase(field, objective(field)[1]) - before
    return float(np.sum(change * bent) / _TURN / np.sum(numbers**2))


def _by_phase(field: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the slope (H, W) of a function along the phase of each pixel."""
    return np.asarray(2 * (gradient * field.conj()).imag)


def _hats(pixels: int, mesh: int) -> np.ndarray:
    """Return hat functions (pixels, k) float32, the first and the last at the ends."""
    meshes = max(round((pixels - 1) / mesh), 1)
    at = np.arange(pixels) * (meshes / max(pixels - 1, 1))
    off = np.abs(at[:, None] - np.arange(meshes + 1))
    return np.asarray(np.maximum(0, 1 - off), dtype=np.float32)


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
    # A step costs one evaluation, and now and then a second: more are a search in rounding errors.
    found = scipy.optimize.minimize(
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
