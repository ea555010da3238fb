"""Scan positions: where the centre of the window sits for each frame.

Every kind puts about one position on each ``step_px ** 2`` of the rectangle, so kinds can be exchanged at equal dose
per object pixel. Positions are real-valued, ``(row, col)`` in object pixels.
"""

import numpy as np
from numpy.typing import NDArray

_GOLDEN_ANGLE_RAD = np.pi * (3.0 - np.sqrt(5.0))
_FLY_ASPECT = 2.0


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
        ``raster``: serpentine square lattice, each position jittered. ``fermat``: spiral with the golden angle, cut to
        the rectangle, started at a random angle. ``fly``: serpentine lines along the columns, frames twice as dense
        along a line as lines are among each other; each line is displaced as a whole. ``random``: uniform.
    low, high : (float, float)
        Smallest and largest allowed window centre (row, col) in object pixels, inclusive.
    step_px : float
        Square root of the area per position.
    rng : numpy.random.Generator
        Source of every random number.
    jitter_px : float, optional
        Largest displacement on each axis, uniform in both directions; default ``step_px / 4`` for ``raster`` and
        ``fly`` (where it moves lines across their direction), 0 otherwise. A raster without jitter has periodic
        artefacts that no data can remove (Fannjiang, arXiv:1810.00852).

    Returns
    -------
    (k, 2) float64
        Positions in the order of measurement.

    Raises
    ------
    ValueError
        If the kind is unknown, the rectangle is empty, or a length is out of range.
    """
    low_, high_ = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    if kind not in _KINDS:
        raise ValueError(f"scan kind must be one of {sorted(_KINDS)}, found {kind!r}")
    if not np.all(high_ > low_):
        raise ValueError(
            f"scan rectangle is empty: low {low}, high {high}; high must exceed low on both axes"
        )
    if not (np.isfinite(step_px) and step_px > 0):
        raise ValueError(f"step_px must be positive, found {step_px}")
    trace, default_jitter = _KINDS[kind]
    jitter = default_jitter * step_px if jitter_px is None else float(jitter_px)
    if not 0 <= jitter < np.inf:
        raise ValueError(f"jitter_px must be zero or positive, found {jitter_px}")
    positions = low_ + trace(high_ - low_, float(step_px), jitter, rng)
    return np.clip(positions, low_, high_)


def _cell_centres(length: float, step: float) -> NDArray[np.float64]:
    """Divide a length into equal cells of about one step and return their centres."""
    count = max(1, round(length / step))
    return np.arange(0.5, count) * (length / count)


def _raster(
    extent: NDArray[np.float64], step: float, jitter: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    cols = _cell_centres(extent[1], step)
    lines = [
        np.stack([np.full(cols.shape, r), cols[:: (-1) ** k]], -1)
        for k, r in enumerate(_cell_centres(extent[0], step))
    ]
    lattice = np.concatenate(lines)
    return lattice + rng.uniform(-jitter, jitter, lattice.shape)


def _fermat(
    extent: NDArray[np.float64], step: float, jitter: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Vogel's spiral (doi:10.1016/0025-5564(79)90080-4): equal area ``pi c^2`` per point, so c = step / sqrt(pi)."""
    scale = step / np.sqrt(np.pi)
    k = np.arange(int(np.ceil((np.hypot(*extent) / 2 / scale) ** 2)) + 1)
    angle = k * _GOLDEN_ANGLE_RAD + rng.uniform(0, 2 * np.pi)
    radius = scale * np.sqrt(k + 0.5)
    spiral = radius[:, None] * np.stack([np.sin(angle), np.cos(angle)], -1)
    spiral += extent / 2 + rng.uniform(-jitter, jitter, spiral.shape)
    inside = np.all((spiral >= 0) & (spiral <= extent), axis=1)
    # A rectangle thinner than the first turn would leave nothing: the centre always belongs to the scan.
    return spiral[inside] if inside.any() else extent[None] / 2


def _fly(
    extent: NDArray[np.float64], step: float, jitter: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    rows = _cell_centres(extent[0], step * np.sqrt(_FLY_ASPECT))
    cols = _cell_centres(extent[1], step / np.sqrt(_FLY_ASPECT))
    rows = rows + rng.uniform(-jitter, jitter, rows.shape)
    # The exposure clock is not locked to the stage: each line begins at its own fraction of a frame.
    starts = rng.uniform(-0.5, 0.5, rows.shape) * (extent[1] / len(cols))
    lines = [
        np.stack([np.full(cols.shape, r), (cols + s)[:: (-1) ** k]], -1)
        for k, (r, s) in enumerate(zip(rows, starts, strict=True))
    ]
    return np.concatenate(lines)


def _random(
    extent: NDArray[np.float64], step: float, jitter: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    count = max(1, round(float(np.prod(extent)) / step**2))
    points = rng.uniform(0, 1, (count, 2)) * extent
    return points + rng.uniform(-jitter, jitter, points.shape)


_KINDS = {
    "raster": (_raster, 0.25),
    "fermat": (_fermat, 0.0),
    "fly": (_fly, 0.25),
    "random": (_random, 0.0),
}
