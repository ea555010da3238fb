"""The overlap report of many positions beside one sort of them; overlap of groups beside chunks in the order given.

Positions lie as a raster, shuffled or at random, as after a subsampling. What counts is how the time grows with them.
"""

import numpy as np
import scipy.spatial
from scipy.spatial import KDTree
from skimage.draw import polygon

from measuring import CEILING, NAIVE, compared
from ptychostudy.physics import illumination
from ptychostudy.physics.hull import hull_corners
from ptychostudy.physics.probes import make_probe
from ptychostudy.sampling import neighbours
from ptychostudy.sampling.overlap import overlap_report

STEP, DIAMETER = 4.0, 10.0


def rows(_):
    for size in (10_000, 100_000):
        yield in_order_of_tree(size)
    yield report(100_000, "random", 5)
    for order in ("random", "raster", "shuffled"):
        yield report(1_000_000, order, 2)
    yield hull()


def report(size, order, turns):
    """The whole report beside one sort of as many positions."""
    rng = np.random.default_rng(0)
    side = round(size**0.5)
    positions = STEP * np.stack(np.indices((side, side)), -1).reshape(-1, 2)
    if order == "random":
        positions = rng.uniform(0, STEP * side, positions.shape)
    if order == "shuffled":
        positions = rng.permutation(positions)
    groups, probe = np.arange(side * side)[:, None], make_probe("disc", 64, diameter_px=DIAMETER)
    numbers = {"gridsize": 1, "s_img": 1, "n_groups": side * side, "n_images_total": side * side, "probe": probe}
    places = positions[:, 0] + 1j * positions[:, 1]

    def ours():
        overlap_report(positions, groups, DIAMETER, **numbers)

    name = f"overlap report, {side * side} positions, {order}"
    return compared(name, ours, lambda: np.sort(places), (CEILING, "one sort"), turns=turns)


class Ordered(KDTree):
    """A tree that says its centres lie in the order given."""

    @property
    def indices(self):
        return np.arange(self.n)


def in_order_of_tree(size):
    """Neighbouring groups, centres in the order of the tree, beside the order given."""
    positions = np.random.default_rng(0).uniform(0, STEP * np.sqrt(size), (size, 2))
    groups = np.arange(size)[:, None]

    def ours():
        neighbours.mean_overlap_of_groups(positions, groups, DIAMETER)

    def naive():
        scipy.spatial.KDTree = Ordered
        try:
            ours()
        finally:
            scipy.spatial.KDTree = KDTree

    beside = (NAIVE, "chunks in the order given")
    return compared(f"overlap of groups, {size} positions, random", ours, naive, beside, turns=5)


def hull():
    """The pixels inside the hull of a scan, row by row, beside asking for each."""
    points = np.random.default_rng(0).uniform(0, 1500, (20_000, 2))
    corners = hull_corners(points)

    def ours():
        illumination._enclosed(corners, (1500, 1500))

    beside = (NAIVE, "each pixel asked")
    return compared("hull of a scan, 1500 x 1500", ours, lambda: polygon(*corners.T, (1500, 1500)), beside, turns=7)
