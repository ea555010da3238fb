"""Compare the arms of one cell: the same rectangle, mask, truth and gauge rules for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.measure import scoring
from ptychostudy.physics.rectangle import common, cut
from ptychostudy.physics.windows import scan_rectangle
from ptychostudy.study.names import ARMS, CONTROLS, FLAT

if TYPE_CHECKING:
    from ptychostudy.study.sections.compare import CompareSettings

_AROUND_PX = 11
"""Pixels about the scan: the hull of all frames, which is scored, and an edge for the spectra."""


@dataclass(frozen=True)
class Comparison:
    """The arms of a cell on one rectangle.

    Attributes
    ----------
    origin : (int, int)
        Row and column of the rectangle's first pixel in the object.
    truth : (H, W) complex
    mask : (H, W) bool
        Pixels that are scored.
    coverage : float
        Share of the scanned hull that the mask keeps; 0 where neither arm nor control ended well.
    fields : dict
        Field (H, W) of each arm as it came, failed or not.
    scores : dict
        `scoring.Score` of each arm and control that ended well.
    """

    origin: tuple[int, int]
    truth: np.ndarray
    mask: np.ndarray
    coverage: float
    fields: dict[str, np.ndarray]
    scores: dict[str, scoring.Score]

    @property
    def place(self) -> dict[str, np.ndarray]:
        """Return what all arms share."""
        return {"truth": self.truth, "mask": self.mask, "origin": np.array(self.origin)}

    @property
    def raw(self) -> dict[str, np.ndarray]:
        """Return every arm as it came, and what all share."""
        return {**self.fields, **self.place}

    @property
    def aligned(self) -> dict[str, np.ndarray]:
        """Return what all share, and every scored arm in the truth's gauge."""
        fields = {arm: score.field for arm, score in self.scores.items()}
        return {**self.place, **fields}


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


def compare(
    products: Mapping[str, ArmProduct],
    truth: np.ndarray,
    positions: np.ndarray,
    settings: "CompareSettings",
    *,
    scanned: np.ndarray,
) -> Comparison:
    """Bring all arms onto the rectangle of the scan and score them.

    Parameters
    ----------
    products : mapping
        The arms and the controls that are products, by name; what has a name of its own is scored
        behind the arms, and what is not there is left out.
    truth : (R, C) complex
        The whole object, from its first pixel.
    positions : (k, 2) float
        Window centres of the cell's frames.
    settings : CompareSettings
    scanned : (m, 2) float
        Those of all frames of the split: the rectangle is that of every view.
    """
    rectangle = _rectangle(products, truth, scanned)
    fields = {}
    for arm, product in products.items():
        fields[arm] = rectangle.cut(product.field, product.origin)
    good = [product for product in products.values() if product.good]
    mask, coverage = _mask(good, rectangle, positions)
    seen = rectangle.cut(truth, (0, 0))
    scores = {}
    for arm, field in _scored(products, fields, rectangle.shape).items():
        scores[arm] = _score(field, seen, mask, settings, arm)
    return Comparison(rectangle.origin, seen, mask, coverage, fields, scores)


def _rectangle(
    products: Mapping[str, ArmProduct], truth: np.ndarray, scanned: np.ndarray
) -> Rectangle:
    """Return the rectangle of the scan with an edge, as far as all products and the truth reach."""
    places: list[tuple[tuple[int, int], tuple[int, ...]]] = [((0, 0), truth.shape)]
    places += [(product.origin, product.field.shape) for product in products.values()]
    return Rectangle(*common([scan_rectangle(scanned, _AROUND_PX), *places]))


def _mask(
    good: list[ArmProduct], rectangle: Rectangle, positions: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the pixels that all that ended well cover, and which share of the scanned hull it is.

    Where nothing did, the whole hull is scored, so that the flat control keeps its numbers; what is
    covered of it is 0.
    """
    if not good:
        mask, _ = scoring.common_mask([np.ones(rectangle.shape)], positions, rectangle.origin)
        return mask, 0.0
    coverages = [rectangle.cut(product.coverage, product.origin) for product in good]
    return scoring.common_mask(coverages, positions, rectangle.origin)


def _scored(
    products: Mapping[str, ArmProduct], fields: Mapping[str, np.ndarray], shape: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Return what is scored, in the order of the tables: arms, then controls."""
    others = [name for name in products if name not in (*ARMS, *CONTROLS)]
    arms = [arm for arm in (*ARMS, *others) if arm in products]
    scored = {arm: fields[arm] for arm in arms if products[arm].good}
    # What an object without structure gets is what a metric gives away.
    scored[FLAT] = np.ones(shape, np.complex64)
    for control in CONTROLS:
        if control in products and products[control].good:
            scored[control] = fields[control]
    return scored


def _score(
    field: np.ndarray,
    truth: np.ndarray,
    mask: np.ndarray,
    settings: "CompareSettings",
    arm: str,
) -> scoring.Score:
    """Align one arm with the truth and measure it."""
    gauge = settings.phase_align
    # A ramp fitted to the flat object would give it structure: it gets one complex factor.
    if arm == FLAT and gauge == "plane":
        gauge = "mean"
    return scoring.score(
        field,
        truth,
        mask,
        phase_align=gauge,
        registration=arm in settings.register_arms,
        ms_ssim_sigma=settings.ms_ssim_sigma,
    )
