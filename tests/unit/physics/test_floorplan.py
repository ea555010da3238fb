"""Traces of a chip: what a bus may cover at most, and that what lies outside of the frame is left out."""

import numpy as np
import pytest

from ptychostudy.physics.floorplan import _drop_via, _route_bus

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
