"""What a reader gathers of a file of another program, put under our keys."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.user_file import OBJECT, PROBE, UserFile
from ptychostudy.io.atomic import DataError


@dataclass(frozen=True)
class Gathered:
    """A file on its way to a `UserFile`.

    Attributes
    ----------
    path : str or Path
        For messages.
    arrays, places, declared, notes, doubts
        As those of `UserFile`.
    left : list of str
        What was read and is not used.
    """

    path: str | Path
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    declared: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    doubts: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def put(self, key: str, place: str, array: np.ndarray | None) -> None:
        """Take an array that was found at some place of the file; None is none."""
        if array is not None:
            self.arrays[key] = array
            self.places[key] = place

    def put_frames(self, place: str, frames: np.ndarray | None) -> None:
        """Take frames that are intensities, the first axis that of the frames."""
        if frames is None:
            return
        # Numbers that are whole by their type are counts; others may yet be scaled.
        counted = frames.dtype.kind in "iu"
        self.put("counts" if counted else "diffraction", place, frames)
        self.declared["measurement"] = "counts" if counted else "intensity"
        self.declared["axes"] = "NHW"

    def put_positions(
        self, places: Sequence[str], positions: Sequence[np.ndarray | None], unit: str
    ) -> None:
        """Take the coordinates of positions, rows before columns."""
        for key, place, values in zip(COORDINATES, places, positions, strict=True):
            self.put(key, place, values)
        if any(values is not None for values in positions):
            self.declared["position_unit"] = unit

    def put_probe(self, place: str, probe: np.ndarray | None) -> None:
        """Take a probe (N, N), or its modes (..., modes, N, N): of sets of modes the first."""
        if probe is None:
            return
        sets = probe.reshape(-1, *probe.shape[-3:]) if probe.ndim > 3 else probe[None]
        if len(sets) > 1:
            self.notes.append(f"{place} holds {len(sets)} sets of probe modes; the first is taken")
        modes = sets[0] if len(sets) else sets
        self.put(PROBE, place, modes[0] if modes.ndim == 3 and len(modes) == 1 else modes)

    def put_object(self, place: str, object_: np.ndarray | None) -> None:
        """Take an object (H, W) or (1, H, W); of several layers no part is the whole."""
        if object_ is None:
            return
        while object_.ndim > 2 and object_.shape[0] == 1:
            object_ = object_[0]
        if object_.ndim > 2:
            self.left.append(f"{place} of shape {object_.shape} (several layers or modes)")
            return
        self.put(OBJECT, place, object_)

    def state(self, key: str, value: float | None) -> None:
        """Note what the file states of the instrument; a zero stands for nothing in many files."""
        if value is not None and 0 < value < math.inf:
            self.declared[key] = value
        elif value:
            self.notes.append(f"not believed: {key} of {value:.4g}")

    def state_pixel(self, key: str, sides: Sequence[float | None], what: str) -> None:
        """Note a pixel that must be square.

        Raises
        ------
        DataError
        """
        known = [side for side in sides if side is not None and side > 0]
        if len(known) < 2:
            return
        # Equal up to rounding: a size computed in two ways may differ in its last digits.
        if max(known) - min(known) > 1e-6 * max(known):
            raise DataError(
                f"{self.path}: {what} measures {known[0]:.6g} x {known[1]:.6g} m; "
                "needed: square pixels"
            )
        self.declared[key] = known[0]

    def file(self, name: str, others: Sequence[str]) -> UserFile:
        """Return what was gathered.

        Parameters
        ----------
        name : str
            Of the format.
        others : sequence of str
            What else the file holds.
        """
        return UserFile(
            arrays=self.arrays,
            others=[*self.left, *others],
            format=name,
            places={key: place for key, place in self.places.items() if key != place},
            notes=self.notes,
            declared=self.declared,
            doubts=self.doubts,
        )
