"""Recipe stitch: one canvas whatever the shards, phases that the overlaps tell, and what patches say of their error."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ptychostudy.formats.arm_product import COVERAGE, FIELD, ORIGIN, canvas_arrays
from ptychostudy.io.arrays import open_frames, write_npz
from ptychostudy.physics.windows import extract, scan_rectangle
from ptychostudy.recipes.shard import Shard, make_whole
from ptychostudy.recipes.squares import Squares, members_of
from ptychostudy.recipes.stitch import Patches, ShardPatches, stitch
from ptychostudy.recipes.window import StitchWindow
from ptychostudy.sampling.groups import form_groups
from ptychostudy.sampling.patch_pairs import overlapping_pairs
from scenes import made_scan

SCAN = made_scan()
# A fifth of the frames are not in the view, so that indices into it are none into the scan.
FRAMES = np.sort(np.random.default_rng(0).permutation(len(SCAN.positions))[: int(0.8 * len(SCAN.positions))])
GROUPS = form_groups(SCAN.positions[FRAMES], 4, np.random.default_rng(1))
SIDE = 20
OK = {"status": "ok", "reason": "", "statistics": {}}


def squares_of(size=4, window="light", side=SIDE, groups=None):
    members = members_of(size, FRAMES, GROUPS)[:groups]
    return Squares.of(SCAN, members, StitchWindow(side, window))


def exact(squares):
    """Return the object on each square."""
    margin = SIDE
    padded = np.pad(SCAN.truth, margin, constant_values=1)
    return extract(padded, squares.corners + margin, SIDE)


def phases_of(squares, seed=3):
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, len(squares))


def shards(squares, patches, of=1, *, dark=(), bad=()):
    """Return all shards of some patches; some groups saw no photon, some shards failed."""
    weighted = (patches * squares.weights(np.arange(len(squares)))).astype(np.complex64)
    parts = []
    for number in range(1, of + 1):
        chosen = Shard(number, of).choose(len(squares))
        record = {**OK, "groups": len(chosen), "nonzero_inputs": len(set(chosen.tolist()) - set(dark))}
        if number in bad:
            record |= {"status": "failed", "reason": "3 values", "statistics": {"not_finite": 3}}
        parts.append(ShardPatches(chosen, weighted[chosen], record))
    return parts


def seen(canvas):
    """Return the truth on a canvas, and where it is known well enough to be compared to float32 rounding."""
    (top, left), (rows, cols) = canvas.origin, canvas.field.shape
    return SCAN.truth[top : top + rows, left : left + cols], canvas.coverage > 0.01


@pytest.mark.parametrize("of", [1, 2, 7, 30])
def test_shards_hold_every_group_once_and_in_order(of):
    chosen = [Shard(number, of).choose(23) for number in range(1, of + 1)]
    np.testing.assert_array_equal(np.concatenate(chosen), np.arange(23))
    assert max(map(len, chosen)) - min(map(len, chosen)) <= 1


def test_a_shard_is_read_as_it_is_written():
    assert Shard.read("3-of-12") == Shard(3, 12)
    assert str(Shard(3, 12)) == "3-of-12"


@pytest.mark.parametrize("text", ["", "foo", "3-of-2", "0-of-0", "0-of-2", "1-of-2-of-3", "-1-of-2", "1.0-of-2"])
def test_a_shard_that_there_is_not_is_refused(text):
    with pytest.raises(ValueError, match="needed: k-of-n, with k from 1 to n"):
        Shard.read(text)


@pytest.mark.parametrize(
    ("names", "whole"),
    [
        (["1-of-1"], True),
        (["1-of-2", "2-of-2"], True),
        ([], False),
        (["1-of-2"], False),
        (["2-of-2", "1-of-2"], False),
        (["1-of-2", "2-of-3"], False),
        (["1-of-2", "1-of-2"], False),
    ],
)
def test_a_whole_has_every_part_once(names, whole):
    assert make_whole([Shard.read(name) for name in names]) is whole


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("window", ["light", "uniform", "hann"])
def test_the_object_comes_back_from_patches_of_random_phases(size, window):
    squares = squares_of(size, window)
    turned = exact(squares) * np.exp(1j * phases_of(squares))[:, None, None]
    found = stitch(shards(squares, turned), squares, in_phase=True)
    truth, known = seen(found.canvas)
    # Up to one phase: rounding of complex64, and of integer sums over weights above a hundredth.
    common = np.vdot(found.canvas.field[known], truth[known])
    np.testing.assert_allclose(found.canvas.field[known] * common / abs(common), truth[known], atol=2e-6)
    assert known.mean() > 0.5
    assert found.disagreement.max() < 2e-5
    chosen = {"window_px": SIDE, "window": window, "synchronised": True, "parts": 1}
    assert found.record["stitching"] == chosen
    assert found.record["status"] == "ok"


def test_without_synchronisation_patches_are_taken_as_they_are():
    squares = squares_of()
    turned = exact(squares) * np.exp(1j * phases_of(squares))[:, None, None]
    found = stitch(shards(squares, turned), squares, in_phase=False)
    truth, known = seen(found.canvas)
    weights = squares.weights(np.arange(len(squares)))
    mean, total = (np.zeros(found.canvas.field.shape, complex) for _ in range(2))
    for patch, weight, corner in zip(turned, weights, squares.corners - found.canvas.origin, strict=True):
        place = np.s_[corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE]
        mean[place] += patch * weight
        total[place] += weight
    np.testing.assert_allclose(found.canvas.field[known], mean[known] / total[known], atol=2e-6)
    # Patches that disagree cancel, and say so.
    assert np.abs(found.canvas.field[known]).mean() < 0.5 * np.abs(truth[known]).mean()
    assert np.median(found.disagreement[known]) > 0.3
    assert found.record["stitching"]["synchronised"] is False


@pytest.mark.parametrize("of", [2, 7])
@pytest.mark.parametrize("dark", [(), range(4), range(len(GROUPS))])
def test_the_result_does_not_depend_on_the_shards(of, dark):
    squares = squares_of()
    noise = np.random.default_rng(5).normal(size=(len(squares), SIDE, SIDE, 2)) @ (0.1, 0.1j)
    patches = (exact(squares) + noise) * np.exp(1j * phases_of(squares))[:, None, None]
    whole = stitch(shards(squares, patches, dark=dark), squares, in_phase=True)
    parted = stitch(shards(squares, patches, of, dark=dark), squares, in_phase=True)
    np.testing.assert_array_equal(parted.canvas.field, whole.canvas.field)
    np.testing.assert_array_equal(parted.canvas.coverage, whole.canvas.coverage)
    np.testing.assert_array_equal(parted.disagreement, whole.disagreement)
    assert parted.record == whole.record
    assert whole.record["groups"] == len(GROUPS)
    reason = "no frame holds a photon" if len(dark) == len(GROUPS) else ""
    assert (whole.record["status"], whole.record["reason"]) == ("failed" if reason else "ok", reason)


def test_rounding_of_the_patches_changes_no_more_than_rounding():
    """As another batch size of the network does: the answer is no matter of chance."""
    squares = squares_of()
    rng = np.random.default_rng(6)
    noise = rng.normal(size=(len(squares), SIDE, SIDE, 2)) @ (0.3, 0.3j)
    patches = (exact(squares) + noise) * np.exp(1j * phases_of(squares))[:, None, None]
    rounded = patches * (1 + 1e-6 * rng.normal(size=patches.shape))
    one, other = (stitch(shards(squares, each), squares, in_phase=True).canvas for each in (patches, rounded))
    _, known = seen(one)
    np.testing.assert_allclose(other.field[known], one.field[known], atol=1e-5)


def test_disagreement_is_the_weighted_spread_of_the_patches():
    squares = squares_of(size=1, window="uniform")
    one, other = 1.0 + 0.5j, 0.4 - 0.3j
    values = np.where(np.arange(len(squares)) % 3, one, other)
    found = stitch(shards(squares, np.ones((1, SIDE, SIDE)) * values[:, None, None]), squares, in_phase=False)
    hits = np.zeros((2, *found.canvas.field.shape))
    for k, corner in enumerate(squares.corners - found.canvas.origin):
        hits[int(k % 3 > 0), corner[0] : corner[0] + SIDE, corner[1] : corner[1] + SIDE] += 1
    total = hits.sum(axis=0)
    # Of two values, a share p of one: |difference| sqrt(p (1 - p)).
    share = hits[1] / np.maximum(total, 1)
    expected = abs(one - other) * np.sqrt(share * (1 - share)) * (total > 1)
    np.testing.assert_allclose(found.disagreement, expected, atol=1e-6)
    assert np.all(found.disagreement[total == 1] == 0) and np.any(total == 1)
    assert found.disagreement.dtype == np.float32


def test_parts_that_do_not_overlap_are_told():
    """Squares of a few pixels about every sixth: each is alone."""
    squares = Squares.of(SCAN, np.arange(0, 60, 5)[:, None], StitchWindow(4, "uniform"))
    patches = np.ones((len(squares), 4, 4)) * np.exp(1j * phases_of(squares))[:, None, None]
    found = stitch(shards(squares, patches), squares, in_phase=True)
    assert found.record["stitching"]["parts"] == len(squares)
    assert not found.disagreement.any()


def test_a_link_that_joins_two_crowds_is_found():
    """Each patch asks 64 partners of the 127 about it; one patch of either crowd reaches the other."""
    rng = np.random.default_rng(4)
    crowds = [np.stack([rng.uniform(30, 37, 128), rng.uniform(left, left + 6, 128)], axis=1) for left in (30, 59)]
    positions = np.concatenate(crowds)
    positions[[0, -1], 1] = 38, 57
    source = replace(SCAN, positions=positions)
    squares = Squares.of(source, np.arange(256)[:, None], StitchWindow(SIDE, "uniform"))
    pairs = np.concatenate(list(overlapping_pairs(squares.corners, SIDE).blocks()))
    assert not np.any((pairs[:, 0] < 128) & (pairs[:, 1] >= 128)), "the pair that joins them is not asked at first"
    phases = phases_of(squares)
    found = stitch(shards(squares, exact(squares) * np.exp(1j * phases)[:, None, None]), squares, in_phase=True)
    assert found.record["stitching"]["parts"] == 1
    assert found.disagreement.max() < 2e-5
    without = np.delete(np.arange(256), 0)
    apart = Squares.of(source, without[:, None], StitchWindow(SIDE, "uniform"))
    assert stitch(shards(apart, exact(apart)), apart, in_phase=True).record["stitching"]["parts"] == 2


def test_one_patch_is_its_own_canvas():
    squares = squares_of(groups=1)
    patch = exact(squares) * np.exp(0.4j)
    found = stitch(shards(squares, patch), squares, in_phase=True)
    row, col = squares.corners[0] - found.canvas.origin
    (weights,) = squares.weights(np.array([0]))
    np.testing.assert_array_equal(found.canvas.coverage[row : row + SIDE, col : col + SIDE] > 0, weights > 0)
    lit = weights > 0.01
    np.testing.assert_allclose(found.canvas.field[row : row + SIDE, col : col + SIDE][lit], patch[0][lit], atol=1e-6)
    assert not found.disagreement.any()


def test_a_failed_shard_fails_the_arm_with_the_numbers_of_both():
    """What the others hold is drawn, each at its place."""
    squares = squares_of()
    patches = exact(squares)
    found = stitch(shards(squares, patches, 3, bad=[2]), squares, in_phase=True)
    assert (found.record["status"], found.record["reason"]) == ("failed", "3 values")
    assert found.record["statistics"]["not_finite"] == 3
    truth, known = seen(found.canvas)
    np.testing.assert_allclose(found.canvas.field[known], truth[known], atol=2e-5)
    whole = stitch(shards(squares, patches), squares, in_phase=True)
    assert 0 < known.sum() < seen(whole.canvas)[1].sum()


def test_where_all_failed_nothing_is_drawn():
    squares = squares_of()
    parts = [ShardPatches(part.groups, part.patches[:0], part.record) for part in shards(squares, exact(squares), 2)]
    failed = [ShardPatches(part.groups, part.patches, {**part.record, "status": "failed"}) for part in parts]
    found = stitch(failed, squares, in_phase=True)
    assert not found.canvas.field.any() and not found.canvas.coverage.any()
    assert found.record["status"] == "failed" and found.record["stitching"]["parts"] == 0


def test_patches_of_a_file_and_of_memory_lie_in_the_order_of_the_shards(tmp_path):
    """One by one and some at a time; a shard may hold none."""
    given = np.random.default_rng(0).normal(size=(11, 4, 4)).astype(np.complex64)
    write_npz(tmp_path / "shard.npz", {"patches": given[:7], "none": given[:0]})
    mapped, none = (open_frames(tmp_path / "shard.npz", key) for key in ("patches", "none"))
    patches = Patches([none, mapped, given[7:7], given[7:]])
    assert len(patches) == 11
    np.testing.assert_array_equal([patches[k] for k in range(11)], given)
    np.testing.assert_array_equal(patches[2:9], given[2:9])
    np.testing.assert_array_equal(list(patches), given)
    np.testing.assert_array_equal(patches[-1], given[-1])


def test_no_page_of_a_file_of_patches_stays(tmp_path):
    """What is mapped counts as memory of the process, with sixteen pages about each that was looked at."""
    given = np.random.default_rng(0).normal(size=(256, 64, 64)).astype(np.complex64)
    write_npz(tmp_path / "shard.npz", {"patches": given})
    mapped = open_frames(tmp_path / "shard.npz", "patches")
    patches = Patches([mapped])
    np.testing.assert_array_equal([patches[k] for k in range(256)], given)
    assert resident_kb(tmp_path / "shard.npz") == 0
    mapped.sum()
    assert resident_kb(tmp_path / "shard.npz") > 4000, "the measure sees pages that were looked at"


def resident_kb(path):
    """Return how much of a mapped file this process holds."""
    found, here = [], False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            here = line.endswith(str(path))
        if here and line.startswith("Rss:"):
            found.append(int(line.split()[1]))
    assert found
    return sum(found)


def test_patches_are_read_where_they_lie(tmp_path):
    """Never all at once: of a file, mapped, no more than a few squares stand in memory."""
    squares = squares_of(size=1)
    many = np.tile(np.arange(len(squares)), 12)
    crowd = Squares.of(SCAN, FRAMES[many][:, None], StitchWindow(SIDE, "light"))
    patches = exact(crowd) * crowd.weights(np.arange(len(crowd)))
    np.save(tmp_path / "patches.npy", patches.astype(np.complex64))
    held = patches.size * 8
    del patches
    mapped = np.load(tmp_path / "patches.npy", mmap_mode="r")
    record = {**OK, "groups": len(crowd), "nonzero_inputs": 1}
    tracemalloc.start()
    stitch([ShardPatches(np.arange(len(crowd)), mapped, record)], crowd, in_phase=False)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < held / 3


def test_a_canvas_is_stored_with_its_place():
    squares = squares_of()
    canvas = stitch(shards(squares, exact(squares)), squares, in_phase=True).canvas
    arrays = canvas_arrays(canvas)
    assert list(arrays) == [FIELD, COVERAGE, ORIGIN]
    assert arrays[ORIGIN].tolist() == list(scan_rectangle(SCAN.positions, SIDE // 2 + 1)[0])
    assert arrays[ORIGIN].dtype == np.int64
