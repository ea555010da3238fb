"""Texts of a study, rendered from its summary: every number in one format, everywhere the same."""

from collections.abc import Mapping
from typing import Any

from ptychostudy.report.cell_tables import cell_blocks, zero_blocks
from ptychostudy.report.cells import DESIGNS, convergence, model_order, truth_name
from ptychostudy.report.markdown import document, number, photon_text, table
from ptychostudy.report.seed_tables import seed_blocks
from ptychostudy.report.summary import METRICS_PATH
from ptychostudy.report.usefulness import useful_blocks
from ptychostudy.study.names import ARMS, DELTA_METRICS, OTHERS, PARTS

DELTA_PATH = "analysis/metrics_delta_summary.json"
PREVIEW_PATH = "analysis/metrics_delta_highlights_preview.txt"
CHECKED = (
    "Highlights match",
    "SSIM grid summary table values match",
    "Preview metadata confirms phase-only",
)
_LABELS = {"ms_ssim": "MS-SSIM", "mae": "MAE"}
_LABEL_WIDTH = 35


def _delta_labels() -> list[tuple[str, str, str]]:
    return [
        (metric, f"vs_{other}", f"{_LABELS[metric]} Δ (PtychoPINN - {other})")
        for metric in DELTA_METRICS
        for other in OTHERS
    ]


def delta_highlights(delta: Mapping[str, Any]) -> str:
    """Return the four signed lines of ``metrics_delta_highlights.txt``."""
    lines = []
    for metric, other, label in _delta_labels():
        amplitude, phase = (
            number(delta["deltas"][other][metric][column], metric, signed=True) for column in PARTS
        )
        lines.append(f"{label:<{_LABEL_WIDTH}}: amplitude {amplitude}  phase {phase}\n")
    return "".join(lines)


def delta_preview(delta: Mapping[str, Any]) -> str:
    """Return the four phase-only lines of ``metrics_delta_highlights_preview.txt``."""
    return "".join(
        f"{label}: {number(delta['deltas'][other][metric]['phase'], metric, signed=True)}\n"
        for metric, other, label in _delta_labels()
    )


def ssim_grid_summary(delta: Mapping[str, Any]) -> str:
    """Return ``ssim_grid_summary.md``: phase differences of the study and of each cell."""
    blocks: list[list[str]] = [
        ["# SSIM Grid Summary (Phase-Only)"],
        [f"**Generated from:** `{DELTA_PATH}`"],
        [f"**Preview validated:** `{PREVIEW_PATH}` (phase-only)"],
        [
            f"PtychoPINN minus the other arm, mean over the cells in which both have a result; seed {delta['seed']}."
        ],
        ["MS-SSIM: Wang 2003, data range = span of the truth. MAE: wrapped difference, rad."],
    ]
    for metric in DELTA_METRICS:
        found = [(f"vs_{other}", delta["deltas"][f"vs_{other}"][metric]) for other in OTHERS]
        rows = [
            [name, number(one["phase"], metric, signed=True), str(one["n_cells"])]
            for name, one in found
        ]
        blocks += [
            [f"## {_LABELS[metric]} Deltas (Phase)"],
            table(["Comparison", "Phase Δ", "Cells"], rows),
        ]
    header = ["Dose", "View", "Split", "n", "Overlap, area", "Overlap, linear", "PtyChi"]
    header += [f"{_LABELS[m]} vs_{other}" for m in DELTA_METRICS for other in OTHERS]
    rows = [
        [str(cell["dose"]), cell["view"], cell["split"], _rounded(cell["photons_per_pixel"])]
        + [number(cell["overlap_area"]), number(cell["overlap_linear"]), cell["ptychi"]]
        + [
            number(cell[f"vs_{o}"][m]["phase"], m, signed=True)
            for m in DELTA_METRICS
            for o in OTHERS
        ]
        for cell in delta["cells"]
    ]
    explained = [
        "n: detected photons per object pixel. Overlap: metric 2 (area), 1 - step / probe diameter (linear)."
    ]
    return document(*blocks, ["## Cells (Phase)"], explained, table(header, rows))


def _rounded(value: float | None) -> str:
    return "N/A" if value is None else photon_text(value)


def check_preview(preview: str) -> list[str]:
    """Return what is wrong with the preview as such: it must be four lines about phase only."""
    problems = []
    if "amplitude" in preview.lower():
        problems.append(
            "preview metadata validation failed: the phase-only preview contains the word amplitude"
        )
    if len(preview.splitlines()) != len(_delta_labels()):
        problems.append(
            f"preview mismatch: Expected exactly 4 lines, got {len(preview.splitlines())}"
        )
    return problems


def check_highlights(
    delta: Mapping[str, Any], highlights: str, preview: str, grid: str
) -> list[str]:
    """Compare the three texts with the numbers they were made of.

    Parameters
    ----------
    delta : dict
        Content of ``metrics_delta_summary.json``.
    highlights, preview, grid : str
        The texts found.

    Returns
    -------
    list of str
        One sentence per problem; empty where text and numbers agree to the last digit shown.
    """
    problems = []
    if len(highlights.splitlines()) != len(_delta_labels()):
        problems.append(
            f"highlights mismatch: Expected exactly 4 lines, got {len(highlights.splitlines())}"
        )
    problems += check_preview(preview)
    validated = [line for line in grid.splitlines() if line.startswith("**Preview validated:**")]
    if not any("(phase-only" in line for line in validated) or "amplitude" in grid.lower():
        problems.append(
            "preview metadata validation failed: ssim_grid_summary.md does not say phase-only, or is not"
        )
    problems += _differing("highlights", highlights, delta_highlights(delta))
    problems += _differing("preview", preview, delta_preview(delta))
    return problems + _differing("SSIM grid", grid, ssim_grid_summary(delta))


def _differing(name: str, found: str, expected: str) -> list[str]:
    pairs = zip(found.splitlines(), expected.splitlines(), strict=False)
    problems = [
        f"{name} mismatch: line {i} is {one!r}, the numbers give {other!r}"
        for i, (one, other) in enumerate(pairs, start=1)
        if one != other
    ]
    if not problems and len(found.splitlines()) != len(expected.splitlines()):
        problems.append(
            f"{name} mismatch: {len(found.splitlines())} lines, needed {len(expected.splitlines())}"
        )
    return problems


def metrics_summary(summary: Mapping[str, Any]) -> str:
    """Return ``metrics_summary.md``: means per model, every cell, provenance of the frames, definitions."""
    blocks: list[list[str]] = [
        ["# Phase G Metrics Summary"],
        [
            f"Jobs: {summary['n_jobs']}, successful {summary['n_success']}, failed {summary['n_failed']}."
        ],
        ["## Aggregate Metrics"],
        [
            "Summary statistics across all jobs per model. A failed arm enters no mean. "
            + _conditions(summary)
        ],
    ]
    for model in model_order(summary["jobs"]):
        blocks += _aggregate_blocks(
            model, summary["aggregate_metrics"][model], summary["arms"][model]
        )
    blocks += useful_blocks(summary, numbers=True) + seed_blocks(summary) + cell_blocks(summary)
    blocks += _compliance_blocks(summary["phase_c_metadata_compliance"]) + zero_blocks(summary)
    return document(*blocks)


def _conditions(summary: Mapping[str, Any]) -> str:
    """Return under which conditions means over cells were taken: definitions, photons, overlap, seed, convergence."""
    jobs = summary["jobs"]
    ranges = {
        "photons per object pixel": ([job["photons_per_pixel"] for job in jobs], photon_text),
        "area overlap": ([job["overlap"].get("metric_2_image_based_avg") for job in jobs], number),
        "linear overlap": ([job["overlap"].get("linear_overlap") for job in jobs], number),
    }
    spans = [
        f"{name} {show(min(known))} to {show(max(known))}"
        for name, (values, show) in ranges.items()
        if (known := [value for value in values if value is not None])
    ]
    defined = [
        f"{_LABELS[name]}: {summary['definitions'][name]}"
        for name in _LABELS
        if name in summary["definitions"]
    ]
    first = summary["seeds"]["list"][0]
    parts = [
        *defined,
        f"{len(jobs)} cells, {', '.join(spans)}",
        DESIGNS[summary["design"]],
        f"seed {first}",
    ]
    parts += [text] if (text := convergence(jobs)) else []
    return ". ".join(part[0].upper() + part[1:] for part in parts) + "."


def _aggregate_blocks(
    model: str, found: Mapping[str, Any], counted: Mapping[str, Any]
) -> list[list[str]]:
    header = ["Statistic", "Amplitude", "Phase"]
    rows = {
        metric: [
            [kind.capitalize(), *(number(found[metric][f"{kind}_{c}"], metric) for c in PARTS)]
            for kind in kinds
        ]
        for metric, kinds in (("ms_ssim", ("mean", "best")), ("mae", ("mean",)))
    }
    blocks = [
        [f"### {model}"],
        [f"Scored in {counted['n_ok']} cells, failed in {counted['n_failed']}."],
    ]
    blocks += [
        ["**MS-SSIM:**"],
        table(header, rows["ms_ssim"]),
        ["**MAE:**"],
        table(header, rows["mae"]),
    ]
    if counted["failures"]:
        blocks.append(
            [f"- failed in {cell}: {reason}" for cell, reason in counted["failures"].items()]
        )
    return blocks


def _compliance_blocks(compliance: Mapping[str, Any]) -> list[list[str]]:
    rows = [
        [
            dose,
            split,
            found["npz_path"].rsplit("/", 1)[-1],
            *("✓" if found[key] else "✗" for key in _COMPLIANT),
        ]
        + [found.get("error", "")]
        for dose, splits in sorted(compliance.items())
        for split, found in sorted(splits.items())
    ]
    header = ["Dose", "Split", "File", "Metadata", "Canonical", "Compliant", "Error"]
    return [
        ["## Phase C Metadata Compliance"],
        ["Validation of Phase C NPZ files"],
        table(header, rows),
    ]


_COMPLIANT = ("has_metadata", "has_canonical_transform", "compliant")


def aggregate_report(summary: Mapping[str, Any], delta: Mapping[str, Any], threshold: float) -> str:
    """Return ``aggregate_report.md``: means, differences, and the MS-SSIM sanity check."""
    header = [
        "Model",
        "Mean amplitude",
        "Best amplitude",
        "Mean phase",
        "Best phase",
        "MAE amplitude",
        "MAE phase",
    ]
    rows = []
    for model in model_order(summary["jobs"]):
        similar, error = (summary["aggregate_metrics"][model][metric] for metric in DELTA_METRICS)
        scores = [similar[f"{kind}_{column}"] for column in PARTS for kind in ("mean", "best")]
        errors = [error["mean_amplitude"], error["mean_phase"]]
        rows.append([model, *map(number, scores), *(number(value, "mae") for value in errors)])
    return document(
        ["# Aggregate Comparison Report"],
        [f"Rendered from `{METRICS_PATH}`. Scored against: {truth_name(summary)}."],
        [
            "MS-SSIM: mean and best, MAE: mean, phase in rad; over all cells, train and test. "
            + _conditions(summary)
        ],
        ["## Aggregate Metrics"],
        table(header, rows),
        *_delta_blocks(delta),
        *useful_blocks(summary),
        *_sanity_blocks(summary, threshold),
        *seed_blocks(summary),
    )


def _delta_blocks(delta: Mapping[str, Any]) -> list[list[str]]:
    rows = [
        [
            label,
            *(number(found[column], metric, signed=True) for column in PARTS),
            str(found["n_cells"]),
        ]
        for metric, other, label in _delta_labels()
        for found in [delta["deltas"][other][metric]]
    ]
    return [["## Key Deltas"], table(["Difference", "Amplitude", "Phase", "Cells"], rows)]


def _sanity_blocks(summary: Mapping[str, Any], threshold: float) -> list[list[str]]:
    rows = []
    for arm in ARMS:
        found = summary["aggregate_metrics"][arm]["ms_ssim"]
        means = {"amp": found["mean_amplitude"], "phase": found["mean_phase"]}
        low = [name for name, value in means.items() if value is not None and value < threshold]
        missing = all(value is None for value in means.values())
        status = "MISSING" if missing else f"LOW ({','.join(low)})" if low else "OK"
        rows.append([arm, *map(number, means.values()), status])
    heading = [
        ["## MS-SSIM Sanity Check"],
        [f"_Threshold: mean amplitude/phase ≥ {threshold:.2f}_"],
    ]
    return [*heading, table(["Model", "Amplitude", "Phase", "Status"], rows)]


def aggregate_highlights(
    summary: Mapping[str, Any], delta: Mapping[str, Any], threshold: float
) -> str:
    """Return ``aggregate_highlights.txt``: the report in a few lines of plain text."""
    lines = [f"MS-SSIM (mean) threshold: {threshold:.2f}"]
    for arm in ARMS:
        found = summary["aggregate_metrics"][arm]["ms_ssim"]
        lines.append(
            f"{arm} amplitude/phase: {number(found['mean_amplitude'])} / {number(found['mean_phase'])}"
        )
    for metric, other, label in _delta_labels():
        found = delta["deltas"][other][metric]
        lines += ["", label.replace("Δ", "Deltas") + ":"]
        lines += [
            f"  {c.capitalize()} (mean): {number(found[c], metric, signed=True)}" for c in PARTS
        ]
    return "\n".join(lines) + "\n"


def metrics_digest(summary: Mapping[str, Any], delta: Mapping[str, Any], threshold: float) -> str:
    """Return ``metrics_digest.md``: whether all cells succeeded, and the numbers to look at first."""
    failed, total = summary["n_failed"], summary["n_jobs"]
    banner = ["**⚠️ FAILURES PRESENT ⚠️**" if failed else "**✓ ALL COMPARISONS SUCCESSFUL ✓**"]
    reasons = [
        f"- {model} in {cell}: {reason}"
        for model in model_order(summary["jobs"])
        for cell, reason in summary["arms"][model]["failures"].items()
    ]
    if failed:
        banner += ["", f"{failed} of {total} comparison job(s) failed"]
    counts = [
        f"- Total: {total}",
        f"- Successful: {summary['n_success']}",
        f"- Failed: {failed}",
        *reasons,
    ]
    highlights = aggregate_highlights(summary, delta, threshold).rstrip("\n")
    return document(
        ["# Phase G Dense Metrics Digest"],
        banner,
        ["## Pipeline Summary"],
        counts,
        [_conditions(summary)],
        *_sanity_blocks(summary, threshold),
        ["## Highlights"],
        ["```text", highlights, "```"],
        *_delta_blocks(delta),
    )
