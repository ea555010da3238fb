"""A user's file as a reader of its format returns it: arrays under our keys, and what it states."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ptychostudy.formats.frames import FRAME_KEYS
from ptychostudy.formats.mask_keys import MASK_KEYS
from ptychostudy.formats.positions import COORDINATES

PROBE = "probeGuess"
OBJECT = "objectGuess"
KNOWN = (*FRAME_KEYS, *COORDINATES, PROBE, OBJECT, *MASK_KEYS)
"""Keys under which a scan's arrays go, whatever their format calls them."""

DECLARED = {
    "measurement": "what the frames hold: counts, intensity or amplitude",
    "axes": "order of the frames' axes: NHW or HWN",
    "background": "constant that the frames hold where there is no light",
    "frame_index": "number of each frame, where they are numbered",
    "position_unit": "of xcoords and ycoords: px, m, mm, um or nm",
    "position_index": "number of the frame of each position, where they are numbered",
    "origin_px": "object pixel (row, col) in which a position of zero lies, where it is known",
    "object_origin_px": "the same, of an object in a file without positions",
    "fresnel_phase": "whether the probe lacks the Fresnel phase of the far field",
    "pixel_size_m": "object pixel",
    "photon_energy_ev": "of the beam",
    "distance_m": "sample to detector",
    "detector_pixel_m": "of the detector",
}
"""What a file can state of the measurement, beside its arrays."""


@dataclass(frozen=True)
class UserFile:
    """What was read of a file.

    Attributes
    ----------
    arrays : dict of str to ndarray
        Those of `KNOWN` that are there.
    others : list of str
        What else is there, with shapes where these are known without reading.
    reversed : list of str
        Keys that MATLAB wrote, whose axes were put in MATLAB's own order.
    format : str
        What wrote it, in words.
    places : dict of str to str
        Where in the file an array of another name was, for messages.
    notes : list of str
        What was done to put its conventions into ours, each to be said.
    declared : dict
        What it states of the measurement: see `DECLARED`.
    doubts : dict of str to str
        What is doubtful in it, by the word with which ``base.npz.accept`` takes it all the same.
    """

    arrays: dict[str, np.ndarray]
    others: list[str]
    reversed: list[str] = field(default_factory=list)
    format: str = "NPZ or HDF5"
    places: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    declared: dict[str, Any] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)

    def held(self) -> list[str]:
        """Return what is in the file by its own names, for messages."""
        taken = [
            f"{self.places.get(key, key)} {array.shape} {array.dtype}"
            for key, array in self.arrays.items()
        ]
        return sorted(taken) + self.others

    def words(self, text: str) -> str:
        """Return a message about our keys in the words of the file."""
        for key, place in self.places.items():
            text = text.replace(repr(key), repr(place))
        return text
