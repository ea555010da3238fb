"""Train: one network on the frames of a view at one dose, or at several."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.scan import Scan
from ptychostudy.io.atomic import DataError
from ptychostudy.networks.batches import GroupData, Labels, Pool, spatial_split
from ptychostudy.networks.config import network_config, network_from_config
from ptychostudy.networks.models import NetworkModel
from ptychostudy.networks.training import TrainResult, train
from ptychostudy.networks.weights import get_weights
from ptychostudy.physics.counts import input_scale, mean_counts
from ptychostudy.physics.windows import corners
from ptychostudy.sampling.groups import group_geometry

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

KNOWN_SHARE = 0.5
"""Of the light of a frame that must fall where its label is known, for the frame to be learned."""


@dataclass(frozen=True)
class Known:
    """An object that a supervised network learns from, where it is known.

    Attributes
    ----------
    field : (H, W) complex
    coverage : (H, W) float
        0 where nothing is known.
    origin : (2,) int
        Row and column of the first pixel in the object.
    """

    field: np.ndarray
    coverage: np.ndarray
    origin: np.ndarray


@dataclass(frozen=True)
class Normalization:
    """What brings frames of one dose to the network's units, and its objects back.

    Attributes
    ----------
    input_scale : float
        Factor of the amplitudes.
    probe_gauge : float
        Factor of objects: a network never sees how strong the probe is.
    """

    input_scale: float
    probe_gauge: float


@dataclass(frozen=True)
class Trained:
    """A network after its training, for the better or the worse.

    Attributes
    ----------
    model : NetworkModel
    config : dict
        From which the same network is built again.
    probe : (N, N) complex
    normalization : dict of Normalization
        By dose.
    result : TrainResult
    """

    model: NetworkModel
    config: dict[str, Any]
    probe: np.ndarray
    normalization: dict[str, Normalization]
    result: TrainResult

    @property
    def outcome(self) -> dict[str, Any]:
        """Return status, reason and statistics, in numbers that JSON knows."""
        return {
            "status": self.result.status,
            "reason": self.result.reason,
            "statistics": spelt(self.result.statistics),
        }

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights by name."""
        return get_weights(self.model)


def spelt(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Spell numbers that are not finite: why a training failed must be kept, and JSON has no NaN."""
    return {key: value if math.isfinite(value) else str(value) for key, value in numbers.items()}


def train_network(
    arm: str,
    sources: Sequence[Scan],
    groups: np.ndarray | None,
    settings: "NetworkSection",
    *,
    known: Sequence[Known] = (),
    on_epoch: Callable[[dict[str, Any]], object] | None = None,
    initial_state: dict[str, Any] | None = None,
    save_state: Callable[[dict[str, Any]], object] | None = None,
) -> Trained:
    """Train one network.

    Parameters
    ----------
    arm : str
        Name that the bundle carries.
    sources : sequence of Scan
        The same scan at one dose or at several, each normalised by its own mean.
    groups : (g, C) int, optional
        Frames of each group; without it every frame is a group of its own.
    settings : PinnSettings or BaselineSettings
    known : sequence of Known
        An object for each source, where a supervised network does not learn from the truth.
    on_epoch, initial_state, save_state
        See `ptychostudy.networks.training.train`.

    Raises
    ------
    DataError
        If no frame lies where its label is known.
    """
    first = sources[0]
    if groups is None:
        groups = np.arange(len(first.counts))[:, None]
    scales = [_normalization(source) for source in sources]
    labels = _labels(settings, sources, scales, known)
    if labels is not None and labels.covered is not None:
        light = np.abs(first.probe) ** 2
        groups = groups[_lit_where_known(labels, groups[:, 0], light)]
    side, data = _joined(sources, groups, scales, labels)
    config = network_config(settings, arm=arm, n=first.counts.shape[-1], frames=groups.shape[1])
    model = network_from_config(config, first.probe, side)
    training, validation = _parts(groups, first.positions, settings, len(sources))
    result = train(
        model,
        data,
        training,
        validation,
        settings,
        support=np.abs(first.probe) ** 2,
        on_epoch=on_epoch,
        initial_state=initial_state,
        save_state=save_state,
    )
    doses = [str(round(source.photons_requested)) for source in sources]
    return Trained(model, config, first.probe, dict(zip(doses, scales, strict=True)), result)


def _normalization(source: Scan) -> Normalization:
    n = source.counts.shape[-1]
    scale = input_scale(mean_counts(source.counts), n)
    # The network's own probe has the norm n / 2; what is left goes into its object.
    gauge = float(np.linalg.norm(source.probe)) * scale / (n / 2)
    return Normalization(scale, gauge)


def _parts(
    groups: np.ndarray, positions: np.ndarray, settings: "NetworkSection", times: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return training and validation groups: the same places at every dose."""
    training, validation = spatial_split(groups, positions, settings.validation_fraction)
    steps = len(groups) * np.arange(times)
    return _repeated(training, steps), _repeated(validation, steps)


def _repeated(indices: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return indices once for each step, moved by it."""
    return np.concatenate([indices + step for step in steps])


def _joined(
    sources: Sequence[Scan],
    groups: np.ndarray,
    scales: Sequence[Normalization],
    labels: Labels | None,
) -> tuple[int, GroupData]:
    """Return the side of a group's canvas and the groups of all doses, the same in each."""
    first = sources[0]
    frames = len(first.counts)
    times = len(sources)
    geometry = group_geometry(first.positions, groups, first.counts.shape[-1])
    if times == 1:
        counts: np.ndarray | Pool = first.counts
        factor: float | np.ndarray = scales[0].input_scale
    else:
        counts = Pool([source.counts for source in sources])
        factor = np.repeat([scale.input_scale for scale in scales], frames)
    return geometry.side, GroupData(
        counts,
        _repeated(groups, frames * np.arange(times)),
        np.tile(geometry.offsets, (times, 1, 1)),
        np.tile(geometry.fractions, (times, 1, 1)),
        factor,
        labels,
    )


def _labels(
    settings: "NetworkSection",
    sources: Sequence[Scan],
    scales: Sequence[Normalization],
    known: Sequence[Known],
) -> Labels | None:
    """Return the objects that a supervised network learns from: the truth, or what is known."""
    if settings.kind != "supervised":
        return None
    first = corners(sources[0].positions, sources[0].counts.shape[-1])
    owner = np.repeat(np.arange(len(sources)), len(first))
    gauges = [scale.probe_gauge for scale in scales]
    if settings.labels == "truth":
        fields = [source.truth * gauge for source, gauge in zip(sources, gauges, strict=True)]
        return Labels(fields, np.tile(first, (len(sources), 1)), owner)
    return Labels(
        [each.field * gauge for each, gauge in zip(known, gauges, strict=True)],
        np.concatenate([first - each.origin for each in known]),
        owner,
        [each.coverage > 0 for each in known],
    )


def _lit_where_known(labels: Labels, frames: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Choose the frames of which every label knows at least half of what the light met.

    Parameters
    ----------
    labels : Labels
    frames : (m,) int
    light : (N, N) float
        Intensity of the probe.

    Returns
    -------
    (k,) int
        Indices into `frames`.
    """
    n = len(light)
    count = len(labels.corners) // len(labels.fields)
    weight = light / light.sum()
    shares = []
    for k in range(len(labels.fields)):
        known = labels.patches(frames + k * count, n)[..., 2]
        shares.append(np.tensordot(known, weight, 2))
    chosen = np.flatnonzero(np.min(shares, axis=0) >= KNOWN_SHARE)
    if not len(chosen):
        raise DataError(
            "no frame lies where the reconstruction to learn from is covered; "
            "needed: that of these frames"
        )
    return chosen
