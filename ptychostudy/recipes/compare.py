"""Compare the arms of one cell: the same rectangle, mask, truth and gauge rules for all."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.measure import scoring
from ptychostudy.recipes.cell_rectangle import Rectangle, cell_rectangle
from ptychostudy.recipes.covering import REGISTERED, covering
from ptychostudy.study.arm_names import FEED_FORWARD, HYBRID, foreign
from ptychostudy.study.names import ARMS, CONTROLS, FLAT, PINN, PTYCHI

if TYPE_CHECKING:
    from ptychostudy.study.sections.compare import CompareSettings


_FORMS = {FEED_FORWARD: PINN, HYBRID: PTYCHI}


@dataclasses.dataclass(frozen=True)
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
    beside : dict
        Products of arms that not every study has, failed where they cover too little of the mask.
    """

    origin: tuple[int, int]
    truth: np.ndarray
    mask: np.ndarray
    coverage: float
    fields: dict[str, np.ndarray]
    scores: dict[str, scoring.Score]
    beside: dict[str, ArmProduct] = dataclasses.field(default_factory=dict)

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


def compare(
    products: Mapping[str, ArmProduct],
    truth: np.ndarray,
    positions: np.ndarray,
    settings: "CompareSettings",
    *,
    scanned: np.ndarray,
    beside: Mapping[str, ArmProduct] | None = None,
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
    beside : mapping, optional
        Products of arms that not every study has: Hybrid, and those of other programs from
        `ptychostudy.recipes.adopt`. They are scored on the rectangle and mask of the others, which
        they change nothing of.
    """
    places = [(product.origin, product.field.shape) for product in products.values()]
    rectangle = cell_rectangle(truth, scanned, places)
    good = [product for product in products.values() if product.good]
    mask, coverage = _mask(good, rectangle, positions)
    kept = {name: covering(each, rectangle, mask) for name, each in (beside or {}).items()}
    everything = {**products, **kept}
    fields = {arm: rectangle.cut(each.field, each.origin) for arm, each in everything.items()}
    seen = rectangle.cut(truth, (0, 0))
    registered = _registered(settings, kept)
    scores = {}
    for arm, field in _scored(everything, fields, rectangle.shape).items():
        scores[arm] = _score(field, seen, mask, settings, arm, registration=arm in registered)
    return Comparison(rectangle.origin, seen, mask, coverage, fields, scores, kept)


def _registered(settings: "CompareSettings", beside: Mapping[str, ArmProduct]) -> list[str]:
    """Return who is moved by fractions of a pixel: other forms of an arm where it is moved."""
    ours = list(settings.register_arms)
    forms = [name for name, arm in _FORMS.items() if arm in ours]
    others = [name for name in foreign(beside) if beside[name].record.get(REGISTERED, True)]
    return [*ours, *forms, *others]


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
    *,
    registration: bool,
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
        registration=registration,
        ms_ssim_sigma=settings.ms_ssim_sigma,
    )
