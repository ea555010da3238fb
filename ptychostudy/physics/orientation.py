"""The eight ways to lay out a plane of rows and columns: exchanged, and either axis reversed."""

import itertools
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Orientation:
    """What is done to rows and columns: first exchanged, then reversed.

    Attributes
    ----------
    exchanged : bool
        Rows become columns.
    rows_reversed, cols_reversed : bool
        After that, which axis runs the other way.
    """

    exchanged: bool = False
    rows_reversed: bool = False
    cols_reversed: bool = False

    @classmethod
    def of(cls, words: Iterable[str]) -> "Orientation":
        """Return the orientation of which some of the three attributes are true."""
        return cls(**dict.fromkeys(words, True))

    @property
    def words(self) -> list[str]:
        """Which of the three are done, in the order in which they are."""
        return [word for word, done in asdict(self).items() if done]

    @property
    def is_given(self) -> bool:
        """Whether all is left as it is."""
        return self == AS_GIVEN

    @property
    def changes(self) -> int:
        """How many of the three are done."""
        return self.exchanged + self.rows_reversed + self.cols_reversed

    def then(self, other: "Orientation") -> "Orientation":
        """Return what doing this and after it another one comes to."""
        rows, cols = self.rows_reversed, self.cols_reversed
        if other.exchanged:
            rows, cols = cols, rows
        return Orientation(
            self.exchanged != other.exchanged,
            rows != other.rows_reversed,
            cols != other.cols_reversed,
        )

    def of_frames(self, frames: np.ndarray) -> np.ndarray:
        """Return frames (..., N, N) laid out so; their centre, pixel ``N // 2``, stays.

        Of an even number of pixels the first has no partner across the centre, and stays, too.
        """
        turned = np.swapaxes(frames, -1, -2) if self.exchanged else frames
        for axis, reverse in zip((-2, -1), (self.rows_reversed, self.cols_reversed), strict=True):
            if reverse:
                partnerless = 1 - frames.shape[axis] % 2
                turned = np.roll(np.flip(turned, axis), partnerless, axis)
        return turned

    def of_positions(self, positions: np.ndarray) -> np.ndarray:
        """Return positions (k, 2) laid out so, about the origin."""
        turned = positions[:, ::-1] if self.exchanged else positions
        signs = (-1 if self.rows_reversed else 1, -1 if self.cols_reversed else 1)
        return np.asarray(turned * np.array(signs))


AS_GIVEN = Orientation()
ORIENTATIONS = tuple(Orientation(*each) for each in itertools.product((False, True), repeat=3))
"""All eight, as given first."""
