"""Normalization: between the units of the frames and those of the networks, at each dose."""

from dataclasses import dataclass

from ptychostudy.formats.scan import Scan


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
