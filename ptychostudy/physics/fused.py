"""The steps of a likelihood between its transforms, each one pass over a frame.

NumPy takes a pass over a block for each operation, and between two of them the block leaves the
inner cache. These loops are plain Python, to be compiled (Numba: Lam, Pitrou & Seibert, LLVM-HPC
(2015)); interpreted they say the same, a thousand times as slow. Real and imaginary parts lie side
by side in rows of 2 N numbers, which a compiler turns into vectors.

Nothing is checked here: whoever calls sees to it that windows lie in the canvas.
"""

from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Taken(NamedTuple):
    """An argument, for a compiler: rows of it lie one after the other in memory.

    Attributes
    ----------
    kind : str
        Of its numbers, as NumPy has it.
    axes : int
        None of a single number.
    made : bool
        Whether it is written to.
    """

    kind: str
    axes: int = 0
    made: bool = False


CORNERS = Taken("i8", 2)
FIELD, FRAMES, WAVES = (Taken("f4", axes) for axes in (2, 3, 4))
FIELD_MADE, FRAMES_MADE, WAVES_MADE = (Taken("f4", axes, made=True) for axes in (2, 3, 4))
"""What the functions take."""

EXPOSE = (FIELD, WAVES, CORNERS, WAVES_MADE)
COMPARE = {
    kind: (WAVES_MADE, Taken(kind, 3), FIELD, Taken("f4"), FRAMES_MADE)
    for kind in ("u1", "u2", "f4")
}
"""By the kind of the counts."""
POWER = (WAVES, FRAMES_MADE)
WEIGH = (WAVES_MADE, FRAMES)
PLACE = (WAVES, WAVES, CORNERS, FIELD_MADE)
TURN = (FRAMES, FIELD, FIELD, WAVES_MADE)


def expose(field: Array, probes: Array, corners: Array, waves: Array) -> None:
    """Let the window of each frame pass its probe, once for each mode.

    Parameters
    ----------
    field : (H, 2 W) float32
    probes : (m, b, N, 2 N) float32
    corners : (b, 2) int
        First pixel of each window.
    waves : (m, b, N, 2 N) float32
        What is made.
    """
    modes, frames, side, _ = waves.shape
    for k in range(frames):
        row, col = corners[k, 0], corners[k, 1]
        for j in range(modes):
            for y in range(side):
                seen = field[row + y, 2 * col : 2 * (col + side)]
                probe = probes[j, k, y]
                wave = waves[j, k, y]
                for x in range(side):
                    a, b = seen[2 * x], seen[2 * x + 1]
                    c, d = probe[2 * x], probe[2 * x + 1]
                    wave[2 * x] = a * c - b * d
                    wave[2 * x + 1] = a * d + b * c


def compare(
    waves: Array, counts: Array, mask: Array, background: np.float32, ratio: Array
) -> float:
    """Compare far fields with counts, and leave in their place what is to be laid back.

    Parameters
    ----------
    waves : (m, b, N, 2 N) float32
        Far fields; afterwards times ``1 - counts / expected``.
    counts : (b, N, N) uint8, uint16 or float32
    mask : (N, N) float32
        One where a pixel counts, else zero.
    background : float32
        Expected counts are ``|waves|^2 + background``, all modes added.
    ratio : (b, N, N) float32
        What is made: counts over expected ones.

    Returns
    -------
    float
        Sum of the expected counts of valid pixels.
    """
    modes, frames, side, _ = waves.shape
    one = np.float32(1)
    power = np.empty(side, np.float32)
    # A column each: vectors of any length add up the same numbers in the same order.
    columns = np.empty(side, np.float64)
    total = 0.0
    for k in range(frames):
        columns[:] = 0
        for y in range(side):
            wave = waves[0, k, y]
            for x in range(side):
                a, b = wave[2 * x], wave[2 * x + 1]
                power[x] = a * a + b * b
            for j in range(1, modes):
                wave = waves[j, k, y]
                for x in range(side):
                    a, b = wave[2 * x], wave[2 * x + 1]
                    power[x] += a * a + b * b
            counted, valid, quotient = counts[k, y], mask[y], ratio[k, y]
            for x in range(side):
                expected = power[x] + background
                columns[x] += valid[x] * expected
                quotient[x] = np.float32(counted[x]) / expected
                power[x] = valid[x] * (one - quotient[x])
            for j in range(modes):
                wave = waves[j, k, y]
                for x in range(side):
                    wave[2 * x] *= power[x]
                    wave[2 * x + 1] *= power[x]
        for x in range(side):
            total += columns[x]
    return total


def power(waves: Array, found: Array) -> None:
    """Add up the squared moduli of all modes.

    Parameters
    ----------
    waves : (m, b, N, 2 N) float32
    found : (b, N, N) float32
        What is made.
    """
    modes, frames, side, _ = waves.shape
    for k in range(frames):
        for y in range(side):
            made = found[k, y]
            made[:] = 0
            for j in range(modes):
                wave = waves[j, k, y]
                for x in range(side):
                    a, b = wave[2 * x], wave[2 * x + 1]
                    made[x] += a * a + b * b


def weigh(waves: Array, factor: Array) -> None:
    """Multiply waves (m, b, N, 2 N) float32 by a factor (b, N, N) float32 of each pixel."""
    modes, frames, side, _ = waves.shape
    for j in range(modes):
        for k in range(frames):
            for y in range(side):
                wave = waves[j, k, y]
                own = factor[k, y]
                for x in range(side):
                    wave[2 * x] *= own[x]
                    wave[2 * x + 1] *= own[x]


def place(waves: Array, probes: Array, corners: Array, canvas: Array) -> None:
    """Add conjugate waves times their probes to the windows of a canvas.

    Parameters
    ----------
    waves, probes : (m, b, N, 2 N) float32
    corners : (b, 2) int
        First pixel of each window.
    canvas : (H, 2 W) float32
    """
    modes, frames, side, _ = waves.shape
    for k in range(frames):
        row, col = corners[k, 0], corners[k, 1]
        for y in range(side):
            under = canvas[row + y, 2 * col : 2 * (col + side)]
            for j in range(modes):
                wave = waves[j, k, y]
                probe = probes[j, k, y]
                for x in range(side):
                    a, b = wave[2 * x], wave[2 * x + 1]
                    c, d = probe[2 * x], probe[2 * x + 1]
                    under[2 * x] += a * c + b * d
                    under[2 * x + 1] += a * d - b * c


def turn(spectra: Array, rows: Array, cols: Array, turned: Array) -> None:
    """Multiply the spectra of modes by a ramp along each axis, once for each frame.

    Parameters
    ----------
    spectra : (m, N, 2 N) float
    rows, cols : (b, 2 N) float
        Factors along either axis.
    turned : (m, b, N, 2 N) float
        What is made.
    """
    modes, frames, side, _ = turned.shape
    for j in range(modes):
        for k in range(frames):
            along = cols[k]
            for y in range(side):
                e, f = rows[k, 2 * y], rows[k, 2 * y + 1]
                given = spectra[j, y]
                made = turned[j, k, y]
                for x in range(side):
                    c, d = along[2 * x], along[2 * x + 1]
                    # One ramp of both first: the spectrum is turned once.
                    g, h = e * c - f * d, e * d + f * c
                    a, b = given[2 * x], given[2 * x + 1]
                    made[2 * x] = a * g - b * h
                    made[2 * x + 1] = a * h + b * g
