"""Stitch: bring the patches of a cell to one phase, add them up to one canvas, and judge it."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from ptychostudy.io.stored import stored
from ptychostudy.measure.outcome import judge
from ptychostudy.physics.canvas import Canvas
from ptychostudy.physics.disagreement import Disagreement
from ptychostudy.physics.links import Keep, Links, Pairs, in_memory
from ptychostudy.physics.synchronise import (
    Synchronised,
    inner_products,
    parts_of,
    synchronise,
)
from ptychostudy.recipes.squares import Squares
from ptychostudy.sampling.patch_pairs import overlapping_pairs

# Patches that are read, weighted and added together: so few that a cache holds them.
_BLOCK = 16


@dataclass(frozen=True)
class ShardPatches:
    """What one shard made of an arm.

    Attributes
    ----------
    groups : (k,) int
        Groups of the cell.
    patches : (k, M, M) complex64, may be memory-mapped
        Their squares times the weights of their pixels.
    record : mapping
        ``status``, ``reason``, ``statistics``, ``groups`` and ``nonzero_inputs`` of the shard.
    """

    groups: np.ndarray
    patches: np.ndarray
    record: Mapping[str, Any]

    @property
    def good(self) -> bool:
        """Whether the shard ended well; of one that did not, nothing is drawn."""
        return bool(self.record["status"] == "ok")


@dataclass(frozen=True)
class Stitched:
    """A cell's canvas of an arm.

    Attributes
    ----------
    canvas : Canvas
    disagreement : (H, W) float32
        Weighted standard deviation of the patches about the canvas; 0 under one patch alone.
    record : dict
        Status, reason, statistics, groups and parts, whatever the shards were.
    """

    canvas: Canvas
    disagreement: np.ndarray
    record: dict[str, Any]


class Patches(Sequence[np.ndarray]):
    """Patches (M, M) of some shards, one after the other, that stay in their files.

    Parameters
    ----------
    files : sequence of (k, M, M) complex, may be `Mapped`
    """

    def __init__(self, files: Sequence[np.ndarray]) -> None:
        # Patches are asked for here and there.
        self._files = [stored(file) for file in files]
        self._starts = np.cumsum([0, *map(len, files)]).tolist()
        self._places = range(self._starts[-1])

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, place: slice) -> list[np.ndarray]: ...

    def __getitem__(self, place: int | slice) -> np.ndarray | list[np.ndarray]:
        """Return a patch, or some, as they lie in their file."""
        places = self._places[place]
        if isinstance(places, range):
            return [self[each] for each in places]
        # Of files that begin at one place all but the last are empty.
        number = bisect_right(self._starts, places) - 1
        return self._files[number][places - self._starts[number]]


class Placed:
    """The patches of a cell with their places, in the order of the groups, read in blocks.

    Parameters
    ----------
    shards : sequence of ShardPatches
        All of the cell, in order; those that failed are left out.
    squares : Squares
    """

    def __init__(self, shards: Sequence[ShardPatches], squares: Squares) -> None:
        good = [shard for shard in shards if shard.good]
        self._squares = squares
        self._side = squares.window.window_px
        self.groups = np.concatenate([np.zeros(0, np.int64), *(shard.groups for shard in good)])
        self.patches = Patches([shard.patches for shard in good])

    @property
    def corners(self) -> np.ndarray:
        """Return the first pixel (k, 2) of each square in the object."""
        corners: np.ndarray = self._squares.corners[self.groups]
        return corners

    def blocks(self, factors: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield patches times their weights and factors, their corners and weights, in blocks."""
        corners = self.corners
        for start in range(0, len(corners), _BLOCK):
            block = slice(start, start + _BLOCK)
            turned = np.stack(self.patches[block]) * factors[block, None, None]
            yield turned, corners[block], self._squares.weights(self.groups[block])

    def synchronised(self, keep: Keep) -> Synchronised:
        """Return the phase factors of the patches, from their overlaps."""
        corners = self.corners
        pairs = overlapping_pairs(corners, self._side, keep=keep)
        links = self._links(pairs, keep)
        part = parts_of(links)
        # Where patches are many, not all pairs were asked: none that joins two parts may be missed.
        if part.any():
            joining = overlapping_pairs(corners, self._side, apart=part, keep=keep)
            links = links.joined(self._links(joining, keep), keep)
        return synchronise(links, keep)

    def _links(self, pairs: Pairs, keep: Keep) -> Links:
        """Return what the patches of each pair have in common."""
        corners = self.corners
        products = (inner_products(self.patches, corners, block) for block in pairs.blocks())
        return Links(pairs, keep(products, np.complex128))

    def as_they_are(self) -> Synchronised:
        """Return factors of one, and all patches in one part."""
        count = len(self.patches)
        return Synchronised(np.ones(count, np.complex128), np.zeros(count, np.int64))


def stitch(
    shards: Sequence[ShardPatches],
    squares: Squares,
    *,
    in_phase: bool,
    keep: Keep = in_memory,
) -> Stitched:
    """Add all patches of a cell up.

    Parameters
    ----------
    shards : sequence of ShardPatches
        All of the cell, in the order of their numbers.
    squares : Squares
        Where their patches lie.
    in_phase : bool
        Whether patches are brought to one phase first.
    keep : callable
        Where pairs of patches and what they have in common are put meanwhile.
    """
    placed = Placed(shards, squares)
    # Of shards that failed there is nothing to bring to one phase.
    turned = in_phase and len(placed.patches) > 0
    found = placed.synchronised(keep) if turned else placed.as_they_are()
    canvas = _canvas(placed, squares, found.factors)
    spread = Disagreement(canvas)
    for block in placed.blocks(found.factors):
        spread.add(*block)
    records = [shard.record for shard in shards]
    record = {
        **outcome_of(canvas, records),
        "groups": sum(record["groups"] for record in records),
        "stitching": {**squares.window.record, "synchronised": in_phase, "parts": found.parts},
    }
    return Stitched(canvas, spread.finish(), record)


def _canvas(placed: Placed, squares: Squares, factors: np.ndarray) -> Canvas:
    """Return the canvas of patches that are multiplied with factors (k,)."""
    total = squares.canvas()
    for block in placed.blocks(factors):
        total.add_weighted(*block)
    return total.finish()


def outcome_of(canvas: Canvas, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the verdict on the canvas, or why a shard failed, or that every frame was dark."""
    outcome = judge(canvas)
    for record in records:
        if record["status"] != "ok":
            return _failed_with(record, outcome)
    # A network makes something of dark frames, too; that is no reconstruction. A few of them may
    # fill one shard of many, so only all shards together say that nothing was seen.
    if not any(record["nonzero_inputs"] for record in records):
        outcome.update(status="failed", reason="no frame holds a photon")
    return outcome


def _failed_with(record: Mapping[str, Any], outcome: dict[str, Any]) -> dict[str, Any]:
    """Return the outcome of a canvas of which a shard failed: its reason, the numbers of both."""
    return {
        "status": "failed",
        "reason": record["reason"],
        "statistics": {**outcome["statistics"], **record["statistics"]},
    }
