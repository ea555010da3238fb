"""Tiles: every pixel of a canvas in one core, seen with a margin, and the canvas made whole of them."""

import numpy as np
import pytest

from ptychostudy.sampling import tiles as module
from ptychostudy.sampling.tiles import Tiles

SHAPES = [(40, 29), (33, 64), (65, 31), (97, 8), (64, 33)]


@pytest.fixture
def small(monkeypatch):
    """Let canvases beyond 32 pixels be cut, in cores of 16 with 8 about them."""
    for name, value in (("_CORE_PX", 16), ("_MARGIN_PX", 8), ("_WHOLE_PX", 32)):
        monkeypatch.setattr(module, name, value)


@pytest.mark.parametrize("shape", [(512, 3), (300, 512), (1, 1)])
def test_a_small_canvas_is_one_tile_without_a_margin(shape):
    tiles = Tiles(shape)
    assert tiles.margins == (0, 0)
    assert tiles.core == tiles.seen == shape
    assert tiles.corners.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("shape", "core", "margins"),
    [((513, 3), (264, 3), (64, 0)), ((300, 1000), (300, 336), (0, 64)), ((769, 567), (264, 288), (64, 64))],
)
def test_a_long_side_is_cut_in_few_equal_cores_with_margins(shape, core, margins):
    tiles = Tiles(shape)
    assert (tiles.core, tiles.margins) == (core, margins)
    assert tiles.seen == tuple(side + 2 * margin for side, margin in zip(core, margins, strict=True))
    # Tiles of networks that halve three times: else those of another grid would be averaged.
    assert all(side % 8 == 0 == margin % 8 for side, margin in zip(core, margins, strict=True) if margin)


@pytest.mark.parametrize("side", range(513, 2400, 37))
def test_no_tile_sees_more_than_the_largest_canvas_in_one_piece(side):
    assert max(Tiles((side, side)).seen) <= 512
    cores = -(-side // Tiles((side, 9)).core[0])
    assert cores == -(-side // 384), "as few as there can be"


@pytest.mark.parametrize("shape", [(30, 21), *SHAPES])
def test_every_pixel_lies_in_exactly_one_core(shape, small):
    tiles = Tiles(shape)
    hits = np.zeros(np.add(shape, tiles.core), int)
    for row, col in tiles.corners:
        hits[row : row + tiles.core[0], col : col + tiles.core[1]] += 1
    assert np.all(hits[: shape[0], : shape[1]] == 1)
    assert (tiles.corners >= 0).all() and (tiles.corners < shape).all()
    assert len(tiles.corners) == np.prod([1 if side <= 32 else -(-side // 16) for side in shape])


@pytest.mark.parametrize("shape", [(30, 21), *SHAPES])
def test_a_canvas_is_whole_again(shape, small):
    tiles = Tiles(shape)
    image = np.random.default_rng(0).normal(size=shape) + 1j
    seen = list(tiles.cut(image[..., None]))
    assert all(part.shape == (*tiles.seen, 1) for part in seen)
    cores = np.stack([tiles.core_of(part)[..., 0] for part in seen])
    assert cores.shape == (len(tiles.corners), *tiles.core)
    whole = tiles.joined(cores)
    assert whole.dtype == image.dtype and np.array_equal(whole, image)


def test_what_is_seen_goes_on_at_the_edge(small):
    """A tile at a corner and one of the last row: rows and columns each from their own side."""
    rows, cols = np.indices((40, 37))
    seen = list(Tiles((40, 37)).cut(100 * rows + cols))
    # Three rows of three tiles; the margin about the first one is its first row and column.
    assert seen[0][0, 0] == 0 and seen[0][8, 8] == 0
    assert seen[0][8 + 3, 8 + 5] == 305 and seen[0][8 + 3, 0] == 300 and seen[0][0, 8 + 5] == 5
    assert seen[0].max() == 2323, "rows and columns up to 16 + 8 - 1"
    last = seen[-1]
    assert last[0, 0] == 100 * (32 - 8) + 32 - 8
    assert last[8 + 7, 8 + 4] == 3936 and last[-1, -1] == 3936


def test_a_short_side_is_seen_whole(small):
    rows, cols = np.indices((40, 29))
    seen = list(Tiles((40, 29)).cut(100 * rows + cols))
    assert len(seen) == 3
    for number, part in enumerate(seen):
        assert part.shape == (16 + 2 * 8, 29)
        assert part[8, 0] == 1600 * number and part[8, -1] == 1600 * number + 28
