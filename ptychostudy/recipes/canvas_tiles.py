"""What a network of canvases made of the tiles of a cell: those of each shard, all together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ptychostudy.physics.canvas import Canvas
from ptychostudy.recipes.maximise import ViewOfScan
from ptychostudy.recipes.stitch import Stitched, outcome_of
from ptychostudy.sampling.tiles import Tiles


@dataclass(frozen=True)
class TilesOfShard:
    """What a network made of the tiles of a shard.

    Attributes
    ----------
    cores : (t, r, c) complex64
        Objects.
    spread : (t, r, c) float32
        Standard deviation of the answers in all directions, of which a core is the mean.
    record : dict
        What became of them.
    """

    cores: np.ndarray
    spread: np.ndarray
    record: dict[str, Any]

    @classmethod
    def nothing(cls, tiles: Tiles, record: dict[str, Any]) -> "TilesOfShard":
        """Return what there is of a shard without tiles, or of one that was not computed."""
        cores = np.zeros((0, *tiles.core), dtype=np.complex64)
        return cls(cores, np.zeros(cores.shape, dtype=np.float32), record)


def joined(parts: Sequence[TilesOfShard], view: ViewOfScan) -> Stitched:
    """Put the tiles of all shards of a cell together.

    Parameters
    ----------
    parts : sequence of TilesOfShard
        All of the cell, in the order of their numbers.
    view : ViewOfScan
    """
    tiles = Tiles(view.shape)
    records = [part.record for part in parts]
    good = all(record["status"] == "ok" for record in records)
    field = np.zeros(view.shape, dtype=np.complex64)
    spread = np.zeros(view.shape, dtype=np.float32)
    if good:
        field = tiles.joined(np.concatenate([part.cores for part in parts]))
        spread = tiles.joined(np.concatenate([part.spread for part in parts]))
    canvas = view.canvas(field)
    lit = canvas.coverage > 0
    canvas = Canvas(np.where(lit, canvas.field, 0), canvas.coverage, canvas.origin)
    record = {**outcome_of(canvas, records), "groups": len(view.index), "tiles": len(tiles.corners)}
    return Stitched(canvas, np.where(lit, spread, 0).astype(np.float32), record)
