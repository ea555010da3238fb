"""Adopt: what another program made of a cell, as an arm: where it lies, how it is laid out."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ptychostudy.formats.any_object import AnyObject
from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.measure.outcome import judge
from ptychostudy.measure.placing import Place, turned
from ptychostudy.physics.canvas import Canvas
from ptychostudy.physics.illumination import hull_mask
from ptychostudy.recipes.cell_rectangle import Rectangle, cell_rectangle
from ptychostudy.recipes.placed import ALIKE, hulled, known_offset, likeliest, nowhere, onto

_DIGITS = 4


@dataclass(frozen=True)
class Ground:
    """What an object is placed on: the truth within the rectangle of a cell.

    Attributes
    ----------
    rectangle : Rectangle
    truth : AnyObject
        Seen where the positions of the view enclose it.
    """

    rectangle: Rectangle
    truth: AnyObject

    @classmethod
    def of_cell(
        cls, truth: np.ndarray, positions: np.ndarray, scanned: np.ndarray, where: str
    ) -> "Ground":
        """Return the ground of a cell.

        Parameters
        ----------
        truth : (R, C) complex
            The whole object, from its first pixel.
        positions, scanned : (k, 2), (m, 2) float
            Window centres of the cell's frames, and of all frames of the split.
        where : str
            How messages call the truth.
        """
        rectangle = cell_rectangle(truth, scanned)
        field = rectangle.cut(truth, (0, 0))
        hull = hull_mask(positions, origin=rectangle.origin, shape=rectangle.shape)
        return cls(rectangle, AnyObject(where, field, hull, rectangle.origin))

    def nothing(self, reason: str) -> ArmProduct:
        """Return the product of an object that could not be read or placed."""
        shape = self.rectangle.shape
        record: dict[str, Any] = {"status": "failed", "reason": reason}
        record |= {"statistics": {}, "converged": None}
        empty = np.zeros(shape, np.complex64), np.zeros(shape, np.float32)
        return ArmProduct(*empty, self.rectangle.origin, record)


def adopt_object(each: AnyObject, ground: Ground) -> ArmProduct:
    """Place an object on the rectangle of a cell, turned and conjugated as fits the truth best.

    Returns
    -------
    ArmProduct
        Its record has ``placed``: how it lay.

    Raises
    ------
    DataError
        If it has other pixels, or lies nowhere on the truth.
    """
    given, best = likeliest(each, ground.truth)
    known = known_offset(each, ground.truth) if best is given else None
    if known is None and best.correlation < ALIKE:
        raise nowhere(each, ground.truth, best)
    offset = known or best.offset
    shape = ground.rectangle.shape
    field = onto(_laid_out(each.field, best), offset, shape)
    seen = onto(turned(hulled(each), best.orientation), offset, shape)
    canvas = Canvas(field.astype(np.complex64), seen.astype(np.float32), ground.rectangle.origin)
    placed = _placed(best, offset, ground.rectangle.origin)
    record = {**judge(canvas), "converged": None, "placed": placed}
    return ArmProduct(canvas.field, canvas.coverage, canvas.origin, record)


def _laid_out(field: np.ndarray, place: Place) -> np.ndarray:
    wave = field.conj() if place.conjugated else field
    return turned(wave, place.orientation)


def _placed(place: Place, offset: tuple[int, int], origin: tuple[int, int]) -> dict[str, Any]:
    """Return what was found, for the record: the first pixel in the object of the study."""
    row, col = (a + b for a, b in zip(offset, origin, strict=True))
    return {
        "origin": [row, col],
        "changed": place.words,
        "correlation": round(place.correlation, _DIGITS),
    }
