"""Stage stitch: bring the patches of one cell to one phase, add them up to an arm's canvas."""

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ptychostudy.formats.arm_product import DISAGREEMENT, canvas_arrays
from ptychostudy.formats.scan import Scan, open_scan
from ptychostudy.io.arrays import open_frames, read_metadata, read_npz, write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.io.records import read_json, write_json
from ptychostudy.io.stored import in_file
from ptychostudy.physics.disagreement import root_mean_square
from ptychostudy.physics.illumination import hull_mask
from ptychostudy.physics.links import Keep
from ptychostudy.recipes.canvas_tiles import TilesOfShard, joined
from ptychostudy.recipes.maximise import ViewOfScan
from ptychostudy.recipes.shard import Shard, make_whole
from ptychostudy.recipes.squares import Squares, members_of
from ptychostudy.recipes.stitch import ShardPatches, Stitched, stitch
from ptychostudy.recipes.window import StitchWindow

if TYPE_CHECKING:
    from ptychostudy.study.sections.infer import StitchSettings

_KEYS = ("shard", "stitching", "arms", "backend")
_log = logging.getLogger("ptychostudy")


def run(
    settings: "StitchSettings",
    *,
    arm: Literal["PtychoPINN", "Baseline", "FeedForward", "Untrained"],
    shards: list[Path],
    scan: Path,
    view: Path,
    output: Path,
    speeds: list[Path] = [],  # noqa: B006 - read, never changed; the command line needs the type
    speed: Path | None = None,
) -> None:
    """Write the canvas of an arm.

    An all-zero, constant or failed arm is recorded as failed with its statistics.

    Parameters
    ----------
    settings : StitchSettings
        Section ``infer``.
    arm : str
        ``PtychoPINN``, ``Baseline`` or the control ``Untrained``, which is in PtychoPINN's shards.
    shards : list of Path
        All shards of the cell that hold the arm.
    scan, view : Path
        Positions and probe; frame indices and groups.
    output : Path
        ``reconstructed_object``, ``coverage``, ``origin``, ``disagreement`` of the patches; status,
        reason and statistics in the metadata.
    speeds : list of Path
        What was measured of the shards, one file each.
    speed : Path, optional
        Output: the seconds that the shards and their stitching took, start-up apart.

    Raises
    ------
    DataError
        If the shards do not make one whole, or hold other arms.
    """
    records = _in_order(shards)
    source = open_scan(scan)
    known = read_npz(view, ["frames", "groups"])
    start = time.perf_counter()
    stitched = _stitched(arm, records, source, known, settings, keep=in_file)
    stitching = time.perf_counter() - start
    spread = _root_mean_square(stitched, source, known["frames"])
    arrays = {**canvas_arrays(stitched.canvas), DISAGREEMENT: stitched.disagreement}
    made_by = {"backend": records[0][1]["backend"]}
    write_npz(output, arrays, {"arm": arm, **stitched.record, **made_by, DISAGREEMENT: spread})
    if speed is not None:
        of_canvas = bool(records[0][1]["arms"][arm].get("canvas"))
        seconds = _seconds(arm, speeds, stitching)
        # What the likelihood took before is told by the stage `maximise`.
        about = {"frames": len(known["frames"]), "seconds": seconds, "of_canvas": of_canvas}
        write_json(speed, about)


def _seconds(arm: str, speeds: list[Path], stitching: float) -> float | None:
    """Return how long an arm took; of one that did not run, nothing was measured."""
    told = [read_json(file, ["seconds"])["seconds"].get(arm) for file in speeds]
    passes = [seconds for seconds in told if seconds is not None]
    # A shard without tiles has none; one that failed has none in any.
    return round(sum(passes) + stitching, 4) if passes else None


def _stitched(
    arm: str,
    records: list[tuple[Path, dict[str, Any]]],
    source: Scan,
    known: dict[str, np.ndarray],
    settings: "StitchSettings",
    *,
    keep: Keep,
) -> Stitched:
    """Return the canvas of an arm: of tiles side by side, or of patches that overlap."""
    _, first = records[0]
    told = first["arms"][arm]
    if told.get("canvas"):
        tiles = [_tiles(shard_file, arm, record) for shard_file, record in records]
        return joined(tiles, ViewOfScan.of(source, known["frames"]))
    members = members_of(told["frames"], known["frames"], known["groups"])
    window = StitchWindow(**first["stitching"])
    squares = Squares.of(source, members[: told["groups_of_cell"]], window)
    parts = [_read(shard_file, arm, record, squares) for shard_file, record in records]
    stitched = stitch(parts, squares, in_phase=settings.synchronise, keep=keep)
    _tell(arm, stitched.record["stitching"]["parts"])
    return stitched


def _tiles(shard_file: Path, arm: str, record: dict[str, Any]) -> TilesOfShard:
    tiles, spread = f"{arm}_tiles", f"{arm}_spread"
    arrays = read_npz(shard_file, [tiles, spread])
    return TilesOfShard(arrays[tiles], arrays[spread], record["arms"][arm])


def _tell(arm: str, parts: int) -> None:
    if parts > 1:
        _log.info(
            "%s: %d parts of the scan do not overlap; each has a phase of its own", arm, parts
        )


def _in_order(shard_files: list[Path]) -> list[tuple[Path, dict[str, Any]]]:
    """Return the shards and their metadata by number; they must be all of one cell."""
    records = [(shard_file, read_metadata(shard_file, _KEYS)) for shard_file in shard_files]
    # However they were listed, the first one that failed is to give its reason.
    records.sort(key=lambda item: Shard.read(item[1]["shard"]).number)
    names = [record["shard"] for _, record in records]
    if not make_whole([Shard.read(name) for name in names]):
        where = shard_files[0].parent if shard_files else "--shards"
        raise DataError(f"{where}: shards {names} do not make one whole")
    _check_backend(records)
    return records


def _check_backend(records: list[tuple[Path, dict[str, Any]]]) -> None:
    """Refuse shards of several backends, whose networks differ by more than shards may."""
    (first, told), *further = records
    for shard_file, record in further:
        if record["backend"] != told["backend"]:
            raise DataError(
                f"{shard_file}: 'backend' is {record['backend']}, that of {first} "
                f"{told['backend']}; needed: one for a canvas, so infer all of its shards again"
            )


def _read(shard_file: Path, arm: str, record: dict[str, Any], squares: Squares) -> ShardPatches:
    # A shard of PtychoPINN's holds the patches of its control, too.
    key = f"{arm}_patches"
    patches = open_frames(shard_file, key)
    groups = Shard.read(record["shard"]).choose(len(squares))
    needed = (len(groups), *squares.shape)
    told = record["arms"][arm]
    if told["status"] == "ok" and patches.shape != needed:
        raise DataError(f"{shard_file}: key {key!r} has shape {patches.shape}, needed {needed}")
    return ShardPatches(groups, patches, told)


def _root_mean_square(stitched: Stitched, source: Scan, frames: np.ndarray) -> float:
    """Return the disagreement within the hull of the view's frames, pixels weighted by light."""
    canvas = stitched.canvas
    hull = hull_mask(source.positions[frames], origin=canvas.origin, shape=canvas.field.shape)
    return root_mean_square(stitched.disagreement, canvas.coverage, hull)
