"""The cells of a study as Markdown: under which light and overlap each was scored, and what every model got."""

from collections.abc import Iterable, Mapping
from typing import Any

from ptychostudy.report.cells import DESIGNS, cell_name, ending, model_order, nominal_dose, score
from ptychostudy.report.markdown import number, photon_text, table
from ptychostudy.study.names import SCORED

CONTROL = "Flat"
_COLUMNS = SCORED
_BEST = {
    "mae": "0",
    "mse": "0",
    "psnr": "200 (cap)",
    "psnr_255": "200 (cap)",
    "frc50_px": "1",
    "rms_phase_rad": "0",
}
_BEST |= dict.fromkeys(
    (
        "pearson",
        "ssim",
        "ms_ssim",
        "frc50",
        "frc1over7",
        "frc_half_bit",
        "frc_auc",
        "frc50_saturated",
    ),
    "1",
)
FACTS = (
    "Dose: requested photons per frame. Measured: recounted, mean over the frames. n: detected photons per object "
    "pixel over the scan. Overlap, area: shared area of two discs of the probe's diameter, mean over each frame's "
    "nearest neighbours (metric 2); linear: 1 - step / diameter. Multiplicity: how many frames light a pixel, "
    "smallest and 5th percentile inside the scanned hull. Floor: 1/sqrt(2n), below which no unbiased estimate of the "
    "phase comes. "
    "PtyChi: whether its iteration had converged when it stopped"
)


def describe(job: Mapping[str, Any]) -> str:
    """Return the facts of one cell in a sentence: photons, overlap, floor."""
    found = job["overlap"]
    return (
        f"n = {photon_text(job['photons_per_pixel'])} photons per object pixel, overlap {_area(found)} (linear "
        f"{_linear(found)}), floor {number(job['phase_floor_rad'], 'rms_phase_rad')} rad"
        + "".join(f"; {condition}" for condition in job.get("conditions", []))
    )


def _area(overlap: Mapping[str, Any]) -> str:
    return number(overlap.get("metric_2_image_based_avg"))


def _linear(overlap: Mapping[str, Any]) -> str:
    return number(overlap.get("linear_overlap"))


def cell_blocks(summary: Mapping[str, Any]) -> list[list[str]]:
    """Return the table of all cells, then one table of scores per cell."""
    jobs, design = summary["jobs"], summary["design"]
    header = [
        "Dose",
        "Measured",
        "View",
        "Split",
        "n",
        "Overlap, area",
        "Overlap, linear",
        "Multiplicity",
        "Floor (rad)",
    ]
    header += ["Scored (px)", "Coverage", "PtyChi"]
    rows = [_facts(job) for job in jobs]
    if design == "fixed_fluence":
        header = ["Nominal", *header]
        rows = [[str(nominal_dose(job, design)), *row] for job, row in zip(jobs, rows, strict=True)]
    blocks = [
        ["## Cells"],
        [f"Design: {DESIGNS[design]}."],
        [f"{FACTS}."],
        table(header, rows),
        ["## Jobs"],
    ]
    for job in jobs:
        blocks += _scores(job)
    return blocks


def _facts(job: Mapping[str, Any]) -> list[str]:
    found = job["overlap"]
    texts = [str(job["dose"]), f"{job['photons_measured']:.6g}", job["view"], job["split"]]
    texts += [photon_text(job["photons_per_pixel"]), _area(found), _linear(found)]
    texts += [" / ".join(number(found.get(f"multiplicity_{key}")) for key in ("min", "p05"))]
    texts += [
        number(job["phase_floor_rad"], "rms_phase_rad"),
        str(job["mask_px"]),
        f"{job['coverage']:.3f}",
    ]
    return [*texts, ending(job["arms"].get("PtyChi", {}))]


def _scores(job: Mapping[str, Any]) -> list[list[str]]:
    models = model_order([job])
    shown = [f"{model} (zero)" if model == CONTROL else model for model in models]
    names = dict.fromkeys(row["metric"] for row in job["metrics"])
    rows = [
        row for name in names for column in _COLUMNS if (row := _row(job, models, name, column))
    ]
    rows += [row] if (row := _row(job, models, "rms_phase_rad", "phase")) else []
    facts = f"Truth: {job['truth']}. Measured dose {job['photons_measured']:.6g} photons per frame, {describe(job)}."
    return [
        [f"### {cell_name(job)}"],
        [facts],
        table(["Metric", "Column", *shown, "Perfect"], rows),
    ]


def _row(job: Mapping[str, Any], models: Iterable[str], metric: str, column: str) -> list[str]:
    found = [score(job, model, metric, column) for model in models]
    if all(value is None for value in found):
        return []
    return [metric, column, *(number(value, metric) for value in found), _BEST.get(metric, "")]


def zero_blocks(summary: Mapping[str, Any]) -> list[list[str]]:
    """Return the definitions of all metrics, with what a flat object gets on each: the metric's zero."""
    rows = []
    for name, text in sorted(summary["definitions"].items()):
        ranges = [_range(summary["jobs"], name, column) for column in _COLUMNS]
        rows.append([f"`{name}`", text, *ranges, _BEST.get(name, "")])
    explained = (
        "What a flat object gets, smallest to largest over the cells, is the zero of a metric; the last column is what "
        "a perfect reconstruction gets."
    )
    header = ["Metric", "Definition", "Flat: amplitude", "Flat: phase", "Flat: value", "Perfect"]
    return [["## Definitions"], [explained], table(header, rows)] if rows else []


def _range(jobs: Iterable[Mapping[str, Any]], metric: str, column: str) -> str:
    found = [value for job in jobs if (value := score(job, CONTROL, metric, column)) is not None]
    ends = [number(end(found), metric) for end in (min, max)] if found else [""]
    return " … ".join(dict.fromkeys(ends))
