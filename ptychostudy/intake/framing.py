"""The square of N x N pixels around the zero frequency, cut out of a detector of any shape."""

from dataclasses import dataclass

import numpy as np

from ptychostudy.intake.doubts import Doubts
from ptychostudy.physics.band import centred_square

# Of the photons: what lies outside of the square makes the frames of an object of larger pixels
# differ from its model, for it was scattered by details finer than they are.
_MOST_LOST = 0.05
# Of the square: more than this filled up says that N is another one.
_MOST_PADDED = 0.5


@dataclass(frozen=True)
class Framing:
    """Which pixels of a detector are the N x N of the frames.

    Attributes
    ----------
    shape : (int, int)
        Of the detector.
    rolled : (int, int)
        By how many pixels images are rolled first: those in the order of an FFT.
    centre : (int, int)
        Pixel (row, col) of the zero frequency, once they are rolled.
    n : int
    """

    shape: tuple[int, int]
    rolled: tuple[int, int]
    centre: tuple[int, int]
    n: int

    @property
    def nothing(self) -> bool:
        """Whether frames stay as they are."""
        middle = self.n // 2
        return (
            self.shape == (self.n, self.n)
            and self.centre == (middle, middle)
            and not any(self.rolled)
        )

    @property
    def valid(self) -> np.ndarray:
        """Which pixels (N, N) are the detector's; the others were filled up and count nothing."""
        return self.apply(np.ones(self.shape, dtype=bool), False)

    def apply(self, images: np.ndarray, fill: complex | bool = 0) -> np.ndarray:
        """Return images or masks (..., h, w) of the detector as (..., N, N).

        Parameters
        ----------
        images : (..., h, w) array
        fill : number
            Value of pixels beyond the detector; of a mask, what says that they count nothing.
        """
        if self.nothing:
            return images
        if any(self.rolled):
            images = np.roll(images, self.rolled, axis=(-2, -1))
        return centred_square(images, self.centre, self.n, fill)

    def named(self, key: str) -> str:
        """Return the name of the frames: the key, and which of its pixels is their first."""
        if self.nothing:
            return key
        first = tuple(middle - self.n // 2 for middle in self.centre)
        rolled = f" rolled by {self.rolled}" if any(self.rolled) else ""
        return f"{key}{rolled} from pixel {first} on"


def given_centre(
    centre: tuple[float, float], shape: tuple[int, int], n: int, doubts: Doubts
) -> Framing:
    """Return the framing around the zero frequency that the user gives.

    Parameters
    ----------
    centre : (float, float)
        Pixel (row, col) of the file's frames; 0 on an axis is the order of an FFT.
    shape : (int, int)
        Of the file's frames.
    n : int
    doubts : Doubts

    Raises
    ------
    DataError
        If it is no pixel of the frames.
    """
    whole = (int(np.floor(centre[0] + 0.5)), int(np.floor(centre[1] + 0.5)))
    if any(not 0 <= middle < side for middle, side in zip(whole, shape, strict=True)):
        doubts.refuse(
            f"base.npz.centre is ({centre[0]:g}, {centre[1]:g}), the frames have "
            f"{shape[0]} x {shape[1]} pixels; needed: (row, col) of one of them, counted from 0"
        )
    if whole != tuple(centre):
        doubts.say(
            f"base.npz.centre ({centre[0]:g}, {centre[1]:g}) rounded to {whole}; the fraction is a "
            "phase ramp of the object, which no score sees"
        )
    return at_pixel(whole, shape, n)


def at_pixel(centre: tuple[int, int], shape: tuple[int, int], n: int) -> Framing:
    """Return the framing around a pixel; frames are rolled along an axis on which it is pixel 0."""
    sides = list(zip(centre, shape, strict=True))
    row_roll, col_roll = (side // 2 if middle == 0 else 0 for middle, side in sides)
    row, col = (side // 2 if middle == 0 else middle for middle, side in sides)
    return Framing(shape, (row_roll, col_roll), (row, col), n)


def say_framing(framing: Framing, mean: np.ndarray, key: str, doubts: Doubts) -> None:
    """Say what is cut off and filled up; refuse where that is too much.

    Parameters
    ----------
    framing : Framing
    mean : (h, w) float
        Mean frame of the file, without pixels that count nothing.
    key : str
    doubts : Doubts

    Raises
    ------
    DataError
    """
    if framing.nothing:
        return
    n, (h, w) = framing.n, framing.shape
    # A sum over few pixels is exact to rounding, which can leave less than nothing.
    lost = max(0.0, 1 - float(framing.apply(mean).sum() / mean.sum())) if mean.any() else 0.0
    valid = framing.valid
    text = (
        f"frames of key {key!r} have {h} x {w} pixels; taken are {n} x {n} around the zero "
        f"frequency at pixel (row, col) {_in_file(framing)}: {lost:.2%} of the photons are outside"
    )
    if not valid.all():
        text += f", {np.count_nonzero(~valid)} pixels beyond the detector count nothing"
    if lost > _MOST_LOST:
        doubts.doubt(
            "crop",
            f"{text}; needed: at most {_MOST_LOST:.0%} outside, that is a larger base.frame_px, or "
            "base.npz.centre where the zero frequency is another pixel",
        )
    elif valid.mean() < 1 - _MOST_PADDED:
        doubts.doubt(
            "pad",
            f"{text}; base.frame_px is {n}, needed: a smaller one, of which the detector fills "
            f"more than {_MOST_PADDED:.0%}",
        )
    else:
        doubts.say(text)
    doubts.done["framed"] = {
        "shape": [h, w],
        "centre": list(_in_file(framing)),
        "lost_share": round(lost, 6),
    }


def _in_file(framing: Framing) -> tuple[int, int]:
    """Return the pixel of the zero frequency in the frames of the file."""
    row, col = (
        (middle - roll) % side
        for middle, roll, side in zip(framing.centre, framing.rolled, framing.shape, strict=True)
    )
    return (row, col)
