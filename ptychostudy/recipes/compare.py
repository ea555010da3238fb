"""Compare the arms of one cell: the same rectangle, mask, truth and gauge rules for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.measure import scoring
from ptychostudy.study.names import ARMS, FLAT, PINN, UNTRAINED

if TYPE_CHECKING:
    from ptychostudy.study.sections.compare import CompareSettings


@dataclass(frozen=True)
class Product:
    """What an arm made of a cell.

    Attributes
    ----------
    field : (H, W) complex64
        The reconstructed object.
    coverage : (H, W) float
        How much went into each pixel; 0 where nothing did.
    origin : (int, int)
        Row and column of the first pixel in the object.
    record : dict
        How it ended: ``status``, ``reason``, ``statistics``, ``converged``.
    """

    field: np.ndarray
    coverage: np.ndarray
    origin: tuple[int, int]
    record: Mapping[str, Any]

    @property
    def good(self) -> bool:
        """Whether the arm ended well; a failed one is shown and not scored."""
        return bool(self.record["status"] == "ok")


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
        Share of the scanned hull that the mask keeps; 0 where no arm ended well.
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


def compare(
    products: Mapping[str, Product],
    truth: np.ndarray,
    positions: np.ndarray,
    settings: "CompareSettings",
) -> Comparison:
    """Bring all arms onto the canvas of PtychoPINN and score them.

    Parameters
    ----------
    products : mapping
        The arms and the untrained control, by name.
    truth : (R, C) complex
        The whole object, from its first pixel.
    positions : (k, 2) float
        Window centres of the cell's frames.
    settings : CompareSettings
    """
    origin = products[PINN].origin
    shape = products[PINN].coverage.shape
    fields = {}
    coverages = {}
    for arm, product in products.items():
        fields[arm] = scoring.cut(product.field, product.origin, origin, shape)
        coverages[arm] = scoring.cut(product.coverage, product.origin, origin, shape)
    good = [arm for arm in products if products[arm].good]
    # Where every arm failed, the hull is scored: the controls keep their numbers.
    covered = [coverages[arm] for arm in good] or [np.ones(shape)]
    mask, coverage = scoring.common_mask(covered, positions, origin)
    seen = scoring.cut(truth, (0, 0), origin, shape)
    scored = _scored(fields, good, shape)
    scores = {arm: _score(field, seen, mask, settings, arm) for arm, field in scored.items()}
    return Comparison(origin, seen, mask, coverage if good else 0.0, fields, scores)


def _scored(
    fields: dict[str, np.ndarray], good: list[str], shape: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Return what is scored, in the order of the tables: arms, then controls."""
    scored = {arm: fields[arm] for arm in ARMS if arm in good}
    scored[FLAT] = np.ones(shape, np.complex64)
    if UNTRAINED in good:
        scored[UNTRAINED] = fields[UNTRAINED]
    return scored


def _score(
    field: np.ndarray,
    truth: np.ndarray,
    mask: np.ndarray,
    settings: "CompareSettings",
    arm: str,
) -> scoring.Score:
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
