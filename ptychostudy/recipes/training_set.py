"""Training set: the frames of one scan, at one dose or at several, as one set of groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.formats.scan import Scan
from ptychostudy.io.atomic import DataError
from ptychostudy.networks.batches import GroupData, Labels, Pool, spatial_split
from ptychostudy.recipes.detector import mask_of
from ptychostudy.recipes.labels import make_labels, with_known_labels
from ptychostudy.recipes.normalization import Normalization, normalization_of
from ptychostudy.sampling.groups import GroupGeometry, group_geometry

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection


@dataclass(frozen=True)
class TrainingSet:
    """What one network learns from.

    Attributes
    ----------
    data : GroupData
        Groups of all doses, with labels for a network that needs them.
    side : int
        Side of a group's canvas in pixels.
    training, validation : int arrays
        Indices of groups.
    normalizations : list of Normalization
        Of each dose.
    """

    data: GroupData
    side: int
    training: np.ndarray
    validation: np.ndarray
    normalizations: list[Normalization]


def check_same_scan(sources: Sequence[Scan], names: Sequence[str]) -> None:
    """Refuse sources that are not one scan, each at a dose of its own.

    Parameters
    ----------
    sources : sequence of Scan
    names : sequence of str
        What each is called in a message.

    Raises
    ------
    DataError
    """
    # Whole numbers, as a bundle names its doses.
    doses = [round(source.photons_requested) for source in sources]
    for name, source, dose in zip(names, sources, doses, strict=True):
        if not np.array_equal(source.positions, sources[0].positions):
            raise DataError(
                f"{name}: its positions are not those of {names[0]}; "
                "needed: one scan at several doses"
            )
        if not np.array_equal(source.valid, sources[0].valid):
            raise DataError(
                f"{name}: its 'valid_pixels' ({_masked(source)}) are not those of {names[0]} "
                f"({_masked(sources[0])}); needed: one mask of the detector at all doses"
            )
        if doses.count(dose) > 1:
            raise DataError(
                f"{name}: a second file of dose {source.photons_requested:g}; "
                "needed: each dose once"
            )


def _masked(source: Scan) -> str:
    return f"{np.sum(~source.valid)} of {source.valid.size} pixels masked"


def make_training_set(
    sources: Sequence[Scan],
    groups: np.ndarray | None,
    settings: "NetworkSection",
    known: Sequence[ArmProduct],
) -> TrainingSet:
    """Bring the frames of all doses together.

    Parameters
    ----------
    sources : sequence of Scan
        One scan at each dose, behind one mask.
    groups : (g, C) int or None
        Frames of each group; None makes every frame a group of its own.
    settings : PinnSettings or BaselineSettings
    known : sequence of ArmProduct
        A reconstruction of each source, where a supervised network does not learn from the truth.

    Raises
    ------
    DataError
        If no frame lies where its label is known.
    """
    first = sources[0]
    normalizations = [normalization_of(source) for source in sources]
    labels = make_labels(settings, sources, normalizations, known)
    if groups is None:
        groups = np.arange(len(first.counts))[:, None]
    groups = with_known_labels(groups, labels, first.probe)
    geometry = group_geometry(first.positions, groups, first.counts.shape[-1])
    data = joined(sources, geometry, normalizations, labels)
    fraction = settings.validation_fraction
    training, validation = split_by_place(groups, first.positions, fraction, len(sources))
    return TrainingSet(data, geometry.side, training, validation, normalizations)


def joined(
    sources: Sequence[Scan],
    geometry: GroupGeometry,
    normalizations: Sequence[Normalization],
    labels: Labels | None,
) -> GroupData:
    """Return the groups of all doses, the same in each: those of the first dose come first.

    Parameters
    ----------
    sources : sequence of Scan
        One scan at each dose.
    geometry : GroupGeometry
        Groups of one dose.
    normalizations : sequence of Normalization
        Of each source.
    labels : Labels or None
    """
    times = len(sources)
    frames = len(sources[0].counts)
    # In the pool the frames of one dose follow those of the other, so members move by a whole scan.
    counts, factor = _frames_and_factor(sources, normalizations)
    return GroupData(
        counts,
        repeated(geometry.members, frames, times),
        np.tile(geometry.offsets, (times, 1, 1)),
        np.tile(geometry.fractions, (times, 1, 1)),
        factor,
        labels,
        mask_of(sources[0]),
    )


def _frames_and_factor(
    sources: Sequence[Scan], normalizations: Sequence[Normalization]
) -> tuple[np.ndarray | Pool, float | np.ndarray]:
    """Return the frames of all doses and what each is normalised by."""
    scales = [normalization.input_scale for normalization in normalizations]
    # One dose stays a mapped file with one number: no frame is copied, no factor looked up.
    if len(sources) == 1:
        return sources[0].counts, scales[0]
    factor = np.repeat(scales, len(sources[0].counts))
    return Pool([source.counts for source in sources]), factor


def split_by_place(
    groups: np.ndarray, positions: np.ndarray, fraction: float, times: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return indices of training and validation groups: the same places at every dose.

    Parameters
    ----------
    groups : (g, C) int
        Frames of the groups of one dose.
    positions : (k, 2) float
        Window centres (row, col).
    fraction : float
        Share of validation groups.
    times : int
        Doses.
    """
    # A frame at two doses shows the same place: drawn apart, it would validate what it has taught.
    training, validation = spatial_split(groups, positions, fraction)
    return repeated(training, len(groups), times), repeated(validation, len(groups), times)


def repeated(indices: np.ndarray, step: int, times: int) -> np.ndarray:
    """Return indices once for each of some stacks, which lie ``step`` apart."""
    return np.concatenate([indices + k * step for k in range(times)])
