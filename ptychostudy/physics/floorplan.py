"""Floorplan of an integrated circuit: three binary layers of rectilinear features at several scales."""

import numpy as np


def draw_circuit(
    shape: tuple[int, int], feature_px: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the layers of a chip-like object.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    feature_px : float
        Typical width of a trace; pads are up to four times, vias and the finest gratings about half as wide.
    rng : numpy.random.Generator
        Source of every random number.

    Returns
    -------
    blocks, buses, vias : (H, W) float64
        Layers with levels in [0, 1]: cells of the floorplan; bundles of traces that bend once, over the cells; vias on
        the traces.
    """
    blocks = np.zeros(shape)
    for top, left, height, width in _divide(shape, 14 * feature_px, rng):
        gap = max(1, round(0.4 * feature_px))
        cell = blocks[top + gap : top + height - gap, left + gap : left + width - gap]
        if min(cell.shape) > 2 * feature_px:
            fill = _FILLS[rng.integers(len(_FILLS))]
            fill(cell, feature_px, rng)
    buses, vias = np.zeros(shape), np.zeros(shape)
    for _ in range(max(2, round(shape[0] * shape[1] / (22 * feature_px) ** 2))):
        _route_bus(buses, vias, feature_px, rng)
    return blocks, buses, vias


def _divide(
    shape: tuple[int, int], largest: float, rng: np.random.Generator
) -> list[tuple[int, int, int, int]]:
    """Cut a rectangle in two, again and again, until no side exceeds ``largest``; return (top, left, height, width)."""
    waiting, done = [(0, 0, *shape)], []
    while waiting:
        top, left, height, width = waiting.pop()
        share = rng.uniform(0.3, 0.7)
        if max(height, width) <= largest * rng.uniform(0.6, 1.2):
            done.append((top, left, height, width))
        elif height >= width:
            cut = int(share * height)
            waiting += [(top, left, cut, width), (top + cut, left, height - cut, width)]
        else:
            cut = int(share * width)
            waiting += [(top, left, height, cut), (top, left + cut, height, width - cut)]
    return done


def _pixels(value: float) -> int:
    return max(1, round(value))


def _fill_grating(cell: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    """Draw parallel lines of one width, along rows or columns, as in a memory array."""
    lines = cell if rng.random() < 0.5 else cell.T
    width = _pixels(feature * rng.choice([0.5, 0.75, 1.0]))
    lines[np.arange(lines.shape[0]) % (2 * width) < width] = rng.uniform(0.55, 0.95)


def _fill_pads(cell: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    """Draw a regular array of square pads, some of them missing."""
    side = _pixels(feature * rng.uniform(0.7, 2.0))
    pitch = side + _pixels(feature * rng.uniform(0.6, 1.2))
    level = rng.uniform(0.6, 1.0)
    for row in range(0, cell.shape[0] - side + 1, pitch):
        for col in range(0, cell.shape[1] - side + 1, pitch):
            cell[row : row + side, col : col + side] = level * (rng.random() < 0.88)


def _fill_plate(cell: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    """Draw a plate with rectangular windows."""
    cell[:] = rng.uniform(0.35, 0.8)
    for _ in range(max(1, round(cell.size / (6 * feature) ** 2))):
        height, width = (_pixels(feature * rng.uniform(0.7, 3.0)) for _ in range(2))
        row, col = (
            int(rng.integers(0, max(1, size - side)))
            for size, side in zip(cell.shape, (height, width), strict=True)
        )
        cell[row : row + height, col : col + width] = 0.0


def _fill_rings(cell: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    """Draw nested frames around the cell, opened at one place, as in a guard ring or an inductor."""
    width, level = _pixels(feature * rng.uniform(0.6, 1.0)), rng.uniform(0.6, 1.0)
    slot = int(rng.integers(0, max(1, cell.shape[1] - width)))
    for inset in range(0, min(cell.shape) // 2, 2 * width):
        ring = cell[inset : cell.shape[0] - inset, inset : cell.shape[1] - inset]
        ring[:] = level
        ring[width:-width, width:-width] = 0.0
    cell[: cell.shape[0] // 2, slot : slot + width] = 0.0


def _fill_logic(cell: np.ndarray, feature: float, rng: np.random.Generator) -> None:
    """Draw rows of short bars of random length between two supply rails."""
    width = _pixels(0.6 * feature)
    for row in range(0, cell.shape[0] - width + 1, 2 * width):
        col = 0
        while col < cell.shape[1]:
            length, gap = (
                _pixels(feature * rng.uniform(0.6, 4.0)),
                _pixels(feature * rng.uniform(0.5, 1.2)),
            )
            cell[row : row + width, col : col + length] = rng.uniform(0.5, 0.9)
            col += length + gap
    cell[:, :width] = cell[:, -width:] = 0.95


_FILLS = (_fill_grating, _fill_pads, _fill_plate, _fill_rings, _fill_logic, _fill_logic)


def _route_bus(
    buses: np.ndarray, vias: np.ndarray, feature: float, rng: np.random.Generator
) -> None:
    """Draw parallel traces along the rows that all turn into the columns, with vias where they begin and end."""
    if rng.random() < 0.5:
        buses, vias = buses.T, vias.T
    width = _pixels(feature * rng.choice([0.5, 0.75, 1.0, 1.5]))
    pitch, count = 2 * width, int(rng.integers(1, 7))
    row, col = int(rng.integers(0, buses.shape[0])), int(rng.integers(0, buses.shape[1]))
    along, across = (round(feature * rng.uniform(6, 30)) for _ in range(2))
    down = rng.random() < 0.5
    for k in range(count):
        line, turn = row + k * pitch, col + along - (k if down else count - 1 - k) * pitch
        buses[line : line + width, col:turn] = 0.85
        first, last = (line, line + across) if down else (max(0, line - across), line + width)
        buses[first:last, max(0, turn) : max(0, turn) + width] = 0.85
        _drop_via(vias, line, col, width)
        _drop_via(vias, last - width if down else first, turn, width)


def _drop_via(vias: np.ndarray, row: int, col: int, width: int) -> None:
    """Mark a square one pixel wider than the trace, where it lies in the frame."""
    vias[max(0, row - 1) : max(0, row + width + 1), max(0, col - 1) : max(0, col + width + 1)] = 1.0
