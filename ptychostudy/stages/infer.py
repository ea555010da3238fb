"""Stage infer: one shard of a cell's groups through one network, to the patches of each arm."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import Stream, read_npz, write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.io.records import write_json
from ptychostudy.networks.backend import made_by
from ptychostudy.networks.backend import start as prepare
from ptychostudy.networks.precision import FLOAT32, settled
from ptychostudy.recipes.canvas_infer import infer_canvas, of_canvas, the_estimate
from ptychostudy.recipes.infer import ShardRun, with_control
from ptychostudy.recipes.shard import Shard
from ptychostudy.recipes.squares import Squares, members_of
from ptychostudy.recipes.window import choose_window
from ptychostudy.runs.work import Work

if TYPE_CHECKING:
    from ptychostudy.study.sections.infer import PatchSettings

__all__ = ["prepare", "run"]
BATCH_SIZE = 16
"""Groups in one network call, where neither command line nor configuration says."""

_log = logging.getLogger("ptychostudy")


def run(
    settings: "PatchSettings",
    *,
    arm: Literal["PtychoPINN", "Baseline", "FeedForward"],
    bundle: Path,
    scan: Path,
    view: Path,
    shard: str,
    output: Path,
    estimate: list[Path] = [],  # noqa: B006 - read, never changed; the command line needs the type
    speed: Path | None = None,
    batch_size: int | None = None,
    label: str = "",
) -> None:
    """Write the patches of one network for one shard; PtychoPINN's brings its control.

    Parameters
    ----------
    settings : PatchSettings
        Section ``infer``.
    arm : str
        ``PtychoPINN``, ``Baseline`` or ``FeedForward``.
    bundle : Path
        The trained network.
    scan, view : Path
        Frames; frame indices and groups.
    shard : str
        ``k-of-n``.
    output : Path
        For each arm ``{arm}_patches`` (k, M, M) complex64, times their weights; of a network of
        canvases ``{arm}_tiles`` and ``{arm}_spread``; what is stitched of a patch, status and
        statistics in the metadata.
    estimate : list of Path
        ``tv.npz``, for a network of canvases.
    speed : Path, optional
        Output: the seconds that each arm took, start-up apart.
    batch_size : int, optional
        Groups in one network call; that of the configuration, or 16. It changes memory and speed,
        and the result by no more than float32 rounding.
    label : str
        Shown in progress lines.

    Raises
    ------
    DataError
        If the bundle is another arm's, or was not trained on this dose.
    """
    size = _checked(batch_size)
    source = open_scan(scan)
    known = read_npz(view, ["frames", "groups"])
    networks = with_control(arm, _bundle(bundle, arm), known["groups"].shape[1])
    part = Shard.read(shard)
    window = choose_window(settings, source, known["frames"], known["groups"])
    precision = _precision(settings, networks)
    arrays: dict[str, Stream | np.ndarray] = {}
    records: dict[str, Any] = {}
    # Beside the shard, whose bytes are the same in every run.
    seconds: dict[str, float | None] = {}
    for name, network in networks.items():
        if of_canvas(network["config"]):
            made = infer_canvas(network, source, known["frames"], the_estimate(estimate), part)
            arrays |= {f"{name}_tiles": made.cores, f"{name}_spread": made.spread}
            _tell(records, seconds, name, {**made.record, "canvas": True})
        else:
            members = members_of(network["config"]["frames"], known["frames"], known["groups"])
            # Before the shards are cut: a limit of a cell, not of each of its shards.
            squares = Squares.of(source, members[: settings.debug_limit], window)
            _log.info("%s: %d x %d px of each patch, %s", name, *window.shape, window.window)
            own = part.choose(len(squares))
            passing = ShardRun(network, source, squares, own, size, precision=precision)
            blocks = _with_record(passing, name, len(squares), records, seconds)
            arrays[f"{name}_patches"] = Stream(passing.shape, "complex64", blocks)
    # The records are full once the last patch was written.
    metadata = {
        "shard": shard,
        "arms": records,
        "stitching": window.record,
        # Of one canvas all shards must have the same.
        "backend": made_by() | ({} if precision == FLOAT32 else {"precision": precision}),
    }
    with Work(f"infer {arm} {label} shard {shard}"):
        write_npz(output, arrays, metadata)
    if speed is not None:
        write_json(speed, {"seconds": seconds})


def _precision(settings: "PatchSettings", networks: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what the convolutions of a shard's networks compute with."""
    forms = [network["config"]["options"]["architecture"] for network in networks.values()]
    return settled(settings.precision) if "ptychopinn" in forms else FLOAT32


def _with_record(
    passing: ShardRun,
    arm: str,
    groups: int,
    records: dict[str, Any],
    seconds: dict[str, float | None],
) -> Iterator[np.ndarray]:
    """Yield the patches of an arm; then write down what became of them."""
    yield from passing.blocks()
    _tell(records, seconds, arm, {**passing.record, "groups_of_cell": groups})


def _tell(
    records: dict[str, Any], seconds: dict[str, float | None], arm: str, record: dict[str, Any]
) -> None:
    seconds[arm] = record.pop("seconds", None)
    records[arm] = record
    _log.info("DIAGNOSTIC %s: %s", arm, record["diagnostic"])


def _checked(batch_size: int | None) -> int:
    # No setting of the stage: as memory, it must not make files stale.
    if batch_size is None:
        return BATCH_SIZE
    if batch_size < 1:
        raise ValueError(f"--batch-size is {batch_size}; needed: at least 1")
    return batch_size


def _bundle(bundle_file: Path, arm: str) -> dict[str, Any]:
    # Both networks of a cell have files of the same name; their places may be mixed up by hand.
    bundle = read_bundle(bundle_file)
    trained = bundle["config"].get("arm")
    if trained != arm:
        raise DataError(f"{bundle_file}: config.json: 'arm' is {trained!r}; needed: {arm!r}")
    return bundle
