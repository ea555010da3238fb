"""How much light frames hold: mean, median, range, and which are far from the others."""

from dataclasses import dataclass

import numpy as np

from ptychostudy.intake.doubts import Doubts, listed
from ptychostudy.intake.pixel_sums import frame_totals

# From the median: of a normal distribution one in 5e8 is farther off.
_DEVIATIONS = 6.0
# Standard deviations in a median absolute deviation, of a normal distribution.
_OF_MEDIAN = 1.4826


@dataclass(frozen=True)
class FrameLight:
    """The photons of the frames of a scan.

    Attributes
    ----------
    totals : (k,) float64
        Of each frame.
    """

    totals: np.ndarray

    @property
    def median(self) -> float:
        """Median photons of a frame."""
        return float(np.median(self.totals))

    @property
    def outliers(self) -> np.ndarray:
        """Indices of frames farther from the median than six deviations.

        A deviation is that of the middle of the frames, which outliers do not widen, and at least
        that of the counting of photons. An outlier may be the object's: it is no fault.
        """
        off = np.abs(self.totals - self.median)
        deviation = max(_OF_MEDIAN * float(np.median(off)), self.median**0.5, 1.0)
        return np.flatnonzero(off > _DEVIATIONS * deviation)

    def words(self, names: np.ndarray) -> str:
        """Say all that in one line; frames have the names (k,) given."""
        low, high = int(np.argmin(self.totals)), int(np.argmax(self.totals))
        far = listed(names[self.outliers]) or "none"
        return (
            f"photons a frame: mean {self.totals.mean():.6g}, median {self.median:.6g}, from "
            f"{self.totals[low]:.6g} (frame {names[low]}) to {self.totals[high]:.6g} "
            f"(frame {names[high]}); outliers, more than {_DEVIATIONS:g} deviations off: {far}"
        )


def say_light(counts: np.ndarray, names: np.ndarray, doubts: Doubts) -> None:
    """Say how much light the frames of a scan hold.

    Parameters
    ----------
    counts : (k, N, N) uint32
        Photons of valid pixels.
    names : (k,) int
        The frames' indices in the file.
    doubts : Doubts
    """
    doubts.say(FrameLight(frame_totals(counts)).words(names))
