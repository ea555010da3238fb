"""Patterns of objects: lines, spoke stars, random fields, a circuit; opacity and delay of each.

What a pattern gives has no scale: `ptychostudy.physics.objects` stretches it to spans of amplitude
and phase. Opacity and delay share structures and differ in their contrast.
"""

import numpy as np
import scipy
from numpy.typing import NDArray

from ptychostudy.physics.floorplan import draw_circuit

_Field = NDArray[np.float64]
_Shape = tuple[int, int]
# Of the random fields' spectrum: features of all sizes, the larger ones the stronger.
_POWER = 3.0


def grf(shape: _Shape, feature: float, rng: np.random.Generator) -> tuple[_Field, _Field]:
    """Return two Gaussian random fields with a power-law spectrum, correlated by one half."""
    first = _structures(shape, feature, rng)
    second = _structures(shape, feature, rng)
    # cos and sin of 60 degrees: unit variance again, and a correlation of cos 60.
    return first, 0.5 * first + np.sqrt(0.75) * second


def lines(shape: _Shape, feature: float, rng: np.random.Generator) -> tuple[_Field, _Field]:
    """Return crossing lines of all directions, widths and strengths."""
    opacity = np.zeros(shape)
    delay = np.zeros(shape)
    for _ in range(_line_count(shape, feature)):
        profile = _line(shape, feature, rng)
        opacity += rng.uniform(0.3, 1.0) * profile
        delay += rng.uniform(-0.4, 1.0) * profile
    # Where many lines cross, the sum would take the whole span for a few bright pixels.
    return np.tanh(opacity / 2), np.tanh(delay / 2)


def _line_count(shape: _Shape, feature: float) -> int:
    # Lines cross the whole frame, so their number grows with its side for a constant density.
    diagonal = float(np.hypot(*shape))
    return max(8, round(diagonal / (1.5 * feature)))


def _line(shape: _Shape, feature: float, rng: np.random.Generator) -> _Field:
    """Return the profile, in [0, 1], of a line through a random pixel."""
    angle = rng.uniform(0, np.pi)
    row = rng.uniform(0, shape[0])
    col = rng.uniform(0, shape[1])
    width = feature * 2.0 ** rng.uniform(-1.0, 1.2)
    rows, cols = np.indices(shape)
    across = (rows - row) * np.cos(angle) - (cols - col) * np.sin(angle)
    return _soft_line(np.abs(across), width)


def _soft_line(distance: _Field, width: float) -> _Field:
    # The edge falls over one and a half pixels: a sharp one would be jagged.
    profile: _Field = np.clip((width / 2 - distance) / 1.5 + 0.5, 0, 1)
    return profile


def siemens(shape: _Shape, feature: float, rng: np.random.Generator) -> tuple[_Field, _Field]:
    """Return spoke stars of several sizes over a smooth background."""
    metal, resist = _stars(shape, 16 * feature, rng)
    opacity = metal + 0.12 * _smooth(shape, feature, rng)
    delay = 0.7 * metal - 0.6 * resist + 0.15 * _smooth(shape, feature, rng)
    return opacity, delay


def _stars(shape: _Shape, cell: float, rng: np.random.Generator) -> tuple[_Field, _Field]:
    """Return spokes and rings of a star in each cell, of another size and a bit off its centre."""
    metal = np.zeros(shape)
    resist = np.zeros(shape)
    for centre in _cell_centres(shape, cell):
        place = centre + rng.uniform(-0.12, 0.12, 2) * cell
        radius = 0.5 * cell * rng.uniform(0.8, 1.25)
        star, gaps = _star(shape, place, radius, rng)
        # Stars may overlap, and metal on metal absorbs no more.
        metal = np.maximum(metal, star)
        resist = np.maximum(resist, gaps)
    return metal, resist


def _cell_centres(shape: _Shape, cell: float) -> _Field:
    """Return the centres (k, 2) of a grid of cells of about one size that fills the frame."""
    axes = [_centres(size, cell) for size in shape]
    grid = np.meshgrid(*axes, indexing="ij")
    return np.stack(grid, axis=-1).reshape(-1, 2)


def _centres(size: int, cell: float) -> _Field:
    count = max(1, round(size / cell))
    return (np.arange(count) + 0.5) * size / count


def _star(
    shape: _Shape, centre: _Field, radius: float, rng: np.random.Generator
) -> tuple[_Field, _Field]:
    """Return one spoke star with broken rings, and the plain rings between its spokes' steps."""
    rows, cols = np.indices(shape)
    dy = rows - centre[0]
    dx = cols - centre[1]
    r = np.hypot(dy, dx)
    inside = np.clip(radius - r + 0.5, 0, 1)
    spokes = _spokes(r, np.arctan2(dy, dx), rng)
    broken = _ring_gaps(r, radius)
    return spokes * inside * broken, (1 - broken) * inside


def _spokes(r: _Field, angle: _Field, rng: np.random.Generator) -> _Field:
    """Return spokes that reach outwards without end, half of the turn bright."""
    number = int(rng.integers(8, 19)) * 2
    wave = np.sin(number * angle + rng.uniform(0, 2 * np.pi))
    # Divided by its slope, the wave is a distance in pixels: edges stay one pixel soft at every
    # radius.
    return np.clip(wave * np.maximum(r, 1) / number + 0.5, 0, 1)


def _ring_gaps(r: _Field, radius: float) -> _Field:
    """Return 0 on two rings at 0.43 and 0.81 of the radius, where the spokes are broken, else 1."""
    off_rings = np.abs(np.abs(r / radius - 0.62) - 0.19)
    return np.clip(2 * off_rings * radius - 0.05 * radius, 0, 1)


def circuit(shape: _Shape, feature: float, rng: np.random.Generator) -> tuple[_Field, _Field]:
    """Return layers of traces, gratings, pads and vias over a smooth background."""
    layers = draw_circuit(shape, feature, rng)
    # They are drawn in whole pixels, with edges that no pixel can sample.
    blocks, buses, vias = (scipy.ndimage.gaussian_filter(layer, 0.6) for layer in layers)
    # Every layer has its own ratio of delay to absorption, as different metals have.
    opacity = 0.7 * blocks + 0.3 * buses + 0.5 * vias + 0.08 * _smooth(shape, feature, rng)
    delay = 0.45 * blocks + 0.6 * buses - 0.45 * vias + 0.12 * _smooth(shape, feature, rng)
    return np.tanh(opacity), delay


def _structures(shape: _Shape, feature: float, rng: np.random.Generator) -> _Field:
    """Return a field with structures from a third of a feature to ten of them."""
    return _random_field(shape, rng, longest_px=10 * feature, shortest_px=feature / 3)


def _smooth(shape: _Shape, feature: float, rng: np.random.Generator) -> _Field:
    """Return a background that varies over several features."""
    return _random_field(shape, rng, longest_px=12 * feature, shortest_px=3 * feature)


def _random_field(
    shape: _Shape, rng: np.random.Generator, *, longest_px: float, shortest_px: float
) -> _Field:
    """Return a Gaussian random field of unit variance, with structures between two lengths."""
    # Made twice as large and cut: a Fourier synthesis is periodic, and an object is not.
    padded = [2 * size for size in shape]
    noise = np.fft.fft2(rng.standard_normal(padded))
    periodic = np.fft.ifft2(noise * _gain(padded, longest_px, shortest_px)).real
    return _standard(periodic[: shape[0], : shape[1]])


def _standard(field: _Field) -> _Field:
    """Return a field with mean 0 and standard deviation 1."""
    standard: _Field = (field - field.mean()) / field.std()
    return standard


def _gain(shape: list[int], longest_px: float, shortest_px: float) -> _Field:
    """Return the root of a spectrum ``q^-3``, flat below one frequency and dark above another."""
    q_rows, q_cols = (np.fft.fftfreq(size) for size in shape)
    q = np.hypot(q_rows[:, None], q_cols[None, :])
    power_law = (q**2 + longest_px**-2.0) ** (-_POWER / 4)
    gain: _Field = power_law * np.exp(-((q * shortest_px) ** 2))
    return gain
