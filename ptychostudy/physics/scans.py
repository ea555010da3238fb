"""Scan positions: where the centre of the window sits for each frame.

Every kind puts about one position on each ``step_px ** 2`` of the rectangle, so kinds can be
exchanged at equal dose per object pixel. Positions are real-valued, ``(row, col)`` in object
pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Points = NDArray[np.float64]
# The angle that no multiple of a turn repeats: points of a spiral never line up to spokes.
_GOLDEN_ANGLE_RAD = np.pi * (3.0 - np.sqrt(5.0))
# Lines of a fly scan are twice as far apart as its frames along a line.
_FLY_ASPECT = 2.0


@dataclass(frozen=True)
class _Kind:
    """How a kind of scan is traced: (extent, step, jitter, rng) -> (k, 2) points."""

    trace: Callable[[_Points, float, float, np.random.Generator], _Points]
    jitter_steps: float
    """Largest displacement where none is asked for, in steps."""


def make_scan(
    kind: str,
    low: tuple[float, float],
    high: tuple[float, float],
    step_px: float,
    rng: np.random.Generator,
    *,
    jitter_px: float | None = None,
) -> NDArray[np.float64]:
    """Scan a rectangle.

    Parameters
    ----------
    kind : {'raster', 'fermat', 'fly', 'random'}
        ``raster``: serpentine square lattice, each position jittered. ``fermat``: spiral with the
        golden angle, cut to the rectangle, started at a random angle. ``fly``: serpentine lines
        along the columns, frames twice as dense along a line as lines are among each other; each
        line is displaced as a whole. ``random``: uniform.
    low, high : (float, float)
        Smallest and largest allowed window centre (row, col) in object pixels, inclusive.
    step_px : float
        Square root of the area per position.
    rng : numpy.random.Generator
        Source of every random number.
    jitter_px : float, optional
        Largest displacement on each axis, uniform in both directions; default ``step_px / 4`` for
        ``raster`` and ``fly`` (where it moves lines across their direction), 0 otherwise. A raster
        without jitter has periodic artefacts that no data can remove (Fannjiang, arXiv:1810.00852).

    Returns
    -------
    (k, 2) float64
        Positions in the order of measurement.

    Raises
    ------
    ValueError
        If the kind is unknown, the rectangle is empty, or a length is out of range.
    """
    first = np.asarray(low, dtype=np.float64)
    last = np.asarray(high, dtype=np.float64)
    if kind not in _KINDS:
        raise ValueError(f"scan kind must be one of {sorted(_KINDS)}, found {kind!r}")
    if not np.all(last > first):
        raise ValueError(
            f"scan rectangle is empty: low {low}, high {high}; high must exceed low on both axes"
        )
    _check_step(step_px)
    jitter = _jitter(_KINDS[kind], step_px, jitter_px)
    positions = first + _KINDS[kind].trace(last - first, float(step_px), jitter, rng)
    # Jitter may lead across the edge, where the window would leave the object.
    return np.clip(positions, first, last)


def _check_step(step_px: float) -> None:
    if not (np.isfinite(step_px) and step_px > 0):
        raise ValueError(f"step_px must be positive, found {step_px}")


def _jitter(kind: _Kind, step_px: float, jitter_px: float | None) -> float:
    jitter = kind.jitter_steps * step_px if jitter_px is None else float(jitter_px)
    if not 0 <= jitter < np.inf:
        raise ValueError(f"jitter_px must be zero or positive, found {jitter_px}")
    return jitter


def _cell_centres(length: float, step: float) -> _Points:
    """Divide a length into equal cells of about one step and return their centres."""
    count = max(1, round(length / step))
    return np.arange(0.5, count) * (length / count)


def _shaken(points: _Points, jitter: float, rng: np.random.Generator) -> _Points:
    return points + rng.uniform(-jitter, jitter, points.shape)


def _serpentine(rows: _Points, lines: list[_Points]) -> _Points:
    """Return the points of lines along the columns, every second of them walked backwards."""
    points = []
    for number, (row, cols) in enumerate(zip(rows, lines, strict=True)):
        forth = cols[:: (-1) ** number]
        points.append(np.stack([np.full(forth.shape, row), forth], -1))
    return np.concatenate(points)


def _raster(extent: _Points, step: float, jitter: float, rng: np.random.Generator) -> _Points:
    rows = _cell_centres(extent[0], step)
    cols = _cell_centres(extent[1], step)
    return _shaken(_serpentine(rows, [cols] * len(rows)), jitter, rng)


def _fermat(extent: _Points, step: float, jitter: float, rng: np.random.Generator) -> _Points:
    start = rng.uniform(0, 2 * np.pi)
    spiral = _spiral(np.hypot(*extent) / 2, step, start)
    spiral += extent / 2 + rng.uniform(-jitter, jitter, spiral.shape)
    inside = np.all((spiral >= 0) & (spiral <= extent), axis=1)
    # A rectangle thinner than the first turn would leave nothing: the centre always belongs to it.
    return spiral[inside] if inside.any() else extent[None] / 2


def _spiral(reach: float, step: float, start: float) -> _Points:
    """Return Vogel's spiral about the origin, with one point on each ``step ** 2``.

    Its k-th point has the radius ``c sqrt(k)``, that is an area of ``pi c^2`` per point
    (doi:10.1016/0025-5564(79)90080-4), so ``c = step / sqrt(pi)``.
    """
    scale = step / np.sqrt(np.pi)
    k = np.arange(int(np.ceil((reach / scale) ** 2)) + 1)
    angle = k * _GOLDEN_ANGLE_RAD + start
    # Half a point further out: the first point is the middle of its area, not the centre.
    radius = scale * np.sqrt(k + 0.5)
    spiral: _Points = radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], -1)
    return spiral


def _fly(extent: _Points, step: float, jitter: float, rng: np.random.Generator) -> _Points:
    # The two pitches multiply to step^2, as for all kinds.
    rows = _cell_centres(extent[0], step * np.sqrt(_FLY_ASPECT))
    cols = _cell_centres(extent[1], step / np.sqrt(_FLY_ASPECT))
    rows = _shaken(rows, jitter, rng)
    # The exposure clock is not locked to the stage: each line begins at its own part of a frame.
    starts = rng.uniform(-0.5, 0.5, rows.shape) * (extent[1] / len(cols))
    return _serpentine(rows, [cols + start for start in starts])


def _random(extent: _Points, step: float, jitter: float, rng: np.random.Generator) -> _Points:
    count = max(1, round(float(np.prod(extent)) / step**2))
    points = rng.uniform(0, 1, (count, 2)) * extent
    return _shaken(points, jitter, rng)


_KINDS = {
    "raster": _Kind(_raster, 0.25),
    "fermat": _Kind(_fermat, 0.0),
    "fly": _Kind(_fly, 0.25),
    "random": _Kind(_random, 0.0),
}
