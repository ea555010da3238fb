"""Stage summarize: one JSON from all cells, and every text rendered from it."""

import re
from pathlib import Path
from typing import Any

from ptychostudy.io.arrays import read_metadata
from ptychostudy.io.atomic import DataError
from ptychostudy.io.records import read_json, write_json
from ptychostudy.io.tables import read_csv
from ptychostudy.io.text import write_text
from ptychostudy.report.summary import (
    collect_compliance,
    judge_metadata,
    make_delta,
    make_cell,
    make_comparison_manifest,
    summarize,
)
from ptychostudy.report.tables import (
    aggregate_highlights,
    aggregate_report,
    delta_highlights,
    delta_preview,
    metrics_digest,
    metrics_summary,
)
from ptychostudy.study.names import METRIC_COLUMNS


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
    replicate_status: list[Path] = [],  # noqa: B006 - read, never changed; the command line needs the type list
    replicate_tables: list[Path] = [],  # noqa: B006
) -> None:
    """Collect the cells of a study; a failed arm is listed with its reason and enters no mean.

    Parameters
    ----------
    settings : dict
        Keys ``ms_ssim_threshold``, ``seeds``, ``design`` and ``trained_on``.
    status, tables : list of Path
        ``status.json`` and ``comparison_metrics.csv`` of each cell, one pair per folder.
    replicate_status, replicate_tables : list of Path
        The same of every further seed k, under ``seeds/seed_{k}/``.
    scans : list of Path
        ``dose_*/patched_{split}.npz``, whose metadata are judged.
    manifest, summary_json, summary_md, delta_json, highlights, preview, report_md, report_highlights, digest_md : Path
        Outputs: ``comparison_manifest.json``, ``metrics_summary.{json,md}``, ``metrics_delta_summary.json``,
        ``metrics_delta_highlights{,_preview}.txt``, ``aggregate_report.md``, ``aggregate_highlights.txt``,
        ``metrics_digest.md``.
    """
    first, *others = settings["seeds"]
    replicates = _replicates(others, replicate_status, replicate_tables)
    summary = summarize(
        _jobs(status, tables),
        collect_compliance(map(_judge, scans)),
        seed=first,
        replicates=replicates,
        design=settings["design"],
        trained_on=settings["trained_on"],
    )
    delta, threshold = make_delta(summary), settings["ms_ssim_threshold"]
    write_json(manifest, make_comparison_manifest(summary))
    write_json(summary_json, summary)
    write_json(delta_json, delta)
    write_text(summary_md, metrics_summary(summary))
    write_text(highlights, delta_highlights(delta))
    write_text(preview, delta_preview(delta))
    write_text(report_md, aggregate_report(summary, delta, threshold))
    write_text(report_highlights, aggregate_highlights(summary, delta, threshold))
    write_text(digest_md, metrics_digest(summary, delta, threshold))


def _jobs(status: list[Path], tables: list[Path]) -> list[dict[str, Any]]:
    if sorted(path.parent for path in status) != sorted(path.parent for path in tables):
        raise DataError(
            f"status and tables are in different folders ({len(status)} and {len(tables)}); needed: pairs"
        )
    found = {path.parent: read_csv(path, METRIC_COLUMNS) for path in tables}
    return [make_cell(read_json(path, ["arms"]), found[path.parent]) for path in status]


def _replicates(
    seeds: list[int], status: list[Path], tables: list[Path]
) -> dict[int, list[dict[str, Any]]]:
    """Return the jobs of every further seed, which its path names."""
    named = {path: _seed(path) for path in (*status, *tables)}
    if set(named.values()) != set(seeds):
        raise DataError(
            f"files of the seeds {sorted(set(named.values()))} are given beside the first seed's, "
            f"settings name {sorted(seeds)}; needed: the same"
        )
    return {
        seed: _jobs(
            *([path for path in paths if named[path] == seed] for paths in (status, tables))
        )
        for seed in seeds
    }


def _seed(path: Path) -> int:
    found = re.search(r"seeds/seed_([0-9]+)/", path.as_posix())
    if found is None:
        raise DataError(f"{path}: names no seed; needed: a path with seeds/seed_K/")
    return int(found.group(1))


def _judge(path: Path) -> dict[str, Any]:
    try:
        return judge_metadata(path.as_posix(), read_metadata(path))
    except DataError as error:
        return judge_metadata(path.as_posix(), None, str(error))
