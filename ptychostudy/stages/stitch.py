"""Stage stitch: add the shards of one cell up to the canvas of one arm."""

from pathlib import Path
from typing import Any, Literal

from ptychostudy.formats.arm_product import canvas_arrays
from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.recipes.shard import Shard, make_whole
from ptychostudy.recipes.stitch import ShardSums, stitch

_KEYS = ("shard", "origin", "arms")


def run(
    *, arm: Literal["PtychoPINN", "Baseline", "Untrained"], shards: list[Path], output: Path
) -> None:
    """Write the canvas of an arm.

    An all-zero, constant or failed arm is recorded as failed with its statistics.

    Parameters
    ----------
    arm : str
        ``PtychoPINN``, ``Baseline`` or the control ``Untrained``, which is in PtychoPINN's shards.
    shards : list of Path
        All shards of the cell that hold the arm.
    output : Path
        ``reconstructed_object``, ``coverage``, ``origin``; status, reason and statistics in the
        metadata.

    Raises
    ------
    DataError
        If the shards do not make one whole, or hold other arms.
    """
    records = _in_order(shards)
    parts = [_read(shard_file, arm, record) for shard_file, record in records]
    canvas, outcome = stitch(parts)
    write_npz(output, canvas_arrays(canvas), {"arm": arm, **outcome})


def _in_order(shard_files: list[Path]) -> list[tuple[Path, dict[str, Any]]]:
    """Return the shards and their metadata by number; they must be all of one cell."""
    records = [(shard_file, read_metadata(shard_file, _KEYS)) for shard_file in shard_files]
    # However they were listed, the first one that failed is to give its reason.
    records.sort(key=lambda item: Shard.read(item[1]["shard"]).number)
    names = [record["shard"] for _, record in records]
    if not make_whole([Shard.read(name) for name in names]):
        where = shard_files[0].parent if shard_files else "--shards"
        raise DataError(f"{where}: shards {names} do not make one whole")
    return records


def _read(shard_file: Path, arm: str, record: dict[str, Any]) -> ShardSums:
    # A shard of PtychoPINN's holds the sums of its control, too.
    key = f"{arm}_sums"
    sums = read_npz(shard_file, [key])[key]
    return ShardSums(record["origin"], sums, record["arms"][arm])
