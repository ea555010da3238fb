"""Stage summarize: one JSON from all cells, and every text rendered from it."""

from pathlib import Path
from typing import Any

from ptychostudy import io
from ptychostudy.core import summary as cells
from ptychostudy.core import tables as texts

COLUMNS = ["model", "metric", "amplitude", "phase", "value"]


def run(
    settings: dict[str, Any],
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
) -> None:
    """Collect the cells of a study; a failed arm is listed with its reason and enters no mean.

    Parameters
    ----------
    settings : dict
        Key ``ms_ssim_threshold``.
    status, tables : list of Path
        ``status.json`` and ``comparison_metrics.csv`` of each cell, one pair per folder.
    scans : list of Path
        ``dose_*/patched_{split}.npz``, whose metadata are judged.
    manifest, summary_json, summary_md, delta_json, highlights, preview, report_md, report_highlights, digest_md : Path
        Outputs: ``comparison_manifest.json``, ``metrics_summary.{json,md}``, ``metrics_delta_summary.json``,
        ``metrics_delta_highlights{,_preview}.txt``, ``aggregate_report.md``, ``aggregate_highlights.txt``,
        ``metrics_digest.md``.
    """
    if sorted(path.parent for path in status) != sorted(path.parent for path in tables):
        raise io.DataError(
            f"status and tables are in different folders ({len(status)} and {len(tables)}); needed: pairs"
        )
    found = {path.parent: io.read_csv(path, COLUMNS) for path in tables}
    jobs = [cells.make_job(io.read_json(path, ["arms"]), found[path.parent]) for path in status]
    summary = cells.summarize(jobs, cells.collect_compliance(map(_judge, scans)))
    delta, threshold = cells.make_delta(summary), settings["ms_ssim_threshold"]
    io.write_json(manifest, cells.make_manifest(summary))
    io.write_json(summary_json, summary)
    io.write_json(delta_json, delta)
    io.write_text(summary_md, texts.metrics_summary(summary))
    io.write_text(highlights, texts.delta_highlights(delta))
    io.write_text(preview, texts.delta_preview(delta))
    io.write_text(report_md, texts.aggregate_report(summary, delta, threshold))
    io.write_text(report_highlights, texts.aggregate_highlights(summary, delta, threshold))
    io.write_text(digest_md, texts.metrics_digest(summary, delta, threshold))


def _judge(path: Path) -> dict[str, Any]:
    try:
        return cells.judge_metadata(path.as_posix(), io.read_metadata(path))
    except io.DataError as error:
        return cells.judge_metadata(path.as_posix(), None, str(error))
