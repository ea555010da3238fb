"""Stage infer: one shard of a cell's groups through one network, to the patches of each arm."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.scan import Scan, open_scan
from ptychostudy.io.arrays import Stream, read_npz, write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.io.records import write_json
from ptychostudy.networks.computing import made_by, prepare
from ptychostudy.recipes.canvas_infer import infer_canvas, infer_control, of_canvas, the_estimate
from ptychostudy.recipes.canvas_tiles import TilesOfShard
from ptychostudy.recipes.group_control import with_control
from ptychostudy.recipes.maximise import ViewOfScan
from ptychostudy.recipes.shard import Shard
from ptychostudy.recipes.squares import Squares, members_of
from ptychostudy.recipes.window import choose_window
from ptychostudy.runs.work import Work
from ptychostudy.study.names import AUTO, NUMPY, PINN, TENSORFLOW, UNTRAINED

if TYPE_CHECKING:
    from ptychostudy.recipes.infer import ShardRun
    from ptychostudy.study.sections.infer import PatchSettings

__all__ = ["backend_of", "prepare", "run"]
BATCH_SIZE = 16
"""Groups in one network call, where neither command line nor configuration says."""

_log = logging.getLogger("ptychostudy")


@dataclass
class _Made:
    """What a shard holds of each arm; of patches, which are made while they are written, later.

    Attributes
    ----------
    arrays : dict
        By their names in the shard.
    records : dict
        What became of each arm.
    seconds : dict
        Beside the shard, whose bytes are the same in every run.
    stitching : dict
        What is stitched of a patch; nothing of tiles.
    """

    arrays: dict[str, Stream | np.ndarray] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float | None] = field(default_factory=dict)
    stitching: Mapping[str, Any] = field(default_factory=dict)

    def tell(self, arm: str, record: dict[str, Any]) -> None:
        """Write down and say what became of an arm."""
        self.seconds[arm] = record.pop("seconds", None)
        self.records[arm] = record
        _log.info("DIAGNOSTIC %s: %s", arm, record["diagnostic"])


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
    network = _bundle(bundle, arm)
    computed_by = made_by(_backend(settings, network["config"], bundle))
    source = open_scan(scan)
    known = read_npz(view, ["frames", "groups"])
    part = Shard.read(shard)
    if of_canvas(network["config"]):
        on_canvas = ViewOfScan.of(source, known["frames"])
        tiles = _tiles(arm, network, on_canvas, the_estimate(estimate), part=part, by=computed_by)
        made = _of_canvas(tiles)
    else:
        form = _with_precision(settings, network["config"])
        # Of one canvas all shards must have the same.
        computed_by |= form
        networks = with_control(arm, network)
        made = _of_groups(networks, source, known, settings, part=part, size=size, **form)
    metadata = {
        "shard": shard,
        "arms": made.records,
        "stitching": made.stitching,
        "backend": computed_by,
    }
    # The records are full once the last patch was written.
    with Work(f"infer {arm} {label} shard {shard}"):
        write_npz(output, made.arrays, metadata)
    if speed is not None:
        write_json(speed, {"seconds": made.seconds})


def backend_of(options: Mapping[str, Any]) -> str:
    """Return what computes the answers of a network, given the options of `run`.

    Raises
    ------
    ValueError
        If that is NumPy, and the network is one of groups.
    """
    bundle = options["bundle"]
    return _backend(options["settings"], read_bundle(bundle)["config"], bundle)


def _backend(settings: "PatchSettings", config: Mapping[str, Any], bundle: Path) -> str:
    canvas = of_canvas(config)
    if settings.backend == AUTO:
        return NUMPY if canvas else TENSORFLOW
    if settings.backend == NUMPY and not canvas:
        raise ValueError(
            f"infer.backend is numpy, and {bundle} a network of groups; needed: auto, or a "
            "backend of Keras"
        )
    return settings.backend


def _with_precision(settings: "PatchSettings", config: Mapping[str, Any]) -> dict[str, str]:
    """Return what convolutions of a network of groups compute with, if not with float32."""
    from ptychostudy.networks.precision import FLOAT32, settled

    ancestor = config["options"]["architecture"] == "ptychopinn"
    precision = settled(settings.precision) if ancestor else FLOAT32
    return {} if precision == FLOAT32 else {"precision": precision}


def _tiles(
    arm: str,
    network: Mapping[str, Any],
    view: ViewOfScan,
    estimate: ArmProduct,
    *,
    part: Shard,
    by: Mapping[str, str],
) -> dict[str, TilesOfShard]:
    """Return what a network of canvases makes of its tiles; PtychoPINN's brings its control."""
    tiles = {arm: infer_canvas(network, view, estimate, part, by["name"])}
    if arm == PINN:
        tiles[UNTRAINED] = infer_control(network, view, part)
    return tiles


def _of_canvas(tiles: Mapping[str, TilesOfShard]) -> _Made:
    made = _Made()
    for arm, each in tiles.items():
        made.arrays |= {f"{arm}_tiles": each.cores, f"{arm}_spread": each.spread}
        made.tell(arm, {**each.record, "canvas": True})
    return made


def _of_groups(
    networks: Mapping[str, Mapping[str, Any]],
    source: Scan,
    known: Mapping[str, np.ndarray],
    settings: "PatchSettings",
    *,
    part: Shard,
    size: int,
    precision: str = "float32",
) -> _Made:
    """Return the patches of networks of groups, which are made while they are written."""
    # Keras, which networks of canvases do without.
    from ptychostudy.recipes.infer import ShardRun

    window = choose_window(settings, source, known["frames"], known["groups"])
    made = _Made(stitching=window.record)
    for name, each in networks.items():
        members = members_of(each["config"]["frames"], known["frames"], known["groups"])
        # Before the shards are cut: a limit of a cell, not of each of its shards.
        squares = Squares.of(source, members[: settings.debug_limit], window)
        _log.info("%s: %d x %d px of each patch, %s", name, *window.shape, window.window)
        own = part.choose(len(squares))
        passing = ShardRun(each, source, squares, own, size, precision=precision)
        blocks = _with_record(passing, name, len(squares), made)
        made.arrays[f"{name}_patches"] = Stream(passing.shape, "complex64", blocks)
    return made


def _with_record(passing: "ShardRun", arm: str, groups: int, made: _Made) -> Iterator[np.ndarray]:
    """Yield the patches of an arm; then write down what became of them."""
    yield from passing.blocks()
    made.tell(arm, {**passing.record, "groups_of_cell": groups})


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
