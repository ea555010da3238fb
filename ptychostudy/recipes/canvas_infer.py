"""Infer: the tiles of a shard through a network of canvases, and all of them put together."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct, read_arm_product
from ptychostudy.formats.scan import Scan
from ptychostudy.io.atomic import DataError
from ptychostudy.measure.outcome import Statistics
from ptychostudy.networks.canvas_features import Features
from ptychostudy.networks.canvas_model import CanvasModel, with_weights
from ptychostudy.networks.config import CANVAS_FORMAT
from ptychostudy.recipes.canvas_shown import shown
from ptychostudy.recipes.canvas_tiles import TilesOfShard
from ptychostudy.recipes.infer import check_dose, failed_record, failure, ran_record
from ptychostudy.recipes.maximise import ViewOfScan
from ptychostudy.recipes.shard import Shard
from ptychostudy.sampling.tiles import Tiles

# Frames in memory together.
_BLOCK = 64


def of_canvas(config: Mapping[str, Any]) -> bool:
    """Whether the configuration of a bundle is that of a network of canvases."""
    return bool(config["options"].get("architecture") == "canvas")


def _check_format(config: Mapping[str, Any]) -> None:
    """Refuse a network whose channels mean something else, though their number is the same."""
    found = config.get("format")
    if found != CANVAS_FORMAT:
        raise DataError(
            f"the network {config['arm']} has format {found}, needed {CANVAS_FORMAT}: it was "
            "trained by another version, on other channels; train it again"
        )


def infer_canvas(
    bundle: Mapping[str, Any],
    source: Scan,
    frames: np.ndarray,
    estimate: ArmProduct,
    shard: Shard,
) -> TilesOfShard:
    """Let a network change what the likelihood says of a view, tile by tile.

    Parameters
    ----------
    bundle : mapping
        A network, as `read_bundle` gives it.
    source : Scan
        Frames of the split.
    frames : (m,) int
        Those of the view.
    estimate : ArmProduct
        Object of the greatest likelihood with a smoothness prior.
    shard : Shard

    Raises
    ------
    DataError
        If the network was not trained on this dose, was shown other things than an object and what
        the frames make of it, or the estimate is of another canvas.
    """
    _check_format(bundle["config"])
    check_dose(bundle, source)
    view = ViewOfScan.of(source, frames)
    tiles = Tiles(view.shape)
    chosen = shard.choose(len(tiles.corners))
    outcome = failure(bundle)
    if outcome:
        return TilesOfShard.nothing(tiles, failed_record(outcome))
    if not estimate.good:
        return TilesOfShard.nothing(tiles, failed_record(estimate.record, "its input"))
    # A canvas of one tile leaves none to further shards.
    if not len(chosen):
        return TilesOfShard.nothing(tiles, ran_record(0, _photons(view), Statistics()))
    model = with_weights(tiles.seen, bundle["weights"], width=bundle["config"]["options"]["width"])
    model.warm()
    start = time.perf_counter()
    made = _tiles(view_features(view, estimate), model, tiles, chosen, view)
    return replace(made, record={**made.record, "seconds": time.perf_counter() - start})


def the_estimate(files: Sequence[Path]) -> ArmProduct:
    """Read what the likelihood says of a cell with its prior.

    Raises
    ------
    ValueError
        If not one file is named.
    """
    if len(files) != 1:
        raise ValueError(
            f"--estimate names {len(files)} files; needed for a network of canvases: "
            "tv.npz of the cell"
        )
    return read_arm_product(files[0])


def view_features(view: ViewOfScan, estimate: ArmProduct) -> Features:
    """Return what a network sees of a view: what the likelihood says of it.

    Raises
    ------
    DataError
        If the estimate is of another canvas.
    """
    if (estimate.origin, estimate.field.shape) != (view.origin, view.shape):
        raise DataError(
            f"an estimate of shape {estimate.field.shape} from {estimate.origin} is not of the "
            f"view's canvas, {view.shape} from {view.origin}; needed: the one of its frames"
        )
    return shown(view.likelihood(), estimate.field)


def _tiles(
    features: Features, model: CanvasModel, tiles: Tiles, chosen: np.ndarray, view: ViewOfScan
) -> TilesOfShard:
    """Pass the chosen tiles (t,) through the network."""
    mine = set(chosen.tolist())
    passed = Statistics()
    cores = np.zeros((len(chosen), *tiles.core), dtype=np.complex64)
    spread = np.zeros((len(chosen), *tiles.core), dtype=np.float32)
    shown = zip(tiles.cut(features.channels), tiles.cut(features.turn), strict=True)
    bases = tiles.cut(features.base)
    place = 0
    for number, ((channels, turn), base) in enumerate(zip(shown, bases, strict=True)):
        if number not in mine:
            continue
        mean, deviation = model.answer(channels)
        changed = Features(channels, turn, base).changed(mean)
        cores[place] = tiles.core_of(changed)
        spread[place] = tiles.core_of(deviation)
        passed.add(cores[place])
        place += 1
    return TilesOfShard(cores, spread, ran_record(len(chosen), _photons(view), passed))


def _photons(view: ViewOfScan) -> Statistics:
    """Return what valid pixels of the view's frames count: every tile was made of all of them."""
    photons = Statistics()
    for start in range(0, len(view.index), _BLOCK):
        photons.add(view.frames[start : start + _BLOCK][:, view.source.valid])
    return photons
