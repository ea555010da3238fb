"""Traces of a chip: what a bus may cover at most, and that what lies outside of the frame is left out."""

import numpy as np
import pytest

from ptychostudy.physics.floorplan import _divide, _drop_via, _fill_rings, _route_bus

FEATURE, SIDE = 2.0, 256


@pytest.mark.parametrize("seed", range(40))
def test_a_bus_covers_its_traces_and_no_more(seed):
    buses, vias = np.zeros((2, SIDE, SIDE))
    _route_bus(buses, vias, FEATURE, np.random.default_rng(seed))
    assert set(np.unique(buses)) <= {0.0, 0.85} and set(np.unique(vias)) <= {0.0, 1.0}
    # At most six traces, three pixels wide, each 60 px along and as many across, and its pitch more for each trace.
    assert np.count_nonzero(buses) <= 6 * 3 * (60 + 60 + 6 * 6)
    # Two vias a trace, one pixel wider on each side.
    assert np.count_nonzero(vias) <= 6 * 2 * 5**2


class Said:
    """A generator whose draws are said beforehand."""

    def __init__(self, **draws):
        self.draws = {name: iter(values) for name, values in draws.items()}

    def __getattr__(self, name):
        return lambda *limits: next(self.draws[name])


@pytest.mark.parametrize(
    ("down", "row", "col", "expected"),
    [
        (True, 10, 20, [(slice(10, 12), slice(20, 40)), (slice(10, 40), slice(40, 42))]),
        (False, 100, 20, [(slice(100, 102), slice(20, 40)), (slice(70, 102), slice(40, 42))]),
        (False, 10, 20, [(slice(10, 12), slice(20, 40)), (slice(0, 12), slice(40, 42))]),  # cut at the edge
    ],
)
def test_one_trace_lies_where_it_was_drawn(down, row, col, expected):
    """Two pixels wide, 20 px along the row, then 30 px along the column."""
    buses, vias, wanted = np.zeros((3, SIDE, SIDE))
    draws = {"random": [0.9, 0.1 if down else 0.9], "choice": [1.0], "integers": [1, row, col], "uniform": [10, 15]}
    _route_bus(buses, vias, FEATURE, Said(**draws))
    for place in expected:
        wanted[place] = 0.85
    np.testing.assert_array_equal(buses, wanted)


@pytest.mark.parametrize(
    ("row", "col", "lit"),
    [(4, 5, 16), (0, 5, 12), (-1, 5, 8), (4, -2, 4), (-9, 5, 0), (9, 9, 4), (40, 5, 0)],
)
def test_a_via_is_cut_at_the_edges(row, col, lit):
    vias = np.zeros((10, 10))
    _drop_via(vias, row, col, 2)
    assert np.count_nonzero(vias) == lit


def test_a_ring_is_open_where_the_slot_was_drawn_and_nowhere_else():
    """Two pixels wide, of level 0.9: the rings of insets 0 and 4, open in their upper half from column 11 on."""
    cell, seen = np.zeros((9, 20)), []

    class Draws:
        uniform = staticmethod(lambda low, high: {0.6: 1.0}[low] if high == 1.0 and not seen.append(high) else None)
        integers = staticmethod(lambda low, high: (seen.append((low, high)), 11)[1])

    _fill_rings(cell, FEATURE, Draws)
    assert seen[-1] == (0, 18), "a slot may begin anywhere where it fits"
    assert set(np.unique(cell)) == {0.0, 1.0}
    assert not cell[:4, 11:13].any() and cell[0, [10, 13]].all() and cell[-1].all()


@pytest.mark.parametrize("shape", [(60, 20), (20, 60), (41, 41)])
def test_parts_tile_the_frame_and_are_no_larger_than_allowed(shape):
    covered = np.zeros(shape, int)
    for room in _divide(shape, 15.0, np.random.default_rng(2)):
        room.without_rim(covered, 0)[:] += 1
        assert max(room.height, room.width) <= 1.2 * 15
    assert (covered == 1).all()
