"""The convex hull of positions: that of Qhull, whatever lies inside it, on its edges or twice."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from ptychostudy.physics import hull
from ptychostudy.physics.hull import hull_corners, polygon_area

RNG = np.random.default_rng(6)
LATTICE = np.stack(np.meshgrid(np.arange(9.0), 2.5 * np.arange(7), indexing="ij"), -1).reshape(-1, 2)
SPIRAL = np.sqrt(np.arange(5000))[:, None] * np.stack(
    [np.cos(2.4 * np.arange(5000)), 0.5 * np.sin(2.4 * np.arange(5000))], -1
)
SETS = {
    "uniform": RNG.uniform(-50, 80, (700, 2)) + [1e4, -300],
    "many": RNG.uniform(0, 1, (20_000, 2)) * [40, 7],
    "gaussian": RNG.normal(size=(5000, 2)),
    "spiral": SPIRAL,
    "lattice": LATTICE,
    "turned lattice": LATTICE @ [[0.8, 0.6], [-0.6, 0.8]],
    "large lattice": np.stack(np.meshgrid(np.arange(60.0), np.arange(50.0)), -1).reshape(-1, 2),
    "twice": np.repeat(RNG.uniform(size=(30, 2)), 2, axis=0),
    "triangle": np.array([[0, 0], [3, 1], [1, 4.0]]),
    "on a circle": np.stack([np.cos(np.arange(2000)), np.sin(np.arange(2000))], -1),
}


@pytest.mark.parametrize("few", [3, 1000])
@pytest.mark.parametrize("points", SETS.values(), ids=SETS)
def test_it_is_that_of_qhull(monkeypatch, points, few):
    monkeypatch.setattr(hull, "_FEW", few)
    wanted = ConvexHull(points)
    found = hull_corners(points)
    # In two dimensions SciPy calls the area a volume, and the perimeter an area.
    assert polygon_area(found) == pytest.approx(wanted.volume, rel=1e-10)
    sides = np.linalg.norm(np.roll(found, -1, axis=0) - found, axis=1)
    assert sides.sum() == pytest.approx(wanted.area, rel=1e-10)
    assert {tuple(corner) for corner in found} <= {tuple(corner) for corner in points}
    # Qhull may leave a corner on a straight edge, or leave out one that is hardly any.
    assert len(found) == pytest.approx(len(wanted.vertices), abs=2 + 0.01 * len(found))


def test_corners_of_a_lattice_are_its_four_and_go_round_once():
    found = hull_corners(RNG.permutation(LATTICE))
    assert {tuple(corner) for corner in found} == {(0, 0), (8, 0), (8, 15), (0, 15)} and len(found) == 4
    ahead = np.roll(found, -1, axis=0) - found
    further = np.roll(ahead, -1, axis=0)
    assert (ahead[:, 0] * further[:, 1] - ahead[:, 1] * further[:, 0] > 0).all()


@pytest.mark.parametrize(
    "points",
    [
        [[1.0, 2.0]],
        [[1.0, 2.0]] * 4,
        [[0, 0], [3, 4.0]],
        np.linspace(0, 1, 50)[:, None] * [3, -7] + [0.1, 1e3],
        np.linspace(0, 1, 3000)[:, None] * [0.1, 0.3],
        np.stack([np.full(20, 0.3), np.arange(20)], -1),
        np.zeros((0, 2)),
        [[0, 0], [1, 0], [0, 1], [np.nan, 0.5], [1, 1]],
    ],
)
def test_a_line_has_none_and_neither_has_what_lies_nowhere(points):
    assert hull_corners(np.array(points)) is None


def test_a_narrow_scan_is_no_line():
    assert len(hull_corners(np.array([[0, 0], [1e4, 0], [1e4, 0.01], [0, 0.01]]))) == 4


def test_the_area_does_not_depend_on_where_it_is():
    corners = np.array([[0, 0], [30, 0], [30, 20], [0, 20.0]])
    assert polygon_area(corners + [1e9, -3e8]) == pytest.approx(600)
