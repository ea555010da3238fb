"""Sampling keys: every combination runs with the sizes it says, or is refused with the message that says why."""

from math import comb, floor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptychostudy.recipes.sample import sample_view
from ptychostudy.sampling.groups import form_groups
from ptychostudy.sampling.split import split_scan
from ptychostudy.sampling.subsample import take_frames
from ptychostudy.study.refusals import validated
from ptychostudy.study.sections.overlap import SamplingSettings
from ptychostudy.study.yaml_file import ConfigError

PROBE = np.zeros((16, 16), np.complex64)
PROBE[4:12, 4:12] = 1
GUARD = {"axis": "x", "guard_px": 0.0, "fraction": 0.4}
SEEDS = st.integers(0, 2**31 - 1)


def scan(rows, cols, stretch, jitter):
    """Return a raster with more extent along one axis than along the other, in the order it was driven."""
    grid = np.stack(np.meshgrid(np.arange(rows) * 3.0, np.arange(cols) * 3.0 * stretch, indexing="ij"), -1)
    return 20 + grid.reshape(-1, 2) + np.random.default_rng(0).uniform(-jitter, jitter, (rows * cols, 2))


SCANS = st.builds(
    scan, st.integers(3, 8), st.integers(7, 14), st.sampled_from([0.25, 1.0, 4.0]), st.sampled_from([0.0, 1.0])
)
KEYS = st.fixed_dictionaries(
    {
        "gridsize": st.sampled_from([1, 2, 2, 3]),
        "neighbor_count": st.integers(1, 30),
        "metric_neighbor_count": st.integers(1, 8),
        "enable_oversampling": st.booleans(),
        "sequential": st.sampled_from([False, False, True]),
        "seed_grouping": SEEDS,
        "seed_subsampling": SEEDS,
    },
    optional={"n_groups": st.integers(1, 90)},
)
SHARES = st.builds(lambda share: {"s_img": share}, st.floats(0.3, 1))
COUNTS = st.builds(lambda count: {"n_subsample": count}, st.integers(1, 40))
TARGETS = st.builds(lambda share: {"target_overlap": share}, st.floats(0.05, 0.95))
WRONG = st.sampled_from([{"s_img": 0.01}, {"s_img": 0.5, "n_subsample": 5}, {}])
WAYS = st.one_of(SHARES, SHARES, SHARES, COUNTS, COUNTS, COUNTS, TARGETS, WRONG)
POOLS = st.sampled_from([{}, {}, {}, {"neighbor_pool_size": 3}, {"neighbor_pool_size": 10}])


def refused_as_settings(keys):
    """Return the parts of the message that settings must be refused with, from the keys alone."""
    in_group = keys["gridsize"] ** 2
    pool = keys.get("neighbor_pool_size")
    ways = [key for key in ("s_img", "target_overlap", "n_subsample") if key in keys]
    if len(ways) != 1:
        return ["n_subsample is", "exactly one of the three"]
    if keys["sequential"] and "target_overlap" in keys:
        return ["sequential is true", "target_overlap is"]
    if keys["neighbor_count"] < in_group:
        return [f"neighbor_count is {keys['neighbor_count']}", f"gridsize^2 = {in_group}", "OVERSAMPLING-001"]
    if pool is not None and pool < in_group:
        return [f"neighbor_pool_size is {pool}", f"gridsize^2 = {in_group}", "OVERSAMPLING-001"]
    if pool is not None and not keys["enable_oversampling"]:
        return ["enable_oversampling is false", "neighbor_count"]
    return None


def most_groups(frames, keys):
    """Return K, and how many groups there are to be had of so many frames."""
    pool = (keys["enable_oversampling"] and keys.get("neighbor_pool_size")) or keys["neighbor_count"]
    if not keys["enable_oversampling"]:
        return pool, frames
    # Among so many frames a seed has no more neighbours than the others.
    return pool, frames * comb(min(pool, frames - 1), keys["gridsize"] ** 2 - 1)


def refused_as_sampling(part, frames, keys):
    """Return what is refused of a part of so many frames, of which a view keeps so many."""
    if keys.get("n_subsample", 0) > part:
        return [f"n_subsample asks for {keys['n_subsample']} of {part} frames", f"from 1 to {part}"]
    if frames < 1:
        return ["leaves none"]
    if frames < keys["gridsize"] ** 2:
        return [f"{frames} frames cannot form a group of C={keys['gridsize'] ** 2}"]
    pool, most = most_groups(frames, keys)
    asked = keys.get("n_groups", frames)
    if asked > most:
        return [
            f"OVERSAMPLING-001: {asked} groups asked from {frames} frames",
            f"at most {most}",
            f"(K={pool}, C={keys['gridsize'] ** 2},",
        ]
    return None


def kept(part, keys):
    """Return how many of the frames of a part are kept; of a wanted overlap the settings do not say."""
    if "target_overlap" in keys:
        return None
    return keys["n_subsample"] if "n_subsample" in keys else floor(keys["s_img"] * part + 1e-9 * part)


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(positions=SCANS, keys=KEYS, way=WAYS, pool=POOLS, split=st.sampled_from(["train", "test"]))
def test_every_combination_runs_as_it_says_or_is_refused(positions, keys, way, pool, split):
    keys = {**keys, **way, **pool}
    parts = refused_as_settings(keys)
    if parts:
        with pytest.raises(ConfigError) as error:
            validated(SamplingSettings, {"split": GUARD, **keys})
        assert all(part in str(error.value) for part in parts), str(error.value)
        return
    asked = validated(SamplingSettings, {"split": GUARD, **keys})
    try:
        chosen = sample_view(positions, PROBE, "dense", split, asked)
    except ValueError as error:
        assert is_explained(str(error), positions, keys, split), str(error)
        return
    part = len(split_scan(positions, 9.0, **GUARD)[split])
    assert refused_as_sampling(part, len(chosen.frames), keys) is None
    check(chosen, part, keys)
    again = sample_view(positions, PROBE, "dense", split, asked)
    assert np.array_equal(chosen.frames, again.frames) and np.array_equal(chosen.groups, again.groups)


def is_explained(message, positions, keys, split):
    """Say whether a refusal is the one that the keys and the number of frames ask for."""
    try:
        part = len(split_scan(positions, 9.0, **GUARD)[split])
    except ValueError as error:
        return message == str(error)
    if "is not attainable" in message:
        return "target_overlap" in keys and "range is [0, " in message
    frames = kept(part, keys)
    if frames is None:
        # A solved number of frames is the only one that has to be read off the message.
        return any(refusal_holds(message, part, count, keys) for count in range(1, part + 1))
    return refusal_holds(message, part, frames, keys)


def refusal_holds(message, part, frames, keys):
    wanted = refused_as_sampling(part, frames, keys)
    return wanted is not None and all(text in message for text in wanted)


def check(chosen, part, keys):
    """Check sizes, members and records of a view."""
    frames, in_group = len(chosen.frames), keys["gridsize"] ** 2
    assert kept(part, keys) in (None, frames)
    assert chosen.groups.shape == (keys.get("n_groups", frames), in_group)
    assert np.all(np.diff(chosen.frames) > 0) and chosen.frames.min() >= 0 and chosen.frames.max() < part
    assert chosen.groups.min() >= 0 and chosen.groups.max() < frames
    assert np.all(np.diff(np.sort(chosen.groups, axis=1), axis=1) > 0)
    if keys["sequential"]:
        assert np.array_equal(chosen.frames, np.arange(frames))
    if keys["sequential"] and in_group == 1:
        assert np.array_equal(chosen.groups[:, 0], np.arange(len(chosen.groups)))
    metrics = chosen.metrics
    assert metrics["n_images_total"] == part and metrics["n_images_subsampled"] == frames
    assert metrics["n_groups"] == metrics["n_groups_actual"] == len(chosen.groups)
    assert metrics["s_img"] * part == pytest.approx(frames, abs=1)
    assert metrics.get("n_subsample") == keys.get("n_subsample")
    assert metrics.get("sequential", False) == keys["sequential"]
    alone = frames - len(np.unique(chosen.groups))
    assert (f"{alone} in no group" in chosen.text) == (alone > 0)


def test_the_first_frames_are_the_first_and_drawn_ones_nest():
    assert take_frames(9, 4, None).tolist() == [0, 1, 2, 3]
    drawn = [set(take_frames(50, count, np.random.default_rng(3)).tolist()) for count in (5, 20, 50)]
    assert drawn[0] < drawn[1] < drawn[2] == set(range(50)) and drawn[0] != set(range(5))
    for count in (0, -2, 10):
        with pytest.raises(ValueError, match=f"n_subsample asks for {count} of 9 frames; needed: from 1 to 9"):
            take_frames(9, count, None)


def test_sequential_seeds_are_the_first_frames():
    """On a line of frames each is told by its neighbours: a group about frame i lies within K of it."""
    line = np.stack([np.zeros(100), np.arange(100) * 5.0], axis=1)
    rng = np.random.default_rng(1)
    groups = form_groups(line, 4, rng, n_groups=10, neighbor_count=6, sequential=True)
    assert all(seed in group for seed, group in enumerate(groups.tolist()))
    assert groups.max() <= 9 + 3
    drawn = form_groups(line, 4, np.random.default_rng(1), n_groups=10, neighbor_count=6)
    assert drawn.max() > 50


def test_sequential_changes_no_draw_where_every_frame_is_a_seed():
    positions = scan(6, 7, 1.0, 1.0)
    for wanted in (42, 80):
        options = {"n_groups": wanted, "oversample": True}
        both = [form_groups(positions, 4, np.random.default_rng(2), **options, sequential=on) for on in (True, False)]
        assert np.array_equal(*both)


@pytest.mark.parametrize("gridsize", [1, 2])
@pytest.mark.parametrize("turned", [False, True])
def test_a_scan_of_one_line_has_its_frames_and_groups(gridsize, turned):
    """All frames in one row, or in one column: no area, and no overlap across."""
    line = scan(1, 30, 1.0, 0.0)
    positions = line[:, ::-1] if turned else line
    split = {"axis": "y" if turned else "x", "guard_px": 0.0, "fraction": 0.5}
    asked = SamplingSettings(n_subsample=12, sequential=True, gridsize=gridsize, split=split)
    chosen = sample_view(positions, PROBE, "dense", "train", asked)
    assert chosen.frames.tolist() == list(range(12)) and chosen.groups.shape == (12, gridsize**2)


@pytest.mark.parametrize("frames", [4, 5, 6, 9])
@pytest.mark.parametrize("pool", [4, 5, 30])
def test_the_largest_number_of_groups_is_had_and_one_more_is_not(frames, pool):
    positions = scan(3, 3, 1.0, 1.0)[:frames]
    most = frames * comb(min(pool, frames - 1), 3)
    options = {"oversample": True, "pool_size": pool}
    groups = form_groups(positions, 4, np.random.default_rng(0), n_groups=most, **options)
    assert groups.shape == (most, 4)
    with pytest.raises(ValueError, match=rf"OVERSAMPLING-001: {most + 1} groups asked .* at most {most}$"):
        form_groups(positions, 4, np.random.default_rng(0), n_groups=most + 1, **options)
