"""One cell in words: its photons and overlap, and what stands above and below its picture."""

from collections.abc import Iterable, Mapping
from typing import Any

from ptychostudy.report.cells import Cell, ending
from ptychostudy.report.markdown import number, photon_text
from ptychostudy.study.names import SCORED


def area_text(cell: Cell) -> str:
    """Return the overlap as shared area of two discs of the probe's diameter (metric 2)."""
    return number(cell["overlap"].get("metric_2_image_based_avg"))


def linear_text(cell: Cell) -> str:
    """Return the overlap along a line: 1 - step / diameter."""
    return number(cell["overlap"].get("linear_overlap"))


def overlap_text(cell: Cell) -> str:
    """Return the overlap in both definitions."""
    return f"{area_text(cell)} (linear {linear_text(cell)})"


def floor_text(cell: Cell) -> str:
    """Return the counting floor of the phase error, 1/sqrt(2n), without its unit."""
    return number(cell["phase_floor_rad"], "rms_phase_rad")


def measured_text(cell: Cell) -> str:
    """Return the recounted photons per frame."""
    return f"{cell['photons_measured']:.6g}"


def describe(cell: Cell) -> str:
    """Return the facts of one cell in a sentence: photons, overlap, floor."""
    n = photon_text(cell["photons_per_pixel"])
    facts = (
        f"n = {n} photons per object pixel, overlap {overlap_text(cell)}, "
        f"floor {floor_text(cell)} rad"
    )
    return "; ".join([facts, *cell.get("conditions", [])])


def picture_title(cell: Cell) -> str:
    """Return what stands above the picture of one cell."""
    return f"{photon_text(cell['dose'])} photons per frame, {cell['view']}, {cell['split']}"


def picture_caption(cell: Cell, seed: int | None) -> str:
    """Return what stands below the picture of one cell; `seed` is None of the first one."""
    name = "the first" if seed is None else seed
    return (
        f"Measured dose {measured_text(cell)} photons per frame, {describe(cell)}. "
        f"{_endings(cell['arms'])}. Seed: {name}. Truth: {cell['truth']}."
    )


def _endings(arms: Mapping[str, Mapping[str, Any]]) -> str:
    # The iterative arm is always named: that it converged is a result, too.
    iterative = f"PtyChi {ending(arms['PtyChi'])}"
    failed = [model for model, record in arms.items() if record["status"] != "ok"]
    others = [f"{model} failed" for model in failed if model != "PtyChi"]
    return "; ".join([iterative, *others])


def picture_scores(
    rows: Iterable[Mapping[str, str]],
) -> dict[str, dict[str, tuple[float | None, ...]]]:
    """Return the scores that are shown in the picture of one cell.

    Parameters
    ----------
    rows : iterable of dict
        Lines of ``comparison_metrics.csv``.

    Returns
    -------
    dict
        ``{model: {metric: (amplitude, phase, value)}}``; None where a metric has no meaning.
    """
    scores: dict[str, dict[str, tuple[float | None, ...]]] = {}
    for row in rows:
        texts = [row[column] for column in SCORED]
        values = tuple(None if text == "n/a" else float(text) for text in texts)
        scores.setdefault(row["model"], {})[row["metric"]] = values
    return scores
