"""Stitched squares: as wide as they must be for the plane to be covered, no wider than there is light."""

import numpy as np
import pytest

from ptychostudy.physics.canvas import PartialCanvas
from ptychostudy.physics.illumination import hull_mask
from ptychostudy.physics.probe_width import bright_diameter_px
from ptychostudy.physics.probes import make_probe, probe_diameter_px
from ptychostudy.physics.scans import make_scan
from ptychostudy.physics.windows import scan_rectangle
from ptychostudy.sampling.groups import form_groups, group_geometry
from ptychostudy.sampling.stitch_width import covering_width_px, lit_width_px, stitch_width_px


def centres_of(positions, members, n=64):
    geometry = group_geometry(positions, members, n)
    return geometry.corners + geometry.side // 2


def holes(positions, centres, side):
    """Return how many pixels of the hull squares of a side leave uncovered, laid as the stage `infer` lays them."""
    origin, shape = scan_rectangle(positions, side // 2 + 1)
    canvas = PartialCanvas(origin, shape)
    canvas.add(np.ones((len(centres), side, side)), centres - side // 2, np.ones((side, side)))
    hull = hull_mask(positions, origin=origin, shape=shape)
    return int(np.sum(hull & (canvas.finish().coverage == 0)))


@pytest.mark.parametrize("step", [3, 5, 8, 20, 30])
@pytest.mark.parametrize("axis", [0, 1])
def test_squares_of_a_grid_are_as_wide_as_its_larger_step(step, axis):
    """Of a grid of whole steps: the even number from the step on; of other steps on its axes, of the larger one."""
    steps = np.array([3, 3])
    steps[axis] = step
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(5), indexing="ij"), axis=-1).reshape(-1, 2) * steps
    positions = grid + 100.0
    needed = covering_width_px(positions, grid + 100)
    # Pixels of the last row and column lie on a centre, and a square holds one more before it than behind.
    assert needed in (2 * ((step + 1) // 2), 2 * ((step + 2) // 2))
    assert holes(positions, grid + 100, needed) == 0 < holes(positions, grid + 100, needed - 2)


@pytest.mark.parametrize("kind", ["raster", "fermat", "fly", "random"])
@pytest.mark.parametrize("step", [3.0, 9.5, 30.0])
@pytest.mark.parametrize("kept", [1.0, 0.35])
@pytest.mark.parametrize("size", [1, 4])
def test_no_hole_remains(kind, step, kept, size):
    """Whatever the pattern, the step, the view and the groups; and two pixels less would leave one."""
    rng = np.random.default_rng(5)
    positions = make_scan(kind, (40, 50), (40 + 14 * step, 60 + 13 * step), step, rng)
    positions = positions[np.sort(rng.permutation(len(positions))[: int(kept * len(positions))])]
    centres = centres_of(positions, form_groups(positions, size, rng))
    needed = covering_width_px(positions, centres)
    assert needed % 2 == 0
    assert holes(positions, centres, needed) == 0 < holes(positions, centres, needed - 2)


def scan(step, k=12):
    grid = np.stack(np.meshgrid(np.arange(k), np.arange(k), indexing="ij"), axis=-1).reshape(-1, 2)
    positions = grid * step + 100.0
    return positions, positions.astype(int)


def test_a_dense_scan_takes_the_bright_part():
    probe = make_probe("disc", 64, diameter_px=30, curvature_rad=5.0)
    assert stitch_width_px(*scan(4), probe) == 2 * int(bright_diameter_px(probe) / 2) == 30


def test_a_coarse_scan_takes_what_covers_it():
    """The measured case: N = 128, a bright part of 36 px, steps of 18 px, every third frame: 20 px left half of it."""
    y, x = np.mgrid[:128, :128] - 64
    probe = np.exp(-((np.hypot(y, x) / 17) ** 2)) + 0.05 * np.exp(-((np.hypot(y, x) / 50) ** 2)) + 0j
    assert 34 < bright_diameter_px(probe) < 38
    positions, centres = scan(18)
    few = np.sort(np.random.default_rng(1).permutation(len(positions))[:50])
    width = stitch_width_px(positions[few], centres[few], probe)
    assert 36 < width <= probe_diameter_px(probe)
    hull = holes(positions[few], centres[few[:1]], 2)
    assert holes(positions[few], centres[few], 20) > 0.4 * hull
    # What is left is farther from every frame than there is light.
    assert holes(positions[few], centres[few], width) < 0.05 * hull


def test_no_wider_than_the_light_and_the_window():
    """Where a gap is wider than the probe nobody has seen what lies in it."""
    probe = make_probe("disc", 64, diameter_px=20, curvature_rad=3.0)
    positions = np.array([[100.0, 100.0], [100.0, 180.0], [180.0, 100.0], [180.0, 180.0]])
    width = stitch_width_px(positions, positions.astype(int), probe)
    assert width == 2 * int(probe_diameter_px(probe) / 2) < covering_width_px(positions, positions.astype(int))
    everywhere = np.ones((32, 32), complex)
    assert stitch_width_px(positions, positions.astype(int), everywhere) == 28


@pytest.mark.parametrize("axis", [0, 1])
def test_the_light_of_groups_is_in_the_square(axis):
    """A disc of light: of one frame the square about it; of two the farther apart, the wider."""
    rows, cols = np.indices((32, 32)) - 15.5
    probe = (np.hypot(rows, cols) < 8) + 0j
    one = np.full((5, 1, 2), 4)
    # 99 % of a disc: its outermost pixels hold the rest.
    assert lit_width_px(probe, one, 40) in (14, 16)
    widths = []
    for apart in (2, 4):
        both = np.full((5, 2, 2), 4)
        both[:, :, axis] += (-apart, apart)
        widths.append(lit_width_px(probe, both, 40))
    assert widths[0] - lit_width_px(probe, one, 40) in (2, 4) and widths[1] - widths[0] in (2, 4, 6)


def test_light_beyond_the_window_widens_nothing():
    assert lit_width_px(np.ones((32, 32), complex), np.full((1, 1, 2), 4), 40) == 28


def test_modes_count():
    probe = np.zeros((2, 32, 32), complex)
    probe[0, 14:18, 14:18] = 10
    probe[1, 8:24, 8:24] = 1
    assert lit_width_px(probe[0], np.full((1, 1, 2), 4), 40) == 4
    assert lit_width_px(probe, np.full((1, 1, 2), 4), 40) == 16
