"""What is written down of a comparison: rows of its tables, and the record of the cell."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptychostudy.formats.scan import Scan
from ptychostudy.measure import scoring
from ptychostudy.measure.frc import RingCurve
from ptychostudy.recipes.compare import Comparison, Product
from ptychostudy.study.names import (
    ARMS,
    CONTROLS,
    CURVE_COLUMNS,
    FLAT,
    METRIC_COLUMNS,
    SCORED,
)

BLANK = "n/a"
"""What stands in a table where a number has no meaning."""

_ENDED = ("status", "reason", "statistics", "converged")
_FLAT_ENDED: dict[str, Any] = {"status": "ok", "reason": "", "statistics": {}, "converged": None}


def metric_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the rows of ``comparison_metrics.csv``; a failed arm has its own, without numbers."""
    rows = []
    for arm in (*ARMS, *CONTROLS):
        for metric, values in _values(comparison.scores, arm).items():
            numbers = [BLANK if value is None else float(value) for value in values]
            rows.append(dict(zip(METRIC_COLUMNS, (arm, metric, *numbers), strict=True)))
    return rows


def _values(scores: Mapping[str, scoring.Score], arm: str) -> Mapping[str, tuple[Any, ...]]:
    if arm in scores:
        return scores[arm].evaluation.rows
    return dict.fromkeys(scores[FLAT].evaluation.rows, (None,) * len(SCORED))


def curve_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the rows of ``frc_curves.csv``: each arm that was scored, ring by ring."""
    rows = []
    for arm, score in comparison.scores.items():
        curves = score.evaluation.curves
        for ring in range(len(curves["value"].correlation)):
            values = (arm, ring, *_ring(curves, ring))
            rows.append(dict(zip(CURVE_COLUMNS, values, strict=True)))
    return rows


def _ring(curves: Mapping[str, RingCurve], ring: int) -> list[float | int | str]:
    """Return frequency, pixels, half-bit threshold and correlations of one ring."""
    # Rings are the same for all parts; the correlation of the complex value always exists.
    whole = curves["value"]
    values: list[float | int | str] = [
        float(whole.frequency[ring]),
        int(whole.count[ring]),
        float(whole.half_bit[ring]),
    ]
    for part in SCORED:
        known = part in curves
        values.append(float(curves[part].correlation[ring]) if known else BLANK)
    return values


def cell_record(
    comparison: Comparison,
    products: Mapping[str, Product],
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
    # n of the floor 1/sqrt(2n) is detected photons on an object pixel, summed over its frames.
    photons_per_pixel = source.photons_measured * overlap["frames_per_pixel"]
    arms = [products[arm] for arm in products if arm not in CONTROLS]
    ranges = comparison.scores[FLAT].evaluation.ranges
    return {
        "status": "success" if all(product.good for product in arms) else "failed",
        "truth": source.metadata["truth"],
        "conditions": conditions(source),
        "photons_requested": source.photons_requested,
        "photons_measured": source.photons_measured,
        "photons_per_pixel": photons_per_pixel,
        "phase_floor_rad": 1 / np.sqrt(2 * photons_per_pixel),
        "overlap": {key: value for key, value in overlap.items() if isinstance(value, float)},
        "ranges": {key: float(value) for key, value in ranges.items()},
        "definitions": scoring.DEFINITIONS,
        "arms": _arms(comparison, products),
        "mask_px": int(comparison.mask.sum()),
        "coverage": comparison.coverage,
    }


def _arms(comparison: Comparison, products: Mapping[str, Product]) -> dict[str, dict[str, Any]]:
    """Return how each arm and control ended, and how it was aligned."""
    arms: dict[str, dict[str, Any]] = {}
    for arm, product in products.items():
        arms[arm] = {key: product.record.get(key) for key in _ENDED}
    arms[FLAT] = dict(_FLAT_ENDED)
    for arm, score in comparison.scores.items():
        arms[arm].update(score.record)
    return arms


def conditions(source: Scan) -> list[str]:
    """Return what a reader must know of a study that is no plain one: no noise, a wrong probe."""
    made = source.metadata["data_transformations"][-1]["parameters"]
    texts = []
    if made.get("noise") == "none":
        texts.append("noise-free: expected counts, for which the floor does not hold")
    wrong = [
        f"{key} {value}" for key, value in made.get("wrong_probe", {}).items() if np.any(value)
    ]
    if wrong:
        texts.append(f"arms were given a wrong probe: {', '.join(wrong)}")
    return texts
