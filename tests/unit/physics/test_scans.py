"""Scans: inside the rectangle, one position per square step, evenly, reproducibly."""

import numpy as np
import pytest
from scipy.spatial import KDTree

from ptychostudy.physics.scans import make_scan

KINDS = ["raster", "fermat", "fly", "random"]
LOW, HIGH = (32.0, 40.5), (232.25, 360.0)


def made(kind, step=8.0, seed=1, **options):
    return make_scan(kind, LOW, HIGH, step, np.random.default_rng(seed), **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [4.0, 8.0, 23.0])
def test_inside_with_the_wanted_density(kind, step):
    positions = made(kind, step)
    assert positions.dtype == np.float64 and positions.shape[1] == 2
    assert np.all(positions >= LOW) and np.all(positions <= HIGH)
    area = np.prod(np.subtract(HIGH, LOW))
    # Whole rows and columns of a lattice round by up to half a step on each side: 10 % at the coarsest step.
    assert len(positions) * step**2 / area == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_of_the_rectangle_is_scanned(kind):
    positions = made(kind)
    cells = ((positions - LOW) / np.subtract(HIGH, LOW) * [4, 6]).clip(max=[3.999, 5.999]).astype(int)
    counts = np.bincount(cells[:, 0] * 6 + cells[:, 1], minlength=24)
    # About 43 per cell; 5 standard deviations of a uniform draw, the most uneven of the kinds.
    assert np.abs(counts - counts.mean()).max() < 5 * np.sqrt(counts.mean())


@pytest.mark.parametrize("kind", KINDS)
def test_positions_are_subpixel_distinct_and_seeded(kind):
    positions = made(kind)
    assert len(np.unique(positions, axis=0)) == len(positions)
    assert np.std(positions % 1.0, axis=0).min() > 0.1
    np.testing.assert_array_equal(positions, made(kind))
    assert not np.array_equal(positions, made(kind, seed=2))


def test_raster_without_jitter_is_a_serpentine_lattice():
    scan = make_scan("raster", (10, 20), (40, 60), 10.0, np.random.default_rng(0), jitter_px=0.0)
    expected = [(15 + 10 * i, 25 + 10 * (j if i % 2 == 0 else 3 - j)) for i in range(3) for j in range(4)]
    np.testing.assert_allclose(scan, expected, atol=1e-12)


def test_raster_jitter_is_bounded_and_uniform():
    offsets = made("raster", jitter_px=3.0) - made("raster", jitter_px=0.0)
    assert np.abs(offsets).max() <= 3.0
    # Uniform on [-3, 3]: standard deviation sqrt(3); 1000 draws scatter by 1.5 %.
    np.testing.assert_allclose(offsets.std(axis=0), np.sqrt(3.0), rtol=0.08)


def test_fermat_turns_by_the_golden_angle():
    positions = make_scan("fermat", (0, 0), (200, 200), 5.0, np.random.default_rng(0)) - 100.0
    angles = np.unwrap(np.arctan2(positions[:50, 0], positions[:50, 1]))
    steps = np.diff(angles) % (2 * np.pi)
    np.testing.assert_allclose(steps, np.deg2rad(137.50776405003785), atol=1e-9)
    # No two points come close: the spiral's nearest distance is about 0.95 steps; a uniform draw has pairs below 0.2.
    assert KDTree(positions).query(positions, k=2)[0][:, 1].min() > 0.8 * 5.0


def test_fly_lines_are_dense_along_columns():
    positions = made("fly")
    lines, counts = np.unique(positions[:, 0], return_counts=True)
    assert len(lines) == round((HIGH[0] - LOW[0]) / (8.0 * np.sqrt(2)))
    assert np.all(counts == counts[0])
    along = np.diff(positions[: counts[0], 1])
    np.testing.assert_allclose(np.median(np.abs(along)), 8.0 / np.sqrt(2), rtol=0.05)
    # The stage turns round at the end of each line.
    assert np.sign(np.median(along)) == -np.sign(np.median(np.diff(positions[counts[0] : 2 * counts[0], 1])))


@pytest.mark.parametrize("kind", KINDS)
def test_a_thin_rectangle_still_has_a_frame(kind):
    assert len(make_scan(kind, (5.0, 5.0), (5.5, 60.0), 20.0, np.random.default_rng(0))) >= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("zigzag", LOW, HIGH, 8.0), "found 'zigzag'"),
        (("raster", HIGH, LOW, 8.0), "empty"),
        (("raster", LOW, HIGH, 0.0), "step_px must be positive"),
    ],
)
def test_bad_values_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_scan(*arguments, np.random.default_rng(0))


def test_negative_jitter_is_refused():
    with pytest.raises(ValueError, match="jitter_px"):
        made("raster", jitter_px=-1.0)
