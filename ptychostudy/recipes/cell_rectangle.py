"""The rectangle of the object on which the arms of a cell are compared."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ptychostudy.physics.rectangle import common, cut
from ptychostudy.physics.windows import scan_rectangle

_AROUND_PX = 11
"""Pixels about the scan: the hull of all frames, which is scored, and an edge for the spectra."""


@dataclass(frozen=True)
class Rectangle:
    """Pixels of the object on which arms are compared.

    Attributes
    ----------
    origin : (int, int)
        First pixel (row, col).
    shape : (int, int)
        Rows and columns.
    """

    origin: tuple[int, int]
    shape: tuple[int, int]

    def cut(self, field: np.ndarray, origin: tuple[int, int]) -> np.ndarray:
        """Return the rectangle (H, W) of a field that begins at ``origin``."""
        return cut(field, origin, self.origin, self.shape)


def cell_rectangle(
    truth: np.ndarray,
    scanned: np.ndarray,
    others: Iterable[tuple[tuple[int, int], tuple[int, ...]]] = (),
) -> Rectangle:
    """Return the rectangle of the scan with an edge, as far as the truth and all others reach.

    Parameters
    ----------
    truth : (R, C) complex
        The whole object, from its first pixel.
    scanned : (m, 2) float
        Window centres of all frames of the split.
    others : iterable of ((int, int), (int, int))
        Origins and shapes.
    """
    whole = ((0, 0), truth.shape)
    return Rectangle(*common([scan_rectangle(scanned, _AROUND_PX), whole, *others]))
