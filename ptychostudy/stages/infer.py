"""Stage infer: one shard of a cell's groups through one network onto partial canvases."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.networks.backend import start as prepare
from ptychostudy.recipes.infer import infer_shard, members_of, with_control
from ptychostudy.recipes.shard import Shard
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
    arm: Literal["PtychoPINN", "Baseline"],
    bundle: Path,
    scan: Path,
    view: Path,
    shard: str,
    output: Path,
    batch_size: int | None = None,
    label: str = "",
) -> None:
    """Write the partial canvas of one network for one shard; PtychoPINN's brings its control.

    Parameters
    ----------
    settings : PatchSettings
        Section ``infer``.
    arm : str
        ``PtychoPINN`` or ``Baseline``.
    bundle : Path
        The trained network.
    scan, view : Path
        Frames; frame indices and groups.
    shard : str
        ``k-of-n``.
    output : Path
        For each arm ``{arm}_sums`` (3, H, W) int64, see `PartialCanvas`; origin, status and
        statistics in the metadata.
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
    networks = with_control(arm, _bundle(bundle, arm))
    part = Shard.read(shard)
    window = choose_window(settings, source, known["frames"], known["groups"])
    arrays: dict[str, np.ndarray] = {}
    records: dict[str, Any] = {}
    if window.chosen:
        _log.info("stitched: %d x %d px of each patch, %s", *window.shape, window.kind)
    with Work(f"infer {arm} {label} shard {shard}"):
        for name, network in networks.items():
            members = members_of(network, known["frames"], known["groups"])
            canvas, record = infer_shard(
                network, source, members, part, settings, window=window, batch_size=size
            )
            arrays[f"{name}_sums"] = canvas.sums
            records[name] = {**record, **window.record}
            _log.info("DIAGNOSTIC %s: %s", name, record["diagnostic"])
    # All networks of a shard lie on one canvas, that of the whole scan.
    write_npz(output, arrays, {"shard": shard, "arms": records, "origin": canvas.origin})


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
