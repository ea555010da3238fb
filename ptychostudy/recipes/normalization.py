"""Normalization: between the units of the frames and those of the networks, at each dose."""

from dataclasses import dataclass

import numpy as np

from ptychostudy.formats.scan import Scan
from ptychostudy.physics.counts import input_scale, mean_counts
from ptychostudy.physics.propagate import far_field
from ptychostudy.recipes.detector import mask_of


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


def dose_key(source: Scan) -> str:
    """Return the name under which a bundle keeps what belongs to the dose of a scan."""
    # JSON has texts for keys, and a study's doses are whole numbers that files hold as floats.
    return str(round(source.photons_requested))


def normalization_of(source: Scan) -> Normalization:
    """Return what brings the frames of a source to the network's units."""
    n = source.counts.shape[-1]
    scale = input_scale(photons_of_a_frame(source), n)
    # The network's own probe has the norm n / 2; what is left goes into its object.
    gauge = float(np.linalg.norm(source.probe)) * scale / (n / 2)
    return Normalization(scale, gauge)


def photons_of_a_frame(source: Scan) -> float:
    """Return the mean photons of a whole frame, those that fell on masked pixels as estimated.

    A network's object is of order one if its frames are normalised by all their light, and not by
    what a beam stop left of it. Masked pixels are taken to count what the probe alone puts there,
    of which as much passes the object as on the valid pixels, and at most all. So an object that
    absorbs is told from one that scatters past the stop: then the valid pixels see more than the
    probe's own light, and its share there would give any number of photons to the others.
    """
    mask = mask_of(source)
    seen = mean_counts(source.counts, valid=mask)
    # Dark frames stay dark: there is no light of which a part could be missing.
    if mask is None or not seen:
        return seen
    own = np.abs(far_field(source.probe)) ** 2
    on_valid = float(own[mask].sum())
    hidden = float(own[~mask].sum())
    return seen + hidden * min(1.0, seen / on_valid) if on_valid else seen + hidden
