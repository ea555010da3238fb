"""Recipe stitch: shards in any number add up to the same canvas, and its verdict does not depend on them."""

import numpy as np
import pytest

from ptychostudy.formats.arm_product import COVERAGE, FIELD, ORIGIN, canvas_arrays
from ptychostudy.physics.canvas import PartialCanvas
from ptychostudy.recipes.shard import Shard, make_whole
from ptychostudy.recipes.stitch import ShardSums, stitch

GROUPS = 23
CORNERS = np.random.default_rng(0).integers(0, (14, 24), (GROUPS, 2))
PATCHES = np.random.default_rng(1).normal(size=(GROUPS, 6, 6, 2)) @ (1, 1j)


def shards(of, *, dark=(), bad=()):
    """Return the sums of all shards; some groups saw no photon, some shards failed."""
    parts = []
    for number in range(1, of + 1):
        chosen = Shard(number, of).choose(GROUPS)
        canvas = PartialCanvas((30, 50), (20, 30))
        canvas.add(PATCHES[chosen], CORNERS[chosen] + (30, 50), np.ones((6, 6)))
        record = {"status": "ok", "reason": "", "statistics": {}, "groups": len(chosen)}
        record["nonzero_inputs"] = len(set(chosen.tolist()) - set(dark))
        if number in bad:
            record |= {"status": "failed", "reason": "3 values", "statistics": {"not_finite": 3}}
        parts.append(ShardSums(canvas.origin, canvas.sums, record))
    return parts


@pytest.mark.parametrize("of", [1, 2, 7, 30])
def test_shards_hold_every_group_once_and_in_order(of):
    chosen = [Shard(number, of).choose(GROUPS) for number in range(1, of + 1)]
    np.testing.assert_array_equal(np.concatenate(chosen), np.arange(GROUPS))
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


@pytest.mark.parametrize("of", [2, 7])
@pytest.mark.parametrize("dark", [(), range(4), range(GROUPS)])
def test_the_canvas_and_its_verdict_do_not_depend_on_the_shards(of, dark):
    canvas, record = stitch(shards(1, dark=dark))
    parted, same = stitch(shards(of, dark=dark))
    np.testing.assert_array_equal(parted.field, canvas.field)
    np.testing.assert_array_equal(parted.coverage, canvas.coverage)
    assert same == record
    assert record["groups"] == GROUPS
    reason = "no frame holds a photon" if len(dark) == GROUPS else ""
    assert (record["status"], record["reason"]) == ("failed" if reason else "ok", reason)


def test_a_failed_shard_fails_the_arm_with_the_numbers_of_both():
    _, good = stitch(shards(3))
    _, record = stitch(shards(3, bad=[2]))
    assert (record["status"], record["reason"]) == ("failed", "3 values")
    assert record["statistics"] == good["statistics"] | {"not_finite": 3}


def test_a_canvas_is_stored_with_its_place():
    canvas, _ = stitch(shards(1))
    arrays = canvas_arrays(canvas)
    assert list(arrays) == [FIELD, COVERAGE, ORIGIN]
    assert arrays[ORIGIN].tolist() == [30, 50]
    assert arrays[ORIGIN].dtype == np.int64
