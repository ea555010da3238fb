"""Export: one arm as a product that Ptychodus opens."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ptychostudy.formats.arm_product import FIELD, ORIGIN
from ptychostudy.formats.probe_modes import MODES
from ptychostudy.formats.ptychodus import Product
from ptychostudy.physics.windows import enlarged

COMMENTS = (
    "Written by ptychostudy. Photon energy and detector distance are nominal: the study knows "
    "pixels only. Pixels that the arm never reconstructed are 0."
)

_MASKED = " {} pixels of the detector counted no photons and had no weight."


@dataclass(frozen=True)
class Optics:
    """What Ptychodus asks of an instrument.

    Attributes
    ----------
    pixel_size_m : float
        Pixel of object and probe.
    photon_energy_ev, detector_distance_m : float
        Nominal: frames of N pixels follow from the object's pixels alone; these only give the
        detector's pitch.
    """

    pixel_size_m: float
    photon_energy_ev: float
    detector_distance_m: float


def make_product(
    arrays: Mapping[str, np.ndarray],
    known_probe: np.ndarray,
    positions: np.ndarray,
    optics: Optics,
    name: str,
    *,
    masked: int = 0,
) -> Product:
    """Bring what an arm made of a view into the form of a Ptychodus product.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``reconstructed_object`` (H, W) and ``origin``; ``reconstructed_probe`` (N, N) and ``loss``
        (epochs,) of an arm that has them, ``probeModes`` (m, N, N) of one with several.
    known_probe : (N, N) complex
        The probe of an arm that brings none of its own.
    positions : (m, 2) float
        Window centres (row, col) of the view's frames.
    optics : Optics
    name : str
        Shown by Ptychodus.
    masked : int
        Pixels of the detector that had no weight; a product holds no frames, but says so.
    """
    probe = arrays.get(MODES, arrays.get("reconstructed_probe", known_probe))
    # Windows of a product lie inside its object, and a canvas may be smaller than the scan.
    field, origin = enlarged(arrays[FIELD], arrays[ORIGIN], positions, probe.shape[-1])
    return Product(
        object=field,
        probe=probe,
        positions=positions - origin,
        pixel_size_m=optics.pixel_size_m,
        photon_energy_ev=optics.photon_energy_ev,
        detector_distance_m=optics.detector_distance_m,
        loss=arrays.get("loss", np.zeros(0)),
        name=name,
        comments=COMMENTS + (_MASKED.format(masked) if masked else ""),
    )
