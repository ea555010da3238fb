"""The cells of a study as Markdown: how each was lit, and what every model got in it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.report.cell_texts import (
    area_text,
    describe,
    floor_text,
    linear_text,
    measured_text,
)
from ptychostudy.report.cells import (
    CONTROL,
    DESIGNS,
    Cell,
    Summary,
    arm_record,
    cell_name,
    ending,
    known_word,
    model_order,
    nominal_dose,
    score,
)
from ptychostudy.report.markdown import MISSING, number, photon_text, table
from ptychostudy.study.metric_names import interval_of
from ptychostudy.study.names import PTYCHI, SCORED

_HEADER = (
    "Dose",
    "Measured",
    "View",
    "Split",
    "n",
    "Overlap, area",
    "Overlap, linear",
    "Multiplicity",
    "Floor (rad)",
    "Scored (px)",
    "Coverage",
    PTYCHI,
    "R / noise",
)
_FACTS = (
    "Dose: requested photons per frame. Measured: recounted, mean over the frames. n: detected "
    "photons per object pixel over the scan. Overlap, area: shared area of two discs of the "
    "probe's diameter, mean over each frame's nearest neighbours (metric 2 of the three that "
    "`overlap` writes); linear: 1 - step / diameter. Multiplicity: how many frames light a pixel, "
    "smallest and 5th percentile inside the scanned hull. Floor: 1/sqrt(2n), below which no "
    "unbiased estimate of the phase comes. PtyChi: whether its iteration had converged when it "
    "stopped. R: sum |sqrt(expected) - sqrt(counted)| / sum sqrt(counted) of PtyChi's object and "
    "its frames; noise: what photon noise alone makes of R, below which an object follows the "
    "noise."
)
_ZERO_HEADER = (
    "Metric",
    "Definition",
    "Flat: amplitude",
    "Flat: phase",
    "Flat: value",
    "Perfect",
)
_ZERO = (
    "What a flat object gets, smallest to largest over the cells, is the zero of a metric; the "
    "last column is what a perfect reconstruction gets."
)
_RESOLUTIONS = ("frc50", "frc1over7", "frc_half_bit")
_AT_BEST_ONE = (
    "pearson",
    "partial_pearson",
    "ssim",
    "ms_ssim",
    *_RESOLUTIONS,
    *(end for metric in _RESOLUTIONS for end in interval_of(metric)),
    "frc_auc",
    "frc50_saturated",
)
_BEST = {
    **dict.fromkeys(("mae", "mse", "rms_phase_rad"), "0"),
    # Equal to rounding would be infinite decibels: measure.metrics stops at 200.
    **dict.fromkeys(("psnr", "psnr_255"), "200 (cap)"),
    **dict.fromkeys(_AT_BEST_ONE, "1"),
    # The half period at Nyquist, in object pixels.
    "frc50_px": "1",
}


def cell_blocks(summary: Summary) -> list[list[str]]:
    """Return the table of all cells, then one table of scores per cell."""
    cells = summary["jobs"]
    design = summary["design"]
    blocks = [
        ["## Cells"],
        [f"Design: {DESIGNS[design]}."],
        [_FACTS],
        _facts_table(cells, design),
        ["## Jobs"],
    ]
    for cell in cells:
        blocks += _score_blocks(cell)
    return blocks


def _facts_table(cells: Sequence[Cell], design: str) -> list[str]:
    header: Sequence[str] = _HEADER
    rows = [_facts(cell) for cell in cells]
    if design == "fixed_fluence":
        # There the cells to be compared are those of one nominal dose, not of one dose per frame.
        header = ("Nominal", *header)
        nominal = [str(nominal_dose(cell, design)) for cell in cells]
        rows = [[dose, *row] for dose, row in zip(nominal, rows, strict=True)]
    return table(header, rows)


def _facts(cell: Cell) -> list[str]:
    return [
        str(cell["dose"]),
        measured_text(cell),
        cell["view"],
        cell["split"],
        photon_text(cell["photons_per_pixel"]),
        area_text(cell),
        linear_text(cell),
        _multiplicity(cell),
        floor_text(cell),
        str(cell["mask_px"]),
        f"{cell['coverage']:.3f}",
        ending(arm_record(cell, PTYCHI)),
        _misfit_text(arm_record(cell, PTYCHI)),
    ]


def _misfit_text(record: Mapping[str, Any]) -> str:
    """Return the misfit of an arm and that of noise; of a failed or an older one there is none."""
    misfit = record.get("misfit")
    if not misfit:
        return MISSING
    return f"{number(misfit['R'])} / {number(misfit['R_expected'])}"


def _multiplicity(cell: Cell) -> str:
    smallest = cell["overlap"].get("multiplicity_min")
    percentile = cell["overlap"].get("multiplicity_p05")
    return f"{number(smallest)} / {number(percentile)}"


def _score_blocks(cell: Cell) -> list[list[str]]:
    models = model_order([cell])
    shown = [_model_head(model) for model in models]
    header = ["Metric", "Column", *shown, "Perfect"]
    facts = (
        f"{known_word([cell]).capitalize()}: {cell['truth']}. "
        f"Measured dose {measured_text(cell)} photons per frame, {describe(cell)}."
    )
    return [[f"### {cell_name(cell)}"], [facts], table(header, _score_rows(cell, models))]


def _model_head(model: str) -> str:
    return f"{model} (zero)" if model == CONTROL else model


def _score_rows(cell: Cell, models: Sequence[str]) -> list[list[str]]:
    metrics = dict.fromkeys(row["metric"] for row in cell["metrics"])
    # The ends of an interval stand behind the number that they belong to.
    ends = {end for metric in metrics for end in interval_of(metric)}
    metrics = {metric: None for metric in metrics if metric not in ends}
    keys = [(metric, column) for metric in metrics for column in SCORED]
    # It stands in the record of an arm, not in the table of metrics, and comes last.
    keys.append(("rms_phase_rad", "phase"))
    rows = [_score_row(cell, models, *key) for key in keys]
    return [row for row in rows if row]


def _score_row(cell: Cell, models: Sequence[str], metric: str, column: str) -> list[str]:
    """Return the line of one score; nothing where it has no meaning for any model."""
    values = [score(cell, model, metric, column) for model in models]
    if all(value is None for value in values):
        return []
    texts = [_score_text(cell, model, metric, column) for model in models]
    return [metric, column, *texts, _BEST.get(metric, "")]


def _score_text(cell: Cell, model: str, metric: str, column: str) -> str:
    """Return a score as text, with the interval in which it is known if it has one."""
    text = number(score(cell, model, metric, column), metric)
    ends = [score(cell, model, end, column) for end in interval_of(metric)]
    if None in ends:
        return text
    return f"{text} ({' to '.join(number(end, metric) for end in ends)})"


def zero_blocks(summary: Summary) -> list[list[str]]:
    """Return the definitions of all metrics, each with what a flat object gets: its zero."""
    cells = summary["jobs"]
    definitions = sorted(summary["definitions"].items())
    rows = [_zero_row(cells, metric, definition) for metric, definition in definitions]
    if not rows:
        return []
    return [["## Definitions"], [_ZERO], table(_ZERO_HEADER, rows)]


def _zero_row(cells: Sequence[Cell], metric: str, definition: str) -> list[str]:
    ranges = [_range(cells, metric, column) for column in SCORED]
    return [f"`{metric}`", definition, *ranges, _BEST.get(metric, "")]


def _range(cells: Iterable[Cell], metric: str, column: str) -> str:
    scores = [score(cell, CONTROL, metric, column) for cell in cells]
    known = [value for value in scores if value is not None]
    if not known:
        return ""
    ends = [number(min(known), metric), number(max(known), metric)]
    # Two ends that read alike are one number.
    return " … ".join(dict.fromkeys(ends))
