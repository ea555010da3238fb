"""Texts of a study, rendered from its summary: every number in one format, everywhere the same."""

from collections.abc import Mapping
from typing import Any

from ptychostudy.report.aggregate_tables import (
    conditions,
    delta_blocks,
    low_text,
    mean_blocks,
    overview_table,
    sanity_blocks,
)
from ptychostudy.report.cell_tables import cell_blocks, zero_blocks
from ptychostudy.report.cells import Summary, arms_in, model_order, truth_name
from ptychostudy.report.deltas import DELTAS, Delta
from ptychostudy.report.hybrid import hybrid_blocks
from ptychostudy.report.markdown import document, number, table
from ptychostudy.report.seed_tables import seed_blocks
from ptychostudy.report.verdict_texts import useful_blocks
from ptychostudy.study import layout
from ptychostudy.study.names import PARTS

_JOBS = "Jobs: {n_jobs}, successful {n_success}, failed {n_failed}."
_AGGREGATE = "Summary statistics across all jobs per model. A failed arm enters no mean. "
_OVERVIEW = "MS-SSIM: mean and best, MAE: mean, phase in rad; over all cells, train and test. "
_PHASE = "Phase G is the comparison of all arms and controls with the truth, cell by cell."
_RAN = "A comparison is successful if every arm came to an end; how good it is, is another matter. "
_ALL_GOOD = "**✓ ALL COMPARISONS SUCCESSFUL ✓**"
_FAILURES = "**⚠️ FAILURES PRESENT ⚠️**"
_FAILED = "{n_failed} of {n_jobs} comparison job(s) failed"
_COMPLIANCE = ("has_metadata", "has_canonical_transform", "compliant")
_COMPLIANCE_HEADER = ("Dose", "Split", "File", "Metadata", "Canonical", "Compliant", "Error")


def metrics_summary(summary: Summary) -> str:
    """Return ``metrics_summary.md``: means per model, every cell, provenance, definitions."""
    return document(
        ["# Phase G Metrics Summary"],
        [_PHASE],
        [_JOBS.format_map(summary)],
        ["## Aggregate Metrics"],
        [_AGGREGATE + conditions(summary)],
        *mean_blocks(summary),
        *useful_blocks(summary, numbers=True),
        *hybrid_blocks(summary),
        *seed_blocks(summary),
        *cell_blocks(summary),
        *_compliance_blocks(summary["phase_c_metadata_compliance"]),
        *zero_blocks(summary),
    )


def _compliance_blocks(compliance: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    rows = [
        _compliance_row(dose, split, record)
        for dose, records in sorted(compliance.items())
        for split, record in sorted(records.items())
    ]
    return [
        ["## Phase C Metadata Compliance"],
        ["Validation of Phase C NPZ files"],
        table(_COMPLIANCE_HEADER, rows),
    ]


def _compliance_row(dose: str, split: str, record: Mapping[str, Any]) -> list[str]:
    name = record["npz_path"].rsplit("/", 1)[-1]
    marks = ["✓" if record[key] else "✗" for key in _COMPLIANCE]
    return [dose, split, name, *marks, record.get("error", "")]


def aggregate_report(summary: Summary, delta: Mapping[str, Any], threshold: float) -> str:
    """Return ``aggregate_report.md``: means, differences, and the MS-SSIM sanity check."""
    return document(
        ["# Aggregate Comparison Report"],
        [f"Rendered from `{layout.SUMMARY}`. Scored against: {truth_name(summary)}."],
        [_OVERVIEW + conditions(summary)],
        ["## Aggregate Metrics"],
        overview_table(summary),
        *delta_blocks(delta),
        *useful_blocks(summary),
        *sanity_blocks(summary, threshold),
        *seed_blocks(summary),
    )


def aggregate_highlights(summary: Summary, delta: Mapping[str, Any], threshold: float) -> str:
    """Return ``aggregate_highlights.txt``: the report in a few lines of plain text."""
    lines = [f"MS-SSIM (mean) threshold: {threshold:.2f}"]
    for arm in arms_in(summary["jobs"]):
        means = summary["aggregate_metrics"][arm]["ms_ssim"]
        amplitude, phase = (number(means[f"mean_{column}"]) for column in PARTS)
        lines.append(f"{arm} amplitude/phase: {amplitude} / {phase}")
    for one in DELTAS:
        lines += _highlight_lines(one, one.of(delta["deltas"]))
    return "\n".join(lines) + "\n"


def _highlight_lines(delta: Delta, entry: Mapping[str, Any]) -> list[str]:
    heading = delta.label.replace("Δ", "Deltas") + ":"
    texts = [f"  {column.capitalize()} (mean): {delta.text(entry[column])}" for column in PARTS]
    return ["", heading, *texts]


def metrics_digest(summary: Summary, delta: Mapping[str, Any], threshold: float) -> str:
    """Return ``metrics_digest.md``: whether all cells succeeded, and what to look at first."""
    return document(
        ["# Phase G Dense Metrics Digest"],
        [_PHASE],
        _banner(summary),
        [_RAN + low_text(summary, threshold)],
        ["## Pipeline Summary"],
        _pipeline_lines(summary),
        [conditions(summary)],
        *sanity_blocks(summary, threshold),
        *delta_blocks(delta),
    )


def _banner(summary: Summary) -> list[str]:
    if not summary["n_failed"]:
        return [_ALL_GOOD]
    return [_FAILURES, "", _FAILED.format_map(summary)]


def _pipeline_lines(summary: Summary) -> list[str]:
    counts = [
        f"- Total: {summary['n_jobs']}",
        f"- Successful: {summary['n_success']}",
        f"- Failed: {summary['n_failed']}",
    ]
    models = model_order(summary["jobs"])
    # A control may fail in a cell that counts as successful; its reason is told all the same.
    reasons = [
        f"- {model} in {cell}: {reason}"
        for model in models
        for cell, reason in summary["arms"][model]["failures"].items()
    ]
    return [*counts, *reasons]
