"""Infer: the tiles of a shard through a network of canvases, and all of them put together."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct, read_arm_product
from ptychostudy.io.atomic import DataError
from ptychostudy.io.threads import allowed_threads
from ptychostudy.measure.outcome import Statistics
from ptychostudy.networks.canvas_features import Features
from ptychostudy.networks.canvas_network import CANVAS_FORMAT, CanvasNetwork
from ptychostudy.networks.canvas_plain import plain_with_weights, random_weights
from ptychostudy.recipes.canvas_control import detector_features
from ptychostudy.recipes.canvas_shown import shown
from ptychostudy.recipes.canvas_tiles import TilesOfShard
from ptychostudy.recipes.maximise import ViewOfScan
from ptychostudy.recipes.shard import Shard
from ptychostudy.recipes.shard_record import check_dose, failed_record, failure, ran_record
from ptychostudy.sampling.tiles import Tiles
from ptychostudy.study.names import NUMPY

# Frames in memory together.
_BLOCK = 64


def of_canvas(config: Mapping[str, Any]) -> bool:
    """Whether the configuration of a bundle is that of a network of canvases."""
    return bool(config["options"].get("architecture") == "canvas")


def _check_format(config: Mapping[str, Any]) -> None:
    """Refuse a network that was shown other things, though they are as many."""
    found = config.get("format")
    if found != CANVAS_FORMAT:
        raise DataError(
            f"the network {config['arm']} has format {found}, needed {CANVAS_FORMAT}: it was "
            "trained by another version, which showed it other things; train it again"
        )


def infer_canvas(
    bundle: Mapping[str, Any],
    view: ViewOfScan,
    estimate: ArmProduct,
    shard: Shard,
    backend: str = NUMPY,
) -> TilesOfShard:
    """Let a network change what the likelihood says of a view, tile by tile.

    Parameters
    ----------
    bundle : mapping
        A network, as `read_bundle` gives it.
    view : ViewOfScan
    estimate : ArmProduct
        Object of the greatest likelihood with a smoothness prior.
    shard : Shard
    backend : str
        What computes the answers.

    Raises
    ------
    DataError
        If the network was not trained on this dose, was shown other things than an object and what
        the frames make of it, or the estimate is of another canvas.
    """
    _check_format(bundle["config"])
    check_dose(bundle, view.source)
    outcome = failure(bundle)
    if outcome:
        return TilesOfShard.nothing(Tiles(view.shape), failed_record(outcome))
    if not estimate.good:
        failed = failed_record(estimate.record, "its input")
        return TilesOfShard.nothing(Tiles(view.shape), failed)
    network = partial(_network, bundle, backend)
    return _shown_to(network, lambda: view_features(view, estimate), view, shard)


def infer_control(bundle: Mapping[str, Any], view: ViewOfScan, shard: Shard) -> TilesOfShard:
    """Let the control of a network say what it makes of the detector alone.

    It has the form of the network and random weights; whether that was trained well is no matter.

    Parameters
    ----------
    bundle : mapping
        The network.
    view : ViewOfScan
    shard : Shard
    """
    weights = random_weights(bundle["weights"], bundle["config"]["seed"])
    network = partial(plain_with_weights, weights=weights, threads=allowed_threads())
    return _shown_to(network, lambda: detector_features(view), view, shard)


def _network(bundle: Mapping[str, Any], backend: str, shape: tuple[int, int]) -> CanvasNetwork:
    """Build a trained network for canvases of a shape."""
    if backend == NUMPY:
        return plain_with_weights(shape, bundle["weights"], allowed_threads())
    # Seconds, which only those pay who ask for it.
    from ptychostudy.networks.backend import calls
    from ptychostudy.networks.canvas_model import with_weights

    width = bundle["config"]["options"]["width"]
    model = with_weights(shape, bundle["weights"], width=width, threads=calls())
    model.warm()
    return model


def _shown_to(
    network: Callable[[tuple[int, int]], CanvasNetwork],
    features: Callable[[], Features],
    view: ViewOfScan,
    shard: Shard,
) -> TilesOfShard:
    """Show a network, built for the shape of a tile, the tiles of a shard."""
    tiles = Tiles(view.shape)
    chosen = shard.choose(len(tiles.corners))
    # A canvas of one tile leaves none to further shards.
    if not len(chosen):
        return TilesOfShard.nothing(tiles, ran_record(0, _photons(view), Statistics()))
    model = network(tiles.seen)
    start = time.perf_counter()
    made = _tiles(features(), model, tiles, chosen, view)
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
    return shown(view.likelihood(streamed=True), view.own(estimate))


def _tiles(
    features: Features, model: CanvasNetwork, tiles: Tiles, chosen: np.ndarray, view: ViewOfScan
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
