"""Shards of a cell for tests of recipes: the patches of a network, as the stages infer and stitch hand them on."""

import numpy as np

from ptychostudy.recipes.infer import ShardRun
from ptychostudy.recipes.shard import Shard
from ptychostudy.recipes.squares import Squares, members_of
from ptychostudy.recipes.stitch import ShardPatches
from ptychostudy.recipes.window import choose_window


def squares_of(bundle, source, view, settings):
    """Return the squares of a network in a view, which is a pair of frames and groups."""
    frames, groups = view
    members = members_of(bundle["config"]["frames"], frames, groups)[: settings.debug_limit]
    return Squares.of(source, members, choose_window(settings, source, frames, groups))


def infer(bundle, source, view, settings, *, shard="1-of-1", batch_size=16):
    """Return what one shard of a view's groups becomes."""
    squares = squares_of(bundle, source, view, settings)
    passing = ShardRun(bundle, source, squares, Shard.read(shard).choose(len(squares)), batch_size)
    blocks = [np.zeros((0, *squares.shape), np.complex64), *passing.blocks()]
    patches = np.concatenate(blocks)
    assert patches.shape == passing.shape and patches.dtype == np.complex64
    return ShardPatches(passing.groups, patches, passing.record)
