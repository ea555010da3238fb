"""Groups: who belongs together, what is refused, and where every window lies on the group's canvas."""

import time

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from ptychostudy.sampling.groups import form_groups, group_geometry


def scan(k=60, seed=0):
    """Return positions with sub-pixel parts on an oblong field, in no particular order."""
    return np.random.default_rng(seed).uniform([40, 80], [120, 300], (k, 2))


def rng(seed=1):
    return np.random.default_rng(seed)


def nearest(positions, frame, count):
    """Return the nearest other frames by brute force."""
    distance = np.hypot(*(positions - positions[frame]).T)
    distance[frame] = np.inf
    return set(np.argsort(distance)[:count].tolist())


@pytest.mark.parametrize("size", [4, 9])
def test_members_are_the_seed_and_some_of_its_nearest(size):
    positions = scan()
    groups = form_groups(positions, size, rng(), neighbor_count=12)
    assert groups.shape == (60, size) and groups.dtype == np.int64
    for seed, group in enumerate(groups):
        assert seed in group and len(set(group)) == size
        assert set(group.tolist()) - {seed} <= nearest(positions, seed, 12)


def test_groups_of_four_nearest_are_known_on_a_lattice():
    # K = 4 of a corner frame on a square lattice, drawn 3 of 4: all within the 2 x 3 block about the corner.
    rows, cols = np.mgrid[:6, :6] * 10.0
    positions = np.stack([rows.ravel(), cols.ravel() * 1.01], axis=1)
    group = form_groups(positions, 4, rng(), neighbor_count=4)[0]
    assert 0 in group and set(group.tolist()) <= {0, 1, 2, 6, 7, 12}


def test_members_stand_in_reading_order():
    positions = scan()
    positions[10, 0] = positions[20, 0]  # a tie in the row is decided by the column
    groups = form_groups(positions, 4, rng(), neighbor_count=20)
    for group in groups:
        assert [tuple(positions[i]) for i in group] == sorted(tuple(positions[i]) for i in group)


def test_one_frame_is_its_own_group():
    np.testing.assert_array_equal(form_groups(scan(7), 1, rng()), np.arange(7)[:, None])
    few = form_groups(scan(), 1, rng(), n_groups=10)
    assert few.shape == (10, 1) and len(np.unique(few)) == 10


def test_fewer_groups_than_frames_have_seeds_of_their_own():
    positions = scan()
    few = form_groups(positions, 4, rng(), n_groups=25)
    assert few.shape == (25, 4)
    # The seeds can be told apart: 25 different frames can be assigned, one to each group that holds it.
    held = np.zeros((25, 60), bool)
    np.put_along_axis(held, few, True, axis=1)
    matched = maximum_bipartite_matching(csr_array(held), perm_type="column")
    assert np.all(matched >= 0) and len(set(matched.tolist())) == 25


def test_a_group_depends_on_the_generator_alone():
    first, again, other = (form_groups(scan(), 4, rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


def test_repeated_positions_do_not_hide_the_seed():
    positions = np.concatenate([np.full((6, 2), 50.0), scan(20)])
    groups = form_groups(positions, 4, rng(), neighbor_count=4)
    for seed, group in enumerate(groups):
        assert seed in group and len(set(group.tolist())) == 4


def test_as_few_frames_as_members():
    np.testing.assert_array_equal(np.sort(form_groups(scan(4), 4, rng()), axis=1), np.tile(np.arange(4), (4, 1)))


# --- what is refused --------------------------------------------------------------------------------------------------


def test_fewer_neighbours_than_members():
    with pytest.raises(ValueError, match=r"neighbor_count=3 < C=4: K must be >= C"):
        form_groups(scan(), 4, rng(), neighbor_count=3)
    with pytest.raises(ValueError, match=r"neighbor_pool_size=3 < C=4: K must be >= C"):
        form_groups(scan(), 4, rng(), neighbor_count=7, oversample=True, pool_size=3)


def test_fewer_frames_than_members():
    with pytest.raises(ValueError, match="3 frames cannot form a group of C=4"):
        form_groups(scan(3), 4, rng())


@pytest.mark.parametrize("wanted", [0, -5])
def test_no_groups(wanted):
    with pytest.raises(ValueError, match=f"n_groups must be at least 1, found {wanted}"):
        form_groups(scan(), 4, rng(), n_groups=wanted)


def test_more_groups_than_frames_need_oversampling():
    message = r"OVERSAMPLING-001: 61 groups asked from 60 frames; without enable_oversampling at most 60.*\(K=7, C=4"
    with pytest.raises(ValueError, match=message):
        form_groups(scan(), 4, rng(), n_groups=61)
    # 6 frames, all 5 others as neighbours, 3 of them drawn: 6 * C(5, 3) = 60.
    with pytest.raises(ValueError, match=r"61 groups asked from 6 frames.* at most 60$"):
        form_groups(scan(6), 4, rng(), n_groups=61, oversample=True)


# --- oversampling -----------------------------------------------------------------------------------------------------


def test_oversampled_groups_are_distinct_draws_and_every_frame_is_a_seed():
    positions = scan()
    groups = form_groups(positions, 4, rng(), n_groups=500, oversample=True, pool_size=9)
    assert groups.shape == (500, 4)
    assert all(len(set(group)) == 4 for group in groups.tolist())
    assert set(groups.ravel().tolist()) == set(range(60))
    near = [nearest(positions, seed, 9) | {seed} for seed in range(60)]
    assert all(any(set(group) <= near[seed] for seed in group) for group in groups.tolist())


def test_oversampling_to_the_last_group_ends():
    groups = form_groups(scan(6), 4, rng(), n_groups=60, oversample=True)
    # Each of the C(6, 4) = 15 sets is drawn once from each of its 4 seeds.
    sets, times = np.unique(np.sort(groups, axis=1), axis=0, return_counts=True)
    assert len(sets) == 15 and np.all(times == 4)


# --- geometry ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [32, 33])
def test_windows_lie_on_the_canvas_where_they_lie_on_the_object(n):
    positions = scan()
    groups = form_groups(positions, 4, rng(), neighbor_count=12)
    geometry = group_geometry(positions, groups, n)
    assert geometry.offsets.min() >= 0 and geometry.offsets.max() <= geometry.side - n
    assert geometry.side % 8 == 0
    # Canvas corner + offset + half a window + fraction is the position again, to rounding of numbers near 300.
    back = geometry.corners[:, None] + geometry.offsets + n // 2 + geometry.fractions
    np.testing.assert_allclose(back, positions[groups], atol=1e-12)
    assert geometry.fractions.min() >= -0.5 and geometry.fractions.max() < 0.5


@pytest.mark.parametrize(("row", "col"), [(9, 0), (-9, 0), (0, 9), (0, -9), (7, -4)])
def test_offset_has_the_sign_of_the_displacement(row, col):
    positions = np.array([[100.0, 200.0], [100.0 + row, 200.0 + col]])
    geometry = group_geometry(positions, np.array([[0, 1]]), 16)
    np.testing.assert_array_equal(geometry.offsets[0, 1] - geometry.offsets[0, 0], [row, col])


def test_side_is_as_large_as_needed_and_no_larger():
    # Corners 0 and 10 about the centre 5: windows of 16 reach 5 to both sides, 26 px, and the next multiple of 8.
    positions = np.array([[50.0, 50.0], [60.0, 50.0]])
    assert group_geometry(positions, np.array([[0, 1]]), 16, multiple=1).side == 26
    assert group_geometry(positions, np.array([[0, 1]]), 16).side == 32
    assert group_geometry(positions, np.array([[0], [1]]), 16).side == 16


def test_given_side_is_kept_or_refused():
    positions = np.array([[50.0, 50.0], [60.0, 50.0]])
    geometry = group_geometry(positions, np.array([[0, 1]]), 16, side=40)
    assert geometry.side == 40 and geometry.offsets.max() <= 24 and geometry.offsets.min() >= 0
    with pytest.raises(ValueError, match="canvas of 24 px is too small: windows of 16 px reach 5 px, needed 26"):
        group_geometry(positions, np.array([[0, 1]]), 16, side=24)


def test_hundred_thousand_positions_take_a_moment():
    positions = np.random.default_rng(0).uniform(0, 5000, (100_000, 2))
    start = time.process_time()
    groups = form_groups(positions, 4, rng())
    group_geometry(positions, groups, 64)
    # A tenth of a second here; anything quadratic takes minutes, so the bound tells the two apart on any machine.
    assert time.process_time() - start < 10
    assert groups.shape == (100_000, 4)
