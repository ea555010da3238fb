"""The steps of a forward model between its transforms, by NumPy or compiled, in double precision.

Compiled, by Numba where it can be had, they take a third of the time; frames differ in the last
bit, which no Poisson draw sees. Without noise it may decide which of two equal pixels is rounded
up.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from ptychostudy.physics import fused
from ptychostudy.physics.compiled import compiled, pays, side_by_side
from ptychostudy.physics.propagate import light, pass_object, power_of, ramps, shifted_spectrum


class WaveSteps(ABC):
    """What is done to the waves (b, N, N) complex128 of one mode of a probe.

    Attributes
    ----------
    at_once : int
        Pixels of a block that is soonest done.
    """

    at_once: ClassVar[int]

    @abstractmethod
    def shift(self, spectrum: np.ndarray, fractions: np.ndarray, waves: np.ndarray) -> None:
        """Make spectra of a probe at fractions (b, 2) of a pixel, given its own (N, N)."""

    @abstractmethod
    def cover(self, waves: np.ndarray, field: np.ndarray, corners: np.ndarray) -> None:
        """Multiply waves with the windows of an object (H, W) at corners (b, 2) inside it."""

    @abstractmethod
    def lit(self, waves: np.ndarray, field: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """Do what `cover` does, and return the light (b,) of each wave."""

    @abstractmethod
    def detect(self, far: np.ndarray, frames: np.ndarray, factor: float) -> None:
        """Put the intensities of far fields into frames (b, N, N), their zero in the centre.

        All times a factor, rounded first: frames that were kept without it come to the same. The
        far fields are lost.
        """


class NumpyWaves(WaveSteps):
    """One operation after the other."""

    # Between two operations a block should stay in the cache of a core.
    at_once = 2**16

    def shift(self, spectrum: np.ndarray, fractions: np.ndarray, waves: np.ndarray) -> None:
        """See `WaveSteps`."""
        shifted_spectrum(spectrum, fractions, waves)

    def cover(self, waves: np.ndarray, field: np.ndarray, corners: np.ndarray) -> None:
        """See `WaveSteps`."""
        pass_object(waves, field, corners)

    def lit(self, waves: np.ndarray, field: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """See `WaveSteps`."""
        self.cover(waves, field, corners)
        return light(waves)

    def detect(self, far: np.ndarray, frames: np.ndarray, factor: float) -> None:
        """See `WaveSteps`."""
        power_of(far, frames)
        if factor != 1:
            frames *= factor


class FusedWaves(WaveSteps):
    """All that is done to a frame at once; see `ptychostudy.physics.fused`."""

    at_once = 2**18

    def shift(self, spectrum: np.ndarray, fractions: np.ndarray, waves: np.ndarray) -> None:
        """See `WaveSteps`."""
        rows, cols = ramps(fractions, spectrum.shape)
        parts = [side_by_side(part) for part in (spectrum[None], rows, cols, waves[None])]
        compiled(fused.turn, fused.TURN_DOUBLE)(*parts)

    def cover(self, waves: np.ndarray, field: np.ndarray, corners: np.ndarray) -> None:
        """See `WaveSteps`."""
        self.lit(waves, field, corners)

    def lit(self, waves: np.ndarray, field: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """See `WaveSteps`."""
        found = np.empty(len(waves))
        compiled(fused.cover, fused.COVER, fused.COVER_SINGLE)(
            side_by_side(waves), side_by_side(field), corners, found
        )
        return found

    def detect(self, far: np.ndarray, frames: np.ndarray, factor: float) -> None:
        """See `WaveSteps`."""
        compiled(fused.centred_power, fused.CENTRED_POWER)(side_by_side(far), frames, factor)


def wave_steps(pixels: float) -> WaveSteps:
    """Return the steps: compiled where that `pays`.

    Parameters
    ----------
    pixels : float
        Of frames, as often as they are made.
    """
    return FusedWaves() if pays(pixels) else NumpyWaves()
