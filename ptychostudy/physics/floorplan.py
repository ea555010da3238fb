"""Floorplan of a circuit: three binary layers of rectilinear features at several scales.

All lengths are in units of a feature, so that a finer chip is the same chip, drawn smaller.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

_CELL_FEATURES = 14
_TRACE = 0.85
# One bundle of traces on so many features squared.
_BUS_FEATURES = 22


def draw_circuit(
    shape: tuple[int, int], feature_px: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the layers of a chip-like object.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    feature_px : float
        Typical width of a trace; pads are up to four times, vias and the finest gratings about half
        as wide.
    rng : numpy.random.Generator
        Source of every random number.

    Returns
    -------
    blocks, buses, vias : (H, W) float64
        Layers with levels in [0, 1]: cells of the floorplan; bundles of traces that bend once, over
        the cells; vias on the traces.
    """
    blocks = np.zeros(shape)
    buses = np.zeros(shape)
    vias = np.zeros(shape)
    _fill_rooms(blocks, feature_px, rng)
    for _ in range(_bus_count(shape, feature_px)):
        _route_bus(buses, vias, feature_px, rng)
    return blocks, buses, vias


def _fill_rooms(blocks: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    street = _at_least_one(0.4 * feature)
    rows, cols = blocks.shape
    for room in _divide((rows, cols), _CELL_FEATURES * feature, rng):
        cell = room.without_rim(blocks, street)
        if min(cell.shape) > 2 * feature:
            fill = _FILLS[rng.integers(len(_FILLS))]
            fill(cell, feature, rng)


def _bus_count(shape: tuple[int, int], feature: float) -> int:
    area = shape[0] * shape[1]
    return max(2, round(area / (_BUS_FEATURES * feature) ** 2))


def _part(layer: np.ndarray, row: int, col: int, height: int, width: int) -> np.ndarray:
    """Return a rectangle of a layer, to draw in."""
    return layer[row : row + height, col : col + width]


@dataclass(frozen=True)
class _Room:
    """A rectangle of the floorplan, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def halves(self, share: float) -> "list[_Room]":
        """Cut across the longer side."""
        if self.height >= self.width:
            return self._across_rows(int(share * self.height))
        return self._across_cols(int(share * self.width))

    def _across_rows(self, cut: int) -> "list[_Room]":
        below = replace(self, top=self.top + cut, height=self.height - cut)
        return [replace(self, height=cut), below]

    def _across_cols(self, cut: int) -> "list[_Room]":
        beside = replace(self, left=self.left + cut, width=self.width - cut)
        return [replace(self, width=cut), beside]

    def without_rim(self, layer: np.ndarray, gap: int) -> np.ndarray:
        """Return the part of a layer, to draw in, that leaves streets between the rooms."""
        height = self.height - 2 * gap
        width = self.width - 2 * gap
        return _part(layer, self.top + gap, self.left + gap, height, width)


def _divide(shape: tuple[int, int], largest: float, rng: np.random.Generator) -> list[_Room]:
    """Cut a rectangle in two, again and again, until no side exceeds ``largest``."""
    waiting = [_Room(0, 0, *shape)]
    done = []
    while waiting:
        room = waiting.pop()
        share = rng.uniform(0.3, 0.7)
        # The limit is drawn for each room, or all rooms would be of about one size.
        if max(room.height, room.width) <= largest * rng.uniform(0.6, 1.2):
            done.append(room)
        else:
            waiting += room.halves(share)
    return done


def _at_least_one(value: float) -> int:
    """Round a length or a number of things that must not vanish."""
    return max(1, round(value))


def _some_pixels(feature: float, low: float, high: float, rng: np.random.Generator) -> int:
    """Draw a length between two multiples of a feature."""
    return _at_least_one(feature * rng.uniform(low, high))


def _fill_grating(cell: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    """Draw parallel lines of one width, along rows or columns, as in a memory array."""
    lines = cell if rng.random() < 0.5 else cell.T
    width = _at_least_one(feature * rng.choice([0.5, 0.75, 1.0]))
    bright = np.arange(len(lines)) % (2 * width) < width
    lines[bright] = rng.uniform(0.55, 0.95)


def _fill_pads(cell: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    """Draw a regular array of square pads, some of them missing."""
    side = _some_pixels(feature, 0.7, 2.0, rng)
    pitch = side + _some_pixels(feature, 0.6, 1.2, rng)
    level = rng.uniform(0.6, 1.0)
    for row, col in _lattice(cell.shape, side, pitch):
        _part(cell, row, col, side, side)[:] = level * (rng.random() < 0.88)


def _lattice(shape: tuple[int, ...], side: int, pitch: int) -> Iterator[tuple[int, int]]:
    """Yield the corners of the squares that fit a cell whole, row by row."""
    rows = range(0, shape[0] - side + 1, pitch)
    cols = range(0, shape[1] - side + 1, pitch)
    yield from product(rows, cols)


def _fill_plate(cell: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    """Draw a plate with rectangular windows."""
    cell[:] = rng.uniform(0.35, 0.8)
    for _ in range(_at_least_one(cell.size / (6 * feature) ** 2)):
        _cut_window(cell, feature, rng)


def _cut_window(cell: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    height = _some_pixels(feature, 0.7, 3.0, rng)
    width = _some_pixels(feature, 0.7, 3.0, rng)
    row = _place(cell.shape[0], height, rng)
    col = _place(cell.shape[1], width, rng)
    _part(cell, row, col, height, width)[:] = 0.0


def _place(length: int, size: int, rng: np.random.Generator) -> int:
    """Draw where something of a size may begin; at the edge if it does not fit."""
    return int(rng.integers(0, max(1, length - size)))


def _fill_rings(cell: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    """Draw nested frames, opened at one place, as in a guard ring or an inductor."""
    rows, cols = cell.shape
    width = _some_pixels(feature, 0.6, 1.0, rng)
    level = rng.uniform(0.6, 1.0)
    slot = _place(cols, width, rng)
    for inset in range(0, min(rows, cols) // 2, 2 * width):
        _draw_ring(cell, inset, width, level)
    _part(cell, 0, slot, rows // 2, width)[:] = 0.0


def _draw_ring(cell: np.ndarray, inset: int, width: int, level: float) -> None:
    rows, cols = cell.shape
    ring = cell[inset : rows - inset, inset : cols - inset]
    # From the outside in: a filled rectangle, with a smaller one taken out.
    ring[:] = level
    ring[width:-width, width:-width] = 0.0


def _fill_logic(cell: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    """Draw rows of short bars of random length between two supply rails."""
    width = _at_least_one(0.6 * feature)
    for row in range(0, cell.shape[0] - width + 1, 2 * width):
        _fill_bars(cell[row : row + width], feature, rng)
    # Last, for the rails run over the bars.
    cell[:, :width] = cell[:, -width:] = 0.95


def _fill_bars(strip: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    """Draw one row of bars; the last may be cut off."""
    col = 0
    while col < strip.shape[1]:
        length = _some_pixels(feature, 0.6, 4.0, rng)
        gap = _some_pixels(feature, 0.5, 1.2, rng)
        strip[:, col : col + length] = rng.uniform(0.5, 0.9)
        col += length + gap


# Logic stands twice: it is drawn twice as often as each of the others.
_FILLS = (_fill_grating, _fill_pads, _fill_plate, _fill_rings, _fill_logic, _fill_logic)


@dataclass(frozen=True)
class _Bus:
    """Parallel traces that run along the rows and all turn into the columns, in pixels."""

    width: int
    count: int
    row: int
    col: int
    along: int
    """From where the traces begin to where the outermost one turns."""
    across: int
    """From the turn to the end."""
    down: bool
    """Whether they turn to larger rows."""

    @property
    def pitch(self) -> int:
        return 2 * self.width

    def turn(self, number: int) -> int:
        """Return the column at which a trace turns: the outer ones later, so that none cross."""
        inner = number if self.down else self.count - 1 - number
        return self.col + self.along - inner * self.pitch

    def ends(self, line: int) -> tuple[int, int]:
        """Return the first row and that past the last of the part along the columns."""
        if self.down:
            return line, line + self.across
        return max(0, line - self.across), line + self.width


def _make_bus(shape: tuple[int, ...], feature: float, rng: np.random.Generator) -> _Bus:
    # Keywords are evaluated as they stand here, and in this order the numbers are drawn.
    return _Bus(
        width=_at_least_one(feature * rng.choice([0.5, 0.75, 1.0, 1.5])),
        count=int(rng.integers(1, 7)),
        row=int(rng.integers(0, shape[0])),
        col=int(rng.integers(0, shape[1])),
        along=round(feature * rng.uniform(6, 30)),
        across=round(feature * rng.uniform(6, 30)),
        down=bool(rng.random() < 0.5),
    )


def _route_bus(
    buses: np.ndarray, vias: np.ndarray, feature: float, rng: np.random.Generator
) -> None:
    """Draw parallel traces that turn once, with vias where they begin and end."""
    # Half of them begin along the columns: the same drawing on transposed layers.
    if rng.random() < 0.5:
        buses = buses.T
        vias = vias.T
    bus = _make_bus(buses.shape, feature, rng)
    for number in range(bus.count):
        _draw_trace(buses, vias, bus, number)


def _draw_trace(buses: np.ndarray, vias: np.ndarray, bus: _Bus, number: int) -> None:
    width = bus.width
    line = bus.row + number * bus.pitch
    turn = bus.turn(number)
    first, last = bus.ends(line)
    start = max(0, turn)  # a negative column would count from the other end
    buses[line : line + width, bus.col : turn] = _TRACE
    buses[first:last, start : start + width] = _TRACE
    _drop_via(vias, line, bus.col, width)
    _drop_via(vias, last - width if bus.down else first, turn, width)


def _drop_via(vias: np.ndarray, row: int, col: int, width: int) -> None:
    """Mark a square one pixel wider than the trace, where it lies in the frame."""
    vias[_within(row - 1, row + width + 1), _within(col - 1, col + width + 1)] = 1.0


def _within(first: int, end: int) -> slice:
    """Return a slice without what lies before the frame; NumPy itself stops at its end."""
    return slice(max(0, first), max(0, end))
