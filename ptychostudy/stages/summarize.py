"""Stage summarize: one JSON from all cells, and every text rendered from it."""

import re
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
    summary = cells.summarize(
        _jobs(status, tables),
        cells.collect_compliance(map(_judge, scans)),
        seed=first,
        replicates=replicates,
        design=settings["design"],
        trained_on=settings["trained_on"],
    )
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


def _jobs(status: list[Path], tables: list[Path]) -> list[dict[str, Any]]:
    if sorted(path.parent for path in status) != sorted(path.parent for path in tables):
        raise io.DataError(
            f"status and tables are in different folders ({len(status)} and {len(tables)}); needed: pairs"
        )
    found = {path.parent: io.read_csv(path, COLUMNS) for path in tables}
    return [cells.make_job(io.read_json(path, ["arms"]), found[path.parent]) for path in status]


def _replicates(seeds: list[int], status: list[Path], tables: list[Path]) -> dict[int, list[dict[str, Any]]]:
    """Return the jobs of every further seed, which its path names."""
    named = {path: _seed(path) for path in (*status, *tables)}
    if set(named.values()) != set(seeds):
        raise io.DataError(
            f"files of the seeds {sorted(set(named.values()))} are given beside the first seed's, "
            f"settings name {sorted(seeds)}; needed: the same"
        )
    return {
        seed: _jobs(*([path for path in paths if named[path] == seed] for paths in (status, tables))) for seed in seeds
    }


def _seed(path: Path) -> int:
    found = re.search(r"seeds/seed_([0-9]+)/", path.as_posix())
    if found is None:
        raise io.DataError(f"{path}: names no seed; needed: a path with seeds/seed_K/")
    return int(found.group(1))


def _judge(path: Path) -> dict[str, Any]:
    try:
        return cells.judge_metadata(path.as_posix(), io.read_metadata(path))
    except io.DataError as error:
        return cells.judge_metadata(path.as_posix(), None, str(error))
