"""Illumination by a whole scan: density of frames, photons per pixel, the multiplicity map."""

import math

import numpy as np
import skimage

from ptychostudy.physics.convolution import convolved
from ptychostudy.physics.hull import hull_corners, polygon_area
from ptychostudy.physics.windows import corners, inside

# Rows so near to a corner of the hull, in pixels, are asked of pixel by pixel: along an edge that
# hardly rises, the place where it meets them is uncertain.
_AT_CORNER = 1e-3
# The four pixels around a real-valued place, from the one above and before it.
_NEIGHBOURS = ((0, 0), (0, 1), (1, 0), (1, 1))


def frames_per_pixel(positions: np.ndarray) -> float:
    """Return the density of a scan, frames per object pixel of the area that the frames stand for.

    Each frame stands for a square of one step; together they reach half a step beyond the convex
    hull of the positions (area A, perimeter U). So ``k s^2 = A + U s / 2 + s^2`` is solved for the
    step s, and the density is ``1 / s^2``. This is exact for square lattices that fill a rectangle,
    and for a single line.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres in object pixels; repeated positions count, since each is an exposure.

    Returns
    -------
    float
        Frames per pixel; 0 when fewer than two distinct positions leave it undefined.
    """
    points = np.asarray(positions, dtype=np.float64)
    if len(points) == 0 or not np.ptp(points, axis=0).any():
        return 0.0
    step = _step(len(points), *_hull_size(points))
    return float(step**-2)


def _step(frames: int, area: float, perimeter: float) -> float:
    """Return the positive root of ``(k - 1) s^2 - U s / 2 - A = 0``."""
    more = frames - 1
    root: float = (perimeter / 2 + np.sqrt(perimeter**2 / 4 + 4 * more * area)) / (2 * more)
    return root


def photons_per_pixel(dose: float, density: float) -> float:
    """Return n, the detected photons per object pixel over the scan.

    No unbiased estimate of the phase beats ``1 / sqrt(2 n)`` (Dwyer & Paganin 2024,
    doi:10.1103/PhysRevB.110.024110).

    Parameters
    ----------
    dose : float
        Mean detected photons per frame.
    density : float
        Frames per object pixel, as from `frames_per_pixel`.

    Returns
    -------
    float
        ``dose * density``.

    Raises
    ------
    ValueError
        If either is negative or not finite.
    """
    if not (0 <= dose < np.inf and 0 <= density < np.inf):
        raise ValueError(
            f"dose and density must be finite and not negative, found {dose} and {density}"
        )
    return float(dose) * float(density)


def multiplicity_map(
    probe: np.ndarray, positions: np.ndarray, *, origin: tuple[int, int], shape: tuple[int, int]
) -> np.ndarray:
    """Return how many frames see each object pixel, each frame weighted by its illumination.

    A frame adds ``|P|^2 / sum |P|^4 * sum |P|^2``: a flat disc adds 1 inside and 0 outside, and for
    any probe the mean of one frame's contribution over its own photons is 1. Fractions of positions
    are shared by the four pixels around them (bilinear), which lets one convolution serve any
    number of frames.

    Parameters
    ----------
    probe : (N, N) complex
        Probe in the window's centre.
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    origin : (int, int)
        Object pixel (row, col) of the map's element [0, 0].
    shape : (int, int)
        Rows and columns of the map; light that falls outside is cut off.

    Returns
    -------
    (H, W) float64
        Multiplicity, not negative.
    """
    rows, cols = shape
    n = probe.shape[-1]
    # Every centre whose window reaches the map lies within n pixels of it.
    centres = np.zeros((rows + 2 * n, cols + 2 * n))
    _deposit(centres, np.asarray(positions, dtype=np.float64) - np.array(origin) + n)
    summed = convolved(centres, _contribution(probe))
    # The map lies n pixels inside, and a window's centre n // 2 pixels behind its corner.
    first = n + n // 2
    seen = summed[first : first + rows, first : first + cols]
    # The FFT leaves rounding noise of both signs where no light falls.
    multiplicity: np.ndarray = np.maximum(seen, 0.0, out=seen)
    return multiplicity


def _contribution(probe: np.ndarray) -> np.ndarray:
    """Return what one frame adds to the multiplicity, (N, N)."""
    power = np.abs(probe) ** 2
    share: np.ndarray = power * (power.sum() / (power**2).sum())
    return share


def hull_mask(
    positions: np.ndarray, *, origin: tuple[int, int], shape: tuple[int, int]
) -> np.ndarray:
    """Return the (H, W) bool mask of object pixels inside the convex hull of the positions.

    The pixel nearest to each position always belongs to it, so that a line scan or one frame has a
    mask too.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    origin, shape : (int, int)
        Object pixel of the mask's element [0, 0]; rows and columns.
    """
    points = np.asarray(positions, dtype=np.float64) - np.array(origin)
    mask = _nearest_mask(points, shape)
    hull = hull_corners(points)
    if hull is not None:
        mask |= _enclosed(hull, shape)
    return mask


def _enclosed(hull: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the (H, W) mask of the pixels inside a convex polygon of corners (k, 2) or on it.

    Pixel for pixel that of ``skimage.draw.polygon``, which asks for each pixel of the rectangle
    about the polygon; here that is asked only within a pixel of its edges.
    """
    low, high = _chords(hull, shape[0])
    cols = np.arange(shape[1])
    enclosed: np.ndarray = (cols > low + 1) & (cols < high - 1)
    asked = (cols > low - 1) & (cols < high + 1) & ~enclosed
    uncertain = _rows_of_corners(hull, shape[0])
    asked[uncertain] = True
    pixels = np.argwhere(asked)
    enclosed[asked] = skimage.measure.points_in_poly(pixels[:, ::-1], hull[:, ::-1])
    return enclosed


def _chords(hull: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and last column (rows, 1) of each pixel row inside a convex polygon.

    Infinite, and in the wrong order, where it does not reach.
    """
    low = np.full((rows, 1), np.inf)
    high = -low
    for (row, col), (end, end_col) in zip(hull, np.roll(hull, -1, axis=0), strict=True):
        crossed = _whole_between(row, end, rows)
        # A level edge crosses no row, or lies on one: then its corners do.
        if row == end or not crossed.size:
            continue
        meets = col + (crossed - row) * ((end_col - col) / (end - row))
        low[crossed, 0] = np.minimum(low[crossed, 0], meets)
        high[crossed, 0] = np.maximum(high[crossed, 0], meets)
    return low, high


def _whole_between(one: float, other: float, size: int) -> np.ndarray:
    """Return the whole numbers from one real number to another that are indices of an axis."""
    first, last = sorted((one, other))
    return np.arange(max(math.ceil(first), 0), min(math.floor(last) + 1, size))


def _rows_of_corners(hull: np.ndarray, rows: int) -> np.ndarray:
    """Return the pixel rows on which a corner of the hull lies, or nearly."""
    nearest = np.rint(hull[:, 0])
    close = np.abs(hull[:, 0] - nearest) < _AT_CORNER
    on_grid = (nearest >= 0) & (nearest < rows)
    return np.asarray(nearest[close & on_grid].astype(np.int64))


def _nearest_mask(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the mask of the pixels nearest to points; a window of one pixel is that pixel."""
    mask = np.zeros(shape, dtype=bool)
    nearest = corners(points, 1)
    rows, cols = nearest[inside(nearest, 1, shape)].T
    mask[rows, cols] = True
    return mask


def _deposit(grid: np.ndarray, points: np.ndarray) -> None:
    """Add one to a contiguous grid at real-valued (row, col) places, shared bilinearly.

    What lies off the grid is left out.
    """
    whole = np.floor(points).astype(np.int64)
    on_grid = inside(whole, 2, grid.shape)
    below, beside = (points - whole)[on_grid].T
    width = grid.shape[1]
    pixels = whole[on_grid] @ [width, 1]
    flat = grid.reshape(-1)
    for down, right in _NEIGHBOURS:
        weight = np.abs(1 - down - below) * np.abs(1 - right - beside)
        # Not ``flat[...] += weight``, which counts places that share a pixel once; and by one index
        # a pixel, which is three times as fast as by two.
        np.add.at(flat, pixels + (down * width + right), weight)


def _hull_size(points: np.ndarray) -> tuple[float, float]:
    """Return area and perimeter of the convex hull; a line has two sides."""
    hull = hull_corners(points)
    if hull is None:
        return 0.0, 2.0 * _length(points)
    sides = np.linalg.norm(np.roll(hull, -1, axis=0) - hull, axis=1)
    return polygon_area(hull), float(sides.sum())


def _length(points: np.ndarray) -> float:
    """Return the length of points on a line, along the direction in which they vary most."""
    about_mean = points - points.mean(axis=0)
    directions = np.linalg.svd(about_mean, full_matrices=False)[2]
    return float(np.ptp(points @ directions[0]))
