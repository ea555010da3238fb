"""Labels: the objects that a supervised network learns from, and the frames that know theirs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.formats.scan import Scan
from ptychostudy.io.atomic import DataError
from ptychostudy.networks.batches import Labels
from ptychostudy.networks.objective import objective_of
from ptychostudy.physics.windows import corners
from ptychostudy.recipes.normalization import Normalization

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

KNOWN_SHARE = 0.5
"""Of the light of a frame that must fall where its label is known, for the frame to be learned."""

_KNOWN = 2  # of the channels of a label's patch: amplitude, phase, whether the pixel is known


def check_usable(known: Sequence[ArmProduct], names: Sequence[str]) -> None:
    """Refuse reconstructions that failed.

    Parameters
    ----------
    known : sequence of ArmProduct
    names : sequence of str
        What each is called in a message.

    Raises
    ------
    DataError
    """
    for name, product in zip(names, known, strict=True):
        if not product.good:
            reason = product.record["reason"]
            raise DataError(
                f"{name}: the reconstruction failed ({reason}); needed: one to learn from"
            )


def make_labels(
    settings: "NetworkSection",
    sources: Sequence[Scan],
    normalizations: Sequence[Normalization],
    known: Sequence[ArmProduct],
) -> Labels | None:
    """Return the objects that a supervised network learns from, None for one that needs none.

    Parameters
    ----------
    settings : PinnSettings or BaselineSettings
    sources : sequence of Scan
        The same scan at each dose.
    normalizations : sequence of Normalization
        Of each source.
    known : sequence of ArmProduct
        A reconstruction of each source, where the network does not learn from the truth.
    """
    objective = objective_of(settings)
    if objective.kind != "supervised":
        return None
    # Windows on whole pixels: the fraction of a position moves the probe, not the object.
    first = corners(sources[0].positions, sources[0].counts.shape[-1])
    owner = np.repeat(np.arange(len(sources)), len(first))
    if objective.from_reconstructions:
        objects = _in_gauge([each.field for each in known], normalizations)
        covered = [each.coverage > 0 for each in known]
        return Labels(objects, _places(first, known), owner, covered)
    objects = _in_gauge([source.truth for source in sources], normalizations)
    # The truth begins at pixel 0, and is the same object at every dose.
    return Labels(objects, np.tile(first, (len(sources), 1)), owner)


def _places(first: np.ndarray, known: Sequence[ArmProduct]) -> np.ndarray:
    """Return the corners (k n, 2) of the windows of one scan in each of k reconstructions."""
    return np.concatenate([first - each.origin for each in known])


def _in_gauge(
    objects: Sequence[np.ndarray], normalizations: Sequence[Normalization]
) -> list[np.ndarray]:
    """Return objects (H, W) as a network would make them of the frames of each dose."""
    pairs = zip(objects, normalizations, strict=True)
    return [field * normalization.probe_gauge for field, normalization in pairs]


def with_known_labels(groups: np.ndarray, labels: Labels | None, probe: np.ndarray) -> np.ndarray:
    """Return the groups (g, 1) of which every label knows at least half of what the light met.

    Parameters
    ----------
    groups : (G, 1) int
        Single frames, where labels are known in part.
    labels : Labels or None
    probe : (N, N) complex

    Raises
    ------
    DataError
        If no frame lies where its label is known.
    """
    if labels is None or labels.covered is None:
        return groups
    # A frame is learned at every dose or at none, so that all doses train on the same places.
    shares = known_shares(labels, groups[:, 0], np.abs(probe) ** 2)
    chosen = np.flatnonzero(np.min(shares, axis=0) >= KNOWN_SHARE)
    if not len(chosen):
        raise DataError(
            "no frame lies where the reconstruction to learn from is covered; "
            "needed: that of these frames"
        )
    return groups[chosen]


def known_shares(labels: Labels, frames: np.ndarray, light: np.ndarray) -> list[np.ndarray]:
    """Return the share of the light of some frames that falls where their label is known.

    Parameters
    ----------
    labels : Labels
        With coverage.
    frames : (m,) int
        Indices into one scan.
    light : (N, N) float
        Intensity of the probe.

    Returns
    -------
    list of (m,) float
        One for each object of the labels.
    """
    n = len(light)
    weight = light / light.sum()
    frames_of_a_scan = len(labels.corners) // len(labels.fields)
    shares = []
    for k in range(len(labels.fields)):
        known = labels.patches(frames + k * frames_of_a_scan, n)[..., _KNOWN]
        # Over both axes of the window.
        shares.append(np.tensordot(known, weight, 2))
    return shares
