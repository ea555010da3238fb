"""Infer: one shard of a cell's groups through one network, to patches that bear their weights."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ptychostudy.formats.scan import Scan
from ptychostudy.measure.outcome import Statistics
from ptychostudy.networks.backend import calls
from ptychostudy.networks.batches import GroupData
from ptychostudy.networks.config import network_from_config
from ptychostudy.networks.inference import Predictor
from ptychostudy.networks.precision import FLOAT32
from ptychostudy.recipes.detector import mask_of, trained_behind
from ptychostudy.recipes.normalization import Normalization, normalization_of
from ptychostudy.recipes.shard_record import check_dose, failed_record, failure, ran_record
from ptychostudy.recipes.squares import Squares

CHUNK = 128
"""Groups whose patches stand in memory together, about: as many calls as are made beside each other
are not divided."""


@dataclass(frozen=True)
class Patches:
    """Patches of the object, of some groups at a time.

    Attributes
    ----------
    data : GroupData
        Frames of the split.
    squares : Squares
        What is stitched of the patches.
    network : Predictor
    probe_gauge : float
        What the network's objects are divided by, see `Normalization`.
    """

    data: GroupData
    squares: Squares
    network: Predictor
    probe_gauge: float

    def photons(self, groups: np.ndarray) -> np.ndarray:
        """Return what the valid pixels count of the frames of groups (k,), k C of them."""
        frames = self.data.counts[self.data.members[groups].ravel()]
        return frames if self.data.valid is None else frames[:, self.data.valid]

    def warm(self, groups: np.ndarray) -> None:
        """Pass one batch and drop it: the first one builds the network's graph."""
        self.network(groups[: self.network.own])

    def of(self, groups: np.ndarray) -> np.ndarray:
        """Return the stitched squares (k, M, M) of groups (k,)."""
        squares: np.ndarray = self.squares.cut(self.network(groups)) / self.probe_gauge
        return squares


@dataclass
class Passed:
    """What has gone through a network: its frames, and the squares of its patches."""

    inputs: Statistics = field(default_factory=Statistics)
    outputs: Statistics = field(default_factory=Statistics)


class ShardRun:
    """One network's way through the groups of a shard, block by block.

    Parameters
    ----------
    bundle : mapping
        A network, as `read_bundle` gives it.
    source : Scan
        Frames of the split, behind their own mask, whatever that of the training was.
    squares : Squares
        What is stitched of the patches of the cell.
    groups : (k,) int
        Those of the shard.
    batch_size : int
        Groups in one network call.
    precision : {"float32", "bfloat16"}
        Of the ancestor's convolutions.
    """

    def __init__(
        self,
        bundle: Mapping[str, Any],
        source: Scan,
        squares: Squares,
        groups: np.ndarray,
        batch_size: int,
        *,
        precision: str = FLOAT32,
    ) -> None:
        self._precision = precision
        self._bundle = bundle
        self._source = source
        self._squares = squares
        self._batch_size = batch_size
        # The control has no training that could have failed.
        self._failed = failure(bundle) if bundle["weights"] is not None else None
        self.groups = groups[:0] if self._failed else groups
        self._passed = Passed()
        self._seconds = 0.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return how many patches there will be, and their rows and columns."""
        return (len(self.groups), *self._squares.shape)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the patches (j, M, M) complex64 of the groups in turn, times their weights.

        Raises
        ------
        DataError
            If the network was not trained on this dose.
        """
        if self._failed:
            return
        patches = patches_of(
            self._bundle,
            self._source,
            self._squares,
            self._batch_size,
            precision=self._precision,
        )
        patches.warm(self.groups)
        for groups in _chunks(self.groups, patches.network.round):
            self._passed.inputs.add(patches.photons(groups))
            start = time.perf_counter()
            squares = patches.of(groups)
            weights = self._squares.weights(groups)
            self._seconds += time.perf_counter() - start
            self._passed.outputs.add(squares)
            # With a value that is not finite the shard has failed, and nothing of it is drawn.
            finite = np.where(np.isfinite(squares), squares, 0)
            weighted: np.ndarray = finite * weights
            yield weighted.astype(np.complex64)

    @property
    def record(self) -> dict[str, Any]:
        """Return what became of the groups, once all blocks were asked for.

        Status, reason, statistics, and what the outcome of the whole canvas is judged by.
        """
        seen = {"frames": self._bundle["config"]["frames"]}
        if self._failed:
            return {**failed_record(self._failed), **seen}
        passed = self._passed
        ran = ran_record(len(self.groups), passed.inputs, passed.outputs)
        return {**ran, **seen, "seconds": self._seconds}


def _normalization(bundle: Mapping[str, Any], source: Scan) -> Normalization:
    """Return what the network was trained with at the dose of the frames.

    Frames behind another mask than those of the training are normalised by themselves.
    """
    dose = check_dose(bundle, source)
    learned = bundle["normalization"]
    # Doses are photons of valid pixels: behind another mask the same dose is another light.
    if not trained_behind(bundle["config"], source):
        return normalization_of(source)
    return Normalization(learned[dose]["input_scale"], learned[dose]["probe_gauge"])


def patches_of(
    bundle: Mapping[str, Any],
    source: Scan,
    squares: Squares,
    batch_size: int,
    *,
    precision: str = FLOAT32,
) -> Patches:
    """Return what a network makes of the groups of a cell.

    Raises
    ------
    DataError
        If it was not trained on this dose.
    """
    learned = _normalization(bundle, source)
    mask = mask_of(source)
    geometry = squares.geometry
    data = GroupData(
        source.counts,
        geometry.members,
        geometry.offsets,
        geometry.fractions,
        learned.input_scale,
        valid=mask,
    )
    model = network_from_config(
        bundle["config"],
        source.probe,
        geometry.side,
        bundle["weights"],
        mask=mask,
        precision=precision,
    )
    return Patches(data, squares, Predictor(model, data, batch_size, calls()), learned.probe_gauge)


def _chunks(chosen: np.ndarray, together: int) -> Iterator[np.ndarray]:
    """Yield groups (k,) by as many as stand in memory together, whole rounds of calls."""
    step = max(CHUNK // together, 1) * together
    for start in range(0, len(chosen), step):
        yield chosen[start : start + step]
