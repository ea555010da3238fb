"""Stage summarize: one JSON from all cells, and every text rendered from it."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptychostudy.io.arrays import read_metadata
from ptychostudy.io.atomic import DataError
from ptychostudy.io.records import read_json, write_json
from ptychostudy.io.tables import read_csv
from ptychostudy.io.text import write_text
from ptychostudy.report.cell_files import file_pairs, file_pairs_by_seed, frames_name
from ptychostudy.report.cell_records import make_cell
from ptychostudy.report.compliance import collect_compliance, judge_metadata
from ptychostudy.report.delta_texts import delta_highlights, delta_preview
from ptychostudy.report.deltas import make_delta
from ptychostudy.report.summary import make_comparison_manifest, summarize
from ptychostudy.report.tables import (
    aggregate_highlights,
    aggregate_report,
    metrics_digest,
    metrics_summary,
)
from ptychostudy.study.names import METRIC_COLUMNS

if TYPE_CHECKING:
    from ptychostudy.study.sections.summarize import ReportSettings


def run(
    settings: "ReportSettings",
    *,
    status: list[Path],
    tables: list[Path],
    scans: list[Path],
    manifest: Path,
    summary_json: Path,
    summary_md: Path,
    delta_json: Path,
    highlights: Path,
    preview: Path,
    report_md: Path,
    report_highlights: Path,
    digest_md: Path,
    # Read, never changed; the command line needs a list.
    replicate_status: list[Path] = [],  # noqa: B006
    replicate_tables: list[Path] = [],  # noqa: B006
) -> None:
    """Collect the cells of a study; a failed arm is listed with its reason and enters no mean.

    Parameters
    ----------
    settings : ReportSettings
        Keys ``ms_ssim_threshold``, ``seeds``, ``design`` and ``trained_on``.
    status, tables : list of Path
        ``status.json`` and ``comparison_metrics.csv`` of each cell, one pair per folder.
    replicate_status, replicate_tables : list of Path
        The same of every further seed k, under ``seeds/seed_{k}/``.
    scans : list of Path
        ``dose_*/patched_{split}.npz``, whose metadata are judged.
    manifest, summary_json, summary_md, delta_json, highlights, preview : Path
        Outputs: ``comparison_manifest.json``, ``metrics_summary.{json,md}``,
        ``metrics_delta_summary.json``, ``metrics_delta_highlights{,_preview}.txt``.
    report_md, report_highlights, digest_md : Path
        Outputs: ``aggregate_report.md``, ``aggregate_highlights.txt``, ``metrics_digest.md``.
    """
    # Means and texts are those of the first seed; the others tell how far they can be trusted.
    first, *others = settings.seeds
    repeated = file_pairs_by_seed(others, replicate_status, replicate_tables)
    summary = summarize(
        _cells(file_pairs(status, tables)),
        collect_compliance(map(_judged, scans)),
        seed=first,
        replicates={seed: _cells(pairs) for seed, pairs in repeated.items()},
        design=settings.design,
        trained_on=settings.trained_on,
    )
    delta = make_delta(summary)
    threshold = settings.ms_ssim_threshold
    write_json(manifest, make_comparison_manifest(summary))
    write_json(summary_json, summary)
    write_json(delta_json, delta)
    write_text(summary_md, metrics_summary(summary))
    write_text(highlights, delta_highlights(delta))
    write_text(preview, delta_preview(delta))
    write_text(report_md, aggregate_report(summary, delta, threshold))
    write_text(report_highlights, aggregate_highlights(summary, delta, threshold))
    write_text(digest_md, metrics_digest(summary, delta, threshold))


def _cells(pairs: Iterable[tuple[Path, Path]]) -> list[dict[str, Any]]:
    cells = []
    for status_file, table_file in pairs:
        record = read_json(status_file, ["arms"])
        rows = read_csv(table_file, METRIC_COLUMNS)
        cells.append(make_cell(record, rows))
    return cells


def _judged(scan_file: Path) -> dict[str, Any]:
    name = frames_name(scan_file)
    try:
        return judge_metadata(name, read_metadata(scan_file))
    except DataError as error:
        # A scan that cannot be read is a finding about it, told in the summary.
        return judge_metadata(name, None, str(error))
