"""What is written down of a comparison: rows of its tables, and the record of the cell."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptychostudy.formats.arm_product import DISAGREEMENT, ArmProduct
from ptychostudy.formats.scan import Scan
from ptychostudy.formats.scan_metadata import STEPS
from ptychostudy.measure import scoring
from ptychostudy.measure.frc import RingCurve
from ptychostudy.recipes.compare import Comparison
from ptychostudy.recipes.cut import cut_text
from ptychostudy.study.names import (
    ARMS,
    CONTROLS,
    CURVE_COLUMNS,
    FLAT,
    METRIC_COLUMNS,
    PINN,
    SCORED,
)
from ptychostudy.study.pixel import UNSTATED_PIXEL_M

BLANK = "n/a"
"""What stands in a table where a number has no meaning."""

_ENDED = ("status", "reason", "statistics", "converged")
# And of those that know: how far its frames are from what it expects, its patches from each other.
# How one of another program was found to lie, how much of what is scored it covers; what an
# iterative one began with.
_FITTED = ("misfit", DISAGREEMENT, "source", "placed", "covered", "start")
_WINDOW = "light"
# The control is no product: there is nothing in it that could fail.
_FLAT_ENDED: dict[str, Any] = {"status": "ok", "reason": "", "statistics": {}, "converged": None}


def metric_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the rows of ``comparison_metrics.csv``; a failed arm has its own, without numbers."""
    # The same rows in every cell, whatever failed.
    rows = []
    for arm in (*ARMS, *comparison.beside, *CONTROLS):
        rows += _rows(arm, _values(comparison.scores, arm))
    return rows


def rows_of(scores: Mapping[str, scoring.Score]) -> list[dict[str, Any]]:
    """Return such rows of whatever was scored, in its order."""
    rows = []
    for name, score in scores.items():
        rows += _rows(name, score.evaluation.rows)
    return rows


def _rows(arm: str, metrics: Mapping[str, tuple[Any, ...]]) -> list[dict[str, Any]]:
    rows = []
    for metric, values in metrics.items():
        cells = [BLANK if value is None else float(value) for value in values]
        rows.append(dict(zip(METRIC_COLUMNS, (arm, metric, *cells), strict=True)))
    return rows


def _values(scores: Mapping[str, scoring.Score], arm: str) -> Mapping[str, tuple[Any, ...]]:
    """Return the values of each metric; the flat control, always scored, knows which there are."""
    if arm in scores:
        return scores[arm].evaluation.rows
    nothing = (None,) * len(SCORED)
    return dict.fromkeys(scores[FLAT].evaluation.rows, nothing)


def curve_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the rows of ``frc_curves.csv``: each arm that was scored, ring by ring."""
    rows = []
    for arm, score in comparison.scores.items():
        curves = score.evaluation.curves
        for ring in range(len(curves["value"].correlation)):
            cells = (arm, ring, *_ring(curves, ring))
            rows.append(dict(zip(CURVE_COLUMNS, cells, strict=True)))
    return rows


def _ring(curves: Mapping[str, RingCurve], ring: int) -> list[float | int | str]:
    """Return frequency, pixels, half-bit threshold and correlations of one ring."""
    # Rings are the same for all parts; the correlation of the complex value always exists.
    whole = curves["value"]
    geometry = [float(whole.frequency[ring]), int(whole.count[ring]), float(whole.half_bit[ring])]
    correlations = [_correlation(curves.get(part), ring) for part in SCORED]
    return [*geometry, *correlations]


def _correlation(curve: RingCurve | None, ring: int) -> float | str:
    return BLANK if curve is None else float(curve.correlation[ring])


def cell_record(
    comparison: Comparison,
    products: Mapping[str, ArmProduct],
    source: Scan,
    overlap: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the record of a cell, ``status.json`` without its place in the study.

    Parameters
    ----------
    comparison : Comparison
    products : mapping
        What was compared.
    source : Scan
        The frames of the dose.
    overlap : mapping
        Overlap metrics of the view.
    """
    ranges = comparison.scores[FLAT].evaluation.ranges
    return {
        "status": _status(products),
        "truth": source.metadata["truth"],
        "pixel_size_m": known_pixel_m(source.metadata),
        "conditions": [*conditions(source), *_of_the_scan(overlap, products)],
        **_photons(source, overlap["frames_per_pixel"]),
        "overlap": {key: value for key, value in overlap.items() if isinstance(value, float)},
        "ranges": {key: float(value) for key, value in ranges.items()},
        "definitions": scoring.DEFINITIONS,
        "arms": _arms(comparison, products),
        "mask_px": int(comparison.mask.sum()),
        "coverage": comparison.coverage,
    }


def known_pixel_m(metadata: Mapping[str, Any]) -> float | None:
    """Return the side of an object pixel; None where a user's file came without one.

    A study of a file must have a number and may leave the one it finds: that one says nothing.
    """
    # The first transformation of a scan is the one that took it in.
    taken = metadata[STEPS][0]["parameters"]
    side = taken.get("pixel_size_m")
    unsaid = taken.get("kind") == "npz" and side == UNSTATED_PIXEL_M
    return None if side is None or unsaid else float(side)


def _status(products: Mapping[str, ArmProduct]) -> str:
    """Return whether our arms ended well; nothing else that did not spoils a cell."""
    arms = [product for arm, product in products.items() if arm not in CONTROLS]
    return "success" if all(product.good for product in arms) else "failed"


def _photons(source: Scan, frames_per_pixel: float) -> dict[str, float]:
    """Return the doses, and the floor that counting statistics set to the phase error."""
    # n of the floor 1/sqrt(2n) is detected photons on an object pixel, summed over its frames.
    photons_per_pixel = source.photons_measured * frames_per_pixel
    return {
        "photons_requested": source.photons_requested,
        "photons_measured": source.photons_measured,
        "photons_per_pixel": photons_per_pixel,
        "phase_floor_rad": 1 / np.sqrt(2 * photons_per_pixel),
    }


def _arms(comparison: Comparison, products: Mapping[str, ArmProduct]) -> dict[str, dict[str, Any]]:
    """Return how each arm and control ended, and how it was aligned."""
    arms: dict[str, dict[str, Any]] = {}
    for arm, product in {**products, **comparison.beside}.items():
        arms[arm] = {key: product.record.get(key) for key in _ENDED}
        known = {key: product.record.get(key) for key in _FITTED}
        arms[arm] |= {key: value for key, value in known.items() if value is not None}
    arms[FLAT] = dict(_FLAT_ENDED)
    for arm, score in comparison.scores.items():
        arms[arm].update(score.record)
    return arms


def _of_the_scan(overlap: Mapping[str, Any], products: Mapping[str, ArmProduct]) -> list[str]:
    """Return what the scan decided: which frames are left of a user's own, how it is stitched."""
    texts = []
    if "n_images_scan" in overlap:
        part = overlap["n_images_total"]
        texts.append(f"{part} frames are in this part: {cut_text(overlap)}")
    return [*texts, *_stitched(products[PINN].record.get("stitching", {}))]


def _stitched(how: Mapping[str, Any]) -> list[str]:
    """Return what is unusual about how patches were put together."""
    texts = []
    if how.get("window", _WINDOW) != _WINDOW:
        side = how["window_px"]
        texts.append(f"stitched: {side} x {side} px of each patch, {how['window']}")
    if not how.get("synchronised", True):
        texts.append("patches keep the phases that networks gave them")
    parts = how.get("parts", 1)
    if parts > 1:
        texts.append(f"{parts} parts of the scan do not overlap: each has a phase of its own")
    return texts


def conditions(source: Scan) -> list[str]:
    """Return what a reader must know of a study that is no plain one.

    That it has no noise, a wrong probe, or pixels that count nothing.
    """
    # The last transformation of a scan is the one that detected its frames.
    made = source.metadata[STEPS][-1]["parameters"]
    texts = []
    if made.get("noise") == "none":
        texts.append("noise-free: expected counts, for which the floor does not hold")
    changes = made.get("wrong_probe", {})
    wrong = [f"{key} {value}" for key, value in changes.items() if np.any(value)]
    if wrong:
        texts.append(f"arms were given a wrong probe: {', '.join(wrong)}")
    if not source.valid.all():
        texts.append(
            f"{np.sum(~source.valid)} of {source.valid.size} detector pixels are masked: "
            "dose and n are photons on the others"
        )
    return texts
