"""Overlap: closed forms, lattices, brute force, and the ancestor's scan as a vector."""

import json

import numpy as np
import pytest
import scipy
from scipy.spatial import KDTree

from ptychostudy.physics import illumination
from ptychostudy.physics.probes import make_probe
from ptychostudy.sampling import neighbours
from ptychostudy.sampling.neighbours import (
    disc_overlap,
    mean_overlap_in_groups,
    mean_overlap_of_frames,
    mean_overlap_of_groups,
)
from ptychostudy.sampling.overlap import overlap_report
from ptychostudy.sampling.spacing import geometry_acceptance_bound, lattice_step_px, linear_overlap

HALF = 2 / 3 - np.sqrt(3) / (2 * np.pi)


def square(rows, cols, step):
    return np.stack(np.meshgrid(np.arange(rows) * step, np.arange(cols) * step, indexing="ij"), -1).reshape(-1, 2)


def hexagonal(rows, cols, step):
    lattice = square(rows, cols, 1.0)
    return np.stack([lattice[:, 0] * step * np.sqrt(0.75), (lattice[:, 1] + 0.5 * (lattice[:, 0] % 2)) * step], -1)


def test_disc_closed_forms():
    # 2/3 - sqrt(3) / 2 pi is the textbook value at one radius.
    assert HALF == pytest.approx(0.3910022, abs=1e-7)
    np.testing.assert_allclose(disc_overlap([0.0, 5.0, 10.0, 11.0, -5.0], 10.0), [1, HALF, 0, 0, HALF], atol=1e-15)
    # anchors.md A10, area fraction at step / D, three decimals.
    published = {0.1: 0.873, 0.2: 0.747, 0.25: 0.685, 0.3: 0.624, 0.4: 0.505, 0.6: 0.285, 0.7: 0.188, 0.8: 0.104}
    np.testing.assert_allclose(disc_overlap(list(published), 1.0), list(published.values()), atol=5e-4)


def test_disc_is_monotone_and_matches_the_other_form():
    distance = np.linspace(0, 12, 500)
    values = disc_overlap(distance, 10.0)
    assert np.all(np.diff(values[distance < 10]) < 0)
    r, d = 5.0, distance[distance < 10]
    area = 2 * r**2 * np.arccos(d / (2 * r)) - d / 2 * np.sqrt(4 * r**2 - d**2)
    np.testing.assert_allclose(values[distance < 10], area / (np.pi * r**2), atol=1e-13)


@pytest.mark.parametrize("distance", [0.0, 3.0, 11.0, 17.5])
def test_disc_against_counting(distance):
    x = np.linspace(-30, 30, 2401)
    first, second = (np.hypot(x[:, None], x[None, :] - shift) < 10.0 for shift in (0.0, distance))
    # The rim crosses ~5000 of the 5e5 cells of a disc; their errors mostly cancel.
    assert disc_overlap(distance, 20.0) == pytest.approx((first & second).sum() / first.sum(), abs=2e-4)


def test_disc_refuses_a_bad_diameter():
    with pytest.raises(ValueError, match="found 0"):
        disc_overlap(1.0, 0.0)


def test_frames_on_lattices():
    # Away from the border, 4 nearest of the square lattice are at one step and 6 nearest of the hexagonal one.
    inner = mean_overlap_of_frames(square(80, 80, 5.0), 10.0, neighbor_count=4)
    # Border points (5 %) have a neighbour at sqrt(2) or 2 steps instead.
    assert HALF > inner > HALF - 0.05 * HALF
    # Two neighbours at one step exist everywhere, corners included: exact.
    assert mean_overlap_of_frames(square(9, 7, 5.0), 10.0, neighbor_count=2) == pytest.approx(HALF, abs=1e-12)
    assert mean_overlap_of_frames(hexagonal(9, 8, 5.0), 10.0, neighbor_count=2) == pytest.approx(HALF, abs=1e-12)
    assert mean_overlap_of_frames(square(9, 7, 10.0), 10.0) == 0.0


def test_frames_of_a_hexagonal_rosette():
    # One centre and six corners: the centre has 6 at one step; a corner 3 at one, 2 at sqrt(3), 1 at 2 steps.
    angle = np.arange(6) * np.pi / 3
    rosette = np.concatenate([np.zeros((1, 2)), 5 * np.stack([np.sin(angle), np.cos(angle)], -1)])
    one, root, two = disc_overlap(5 * np.array([1, np.sqrt(3), 2]), 12.0)
    assert two > 0
    expected = (6 * one + 6 * (3 * one + 2 * root + two)) / 42
    assert mean_overlap_of_frames(rosette, 12.0) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("rows", "cols"), [(2, 2), (5, 7), (40, 30)])
def test_between_groups_on_a_square_lattice(rows, cols):
    # Within D = 1.5 steps lie the 4 neighbours at one step and the 4 at sqrt(2); fewer at edges (3, 2), corners (2, 1).
    one, root = disc_overlap(np.array([4.0, 4.0 * np.sqrt(2)]), 6.0)
    inner, edge = (rows - 2) * (cols - 2), 2 * (rows + cols - 4)
    total = inner * (one + root) / 2 + edge * (3 * one + 2 * root) / 5 + 4 * (2 * one + root) / 3
    single = np.arange(rows * cols)[:, None]
    found = mean_overlap_of_groups(square(rows, cols, 4.0), single, 6.0)
    assert found == pytest.approx(total / (rows * cols), abs=1e-12)


def test_frames_against_brute_force():
    positions = np.random.default_rng(0).uniform(0, 100, (200, 2))
    distance = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    expected = disc_overlap(np.sort(distance, axis=1)[:, 1:7], 25.0).mean()
    assert mean_overlap_of_frames(positions, 25.0) == pytest.approx(expected, abs=1e-13)


def test_frames_join_exact_duplicates_only():
    positions = square(4, 5, 5.0)
    doubled = np.concatenate([positions, positions[3:9], -0.0 * positions[:1]])
    assert mean_overlap_of_frames(doubled, 10.0) == mean_overlap_of_frames(positions, 10.0)
    assert mean_overlap_of_frames(positions[[0, 0, 0]], 10.0) == 0.0
    assert mean_overlap_of_frames(np.zeros((0, 2)), 10.0) == 0.0
    assert mean_overlap_of_frames(np.array([[0.0, 0.0], [0.0, 5.0]]), 10.0) == pytest.approx(HALF)


def test_a_member_is_not_its_own_fellow_where_positions_repeat():
    positions = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 5.0]])
    # Both at zero have fellows at 0 and 5; the third has two at 5.
    expected = (2 * (1 + HALF) / 2 + HALF) / 3
    assert mean_overlap_in_groups(positions, np.array([[0, 1, 2]]), 10.0) == pytest.approx(expected)


def test_groups_of_a_square():
    positions = square(2, 2, 5.0)
    groups = np.array([[0, 1, 2, 3]])
    diagonal = disc_overlap(5 * np.sqrt(2), 10.0)
    assert mean_overlap_in_groups(positions, groups, 10.0) == pytest.approx((2 * HALF + diagonal) / 3)
    assert mean_overlap_in_groups(positions, groups, 10.0, neighbor_count=2) == pytest.approx(HALF)
    assert mean_overlap_in_groups(positions, groups[:, ::-1], 10.0) == mean_overlap_in_groups(positions, groups, 10.0)
    assert mean_overlap_in_groups(positions, np.arange(4)[:, None], 10.0) is None


def test_group_with_a_repeated_frame_counts_it_as_full_overlap():
    assert mean_overlap_in_groups(np.array([[0.0, 0.0], [0.0, 50.0]]), np.array([[0, 0]]), 10.0) == 1.0


def test_between_groups_on_a_line():
    positions = np.array([[0.0, x] for x in (0.0, 5.0, 10.0, 40.0)])
    single = np.arange(4)[:, None]
    # Distance 10 is not below D = 10; the lonely group counts zero: (HALF + HALF + HALF + 0) / 4.
    assert mean_overlap_of_groups(positions, single, 10.0) == pytest.approx(0.75 * HALF)
    # Centres of mass of pairs: 2.5 and 25 px.
    assert mean_overlap_of_groups(positions, np.array([[0, 1], [2, 3]]), 45.0) == pytest.approx(
        disc_overlap(22.5, 45.0)
    )
    assert mean_overlap_of_groups(positions, single[:1], 10.0) == 0.0


@pytest.mark.parametrize("lattice", [square, hexagonal])
@pytest.mark.parametrize("pairs", [neighbours._PAIRS, 1000, 1])
def test_between_groups_against_brute_force(lattice, pairs, monkeypatch):
    # More groups than one block of pairs, in both axes; of a dense scan a block holds fewer, one at least.
    monkeypatch.setattr(neighbours, "_PAIRS", pairs)
    positions = lattice(30, 40, 5.0) + np.random.default_rng(1).uniform(-1, 1, (1200, 2))
    groups = np.random.default_rng(2).integers(0, 1200, (1100, 4))
    centres = positions[groups].mean(axis=1)
    distance = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    near = (distance < 12.0) & ~np.eye(len(centres), dtype=bool)
    means = [disc_overlap(d[n], 12.0).mean() if n.any() else 0.0 for d, n in zip(distance, near, strict=True)]
    assert mean_overlap_of_groups(positions, groups, 12.0) == pytest.approx(np.mean(means), abs=1e-13)


def test_between_groups_whatever_their_order(monkeypatch):
    # In any order a chunk of centres lies in one place.
    positions = square(60, 60, 5.0)
    order = np.random.default_rng(3).permutation(3600)
    boxes = []

    def watched(centres):
        boxes.append(np.ptp(centres, axis=0))
        return KDTree(centres)

    monkeypatch.setattr(scipy.spatial, "KDTree", watched)
    found = mean_overlap_of_groups(positions, order[:, None], 12.0)
    whole, *chunks = boxes
    assert np.prod(whole) == 295.0**2 and len(chunks) == 8
    # Some chunks reach over a border of the tree; in the order given, each would span the scan.
    assert np.mean([np.prod(box) for box in chunks]) < np.prod(whole) / 3
    assert found == pytest.approx(mean_overlap_of_groups(positions, np.arange(3600)[:, None], 12.0), abs=1e-12)


def test_all_metrics_ignore_axis_order_and_place():
    positions = np.random.default_rng(5).uniform(0, 60, (90, 2))
    groups = np.random.default_rng(6).integers(0, 90, (50, 4))
    moved = positions[:, ::-1] * [1, -1] + [300.0, -17.0]
    for metric in (mean_overlap_in_groups, mean_overlap_of_groups):
        assert metric(moved, groups, 15.0) == pytest.approx(metric(positions, groups, 15.0), abs=1e-12)
    assert mean_overlap_of_frames(moved, 15.0) == pytest.approx(mean_overlap_of_frames(positions, 15.0), abs=1e-12)


def test_geometry_bound_of_the_ancestors_scan():
    # Its training half: 5088 positions in 56399 px^2 cannot keep 38.4 px; it waited for 10 % and got 0.96 %.
    positions = np.random.default_rng(0).uniform(0, 1, (5088, 2))
    positions[:2] = [[0, 0], [1, 1]]
    positions *= [56399 / 400.0, 400.0]
    assert geometry_acceptance_bound(positions, 38.4) == pytest.approx(0.0096, abs=5e-5)


def test_geometry_bound_limits():
    assert geometry_acceptance_bound(np.zeros((0, 2)), 38.4) == 0.0
    assert geometry_acceptance_bound(square(3, 3, 100.0), 10.0) == 0.10
    # One point has no area: the floor of 1e-6 px^2 over one disc.
    assert geometry_acceptance_bound(np.zeros((1, 2)), 2.0) == pytest.approx(1e-6 / np.pi)


def test_density_and_linear_overlap_of_lattices():
    for lattice in (square(9, 7, 8.0), square(1, 12, 8.0), square(12, 1, 8.0), square(2, 2, 8.0)):
        assert illumination.frames_per_pixel(lattice) == pytest.approx(1 / 64, rel=1e-9)
        assert linear_overlap(lattice, 40.0) == pytest.approx(0.8, abs=1e-9)
    # A hexagonal lattice of spacing a has one point per a^2 sqrt(3) / 2; its ragged border costs a per cent.
    assert illumination.frames_per_pixel(hexagonal(60, 60, 8.0)) == pytest.approx(1 / (64 * np.sqrt(0.75)), rel=0.02)
    assert lattice_step_px(np.zeros((3, 2))) == np.inf
    assert linear_overlap(square(5, 5, 50.0), 40.0) == 0.0
    assert linear_overlap(np.zeros((3, 2)), 40.0) == 0.0


@pytest.mark.parametrize(("linear", "area"), [(0.8, 0.747), (0.75, 0.685), (0.7, 0.624), (0.6, 0.505), (0.5, 0.391)])
def test_linear_and_area_overlap_are_told_apart(linear, area):
    # anchors.md A10: the same lattice by both names, three decimals.
    report = overlap_report(
        square(9, 8, 40 * (1 - linear)),
        np.arange(72)[:, None],
        40.0,
        gridsize=1,
        s_img=1,
        n_groups=72,
        n_images_total=72,
    )
    assert report["linear_overlap"] == pytest.approx(linear, abs=1e-9)
    assert report["area_overlap"] == pytest.approx(area, abs=5e-4)


def test_density_counts_exposures_but_overlap_counts_places():
    lattice = square(9, 7, 8.0)
    twice = np.concatenate([lattice, lattice])
    assert linear_overlap(twice, 40.0) == linear_overlap(lattice, 40.0)
    assert illumination.frames_per_pixel(twice) > 1.7 * illumination.frames_per_pixel(lattice)


COMMON = set(
    "metrics_version gridsize s_img n_groups neighbor_count probe_diameter_px rng_seed_subsample "
    "metric_2_image_based_avg metric_3_group_to_group_avg n_images_total n_images_subsampled n_unique_images "
    "n_groups_actual geometry_acceptance_bound effective_min_acceptance "
    "linear_overlap area_overlap frames_per_pixel multiplicity_min multiplicity_p05".split()
)


@pytest.mark.parametrize("gridsize", [1, 2])
def test_report_keys_and_numbers(gridsize):
    positions = square(9, 8, 8.0) + 50.0
    groups = np.random.default_rng(0).integers(0, 72, (30, gridsize**2))
    probe = make_probe("disc", 64, diameter_px=38.4)
    report = overlap_report(
        positions, groups, 38.4, gridsize=gridsize, s_img=0.5, n_groups=40, n_images_total=144, probe=probe
    )
    assert set(report) == COMMON | ({"metric_1_group_based_avg"} if gridsize == 2 else set())
    assert json.loads(json.dumps(report)) == report
    counts = {
        "n_images_total": 144,
        "n_images_subsampled": 72,
        "n_unique_images": 72,
        "n_groups": 40,
        "n_groups_actual": 30,
    }
    assert {key: report[key] for key in counts} == counts
    assert report["linear_overlap"] == pytest.approx(1 - 8 / 38.4)
    assert report["area_overlap"] == pytest.approx(float(disc_overlap(8.0, 38.4)))
    assert report["frames_per_pixel"] == pytest.approx(1 / 64)
    # Inside the scan at least a quarter of the infinite lattice's multiplicity (a corner sees a quarter of the frames).
    full = np.pi * 19.2**2 / 64
    assert 0.2 * full < report["multiplicity_min"] <= report["multiplicity_p05"] < full


def test_report_has_minimum_and_fifth_percentile_of_the_multiplicity_inside_the_hull():
    positions = np.random.default_rng(0).uniform(60, 120, (150, 2))
    probe = make_probe("disc", 64, diameter_px=30.0)
    report = overlap_report(
        positions, np.arange(150)[:, None], 30.0, gridsize=1, s_img=1, n_groups=150, n_images_total=150, probe=probe
    )
    frame = {"origin": (30, 20), "shape": (120, 140)}
    scored = np.sort(
        illumination.multiplicity_map(probe, positions, **frame)[illumination.hull_mask(positions, **frame)]
    )
    assert report["multiplicity_min"] == pytest.approx(scored[0])
    # A twentieth of the pixels lies below; neighbours in the sorted list differ by less than 1 %.
    assert report["multiplicity_p05"] == pytest.approx(scored[round(0.05 * (scored.size - 1))], rel=0.01)
    assert scored[round(0.06 * scored.size)] > 1.02 * scored[round(0.05 * scored.size)]


def test_report_whatever_the_order_of_positions():
    # Distinct in both axes, of more groups than one chunk, some positions twice.
    positions = hexagonal(31, 22, 7.0) + np.random.default_rng(0).uniform(-2, 2, (682, 2)) + [40.0, 90.0]
    positions[5::90] = positions[4::90]
    order = np.random.default_rng(1).permutation(682)
    groups = np.random.default_rng(2).integers(0, 682, (600, 4))
    common = {"gridsize": 2, "s_img": 1, "n_groups": 600, "n_images_total": 682}
    probe = make_probe("disc", 64, diameter_px=30.0)
    report = overlap_report(positions, groups, 30.0, **common, probe=probe)
    # The frame at each new place is that of its old one.
    shuffled = overlap_report(positions[order], np.argsort(order)[groups], 30.0, **common, probe=probe)
    assert report["n_unique_images"] == 682 - len(positions[5::90])
    assert shuffled.pop("metrics_version") == report.pop("metrics_version")
    assert shuffled == pytest.approx(report, rel=1e-12)


def test_report_refuses_groups_of_another_size():
    with pytest.raises(ValueError, match="gridsize must be"):
        overlap_report(
            square(3, 3, 8.0), np.zeros((4, 3), int), 38.4, gridsize=2, s_img=1, n_groups=4, n_images_total=9
        )


def test_report_refuses_to_average_over_no_groups():
    with pytest.raises(ValueError, match="at least one"):
        overlap_report(
            square(3, 3, 8.0), np.zeros((0, 4), int), 38.4, gridsize=2, s_img=1, n_groups=4, n_images_total=9
        )


@pytest.mark.parametrize("positions", [np.zeros((3, 3)), np.array([[0.0, np.nan]]), np.zeros(4)])
def test_bad_positions_are_refused(positions):
    with pytest.raises(ValueError, match="shape \\(k, 2\\)"):
        mean_overlap_of_frames(positions, 10.0)


def test_no_neighbours_asked_is_an_error():
    with pytest.raises(ValueError, match="neighbor_count must be at least 1"):
        mean_overlap_of_frames(square(3, 3, 5.0), 10.0, neighbor_count=0)
