"""Artifact checks: tables and texts exist, are complete, and say what their source says."""

import math
from pathlib import PurePosixPath
from typing import Any

from ptychostudy.checks.check import Check
from ptychostudy.io.arrays import read_metadata
from ptychostudy.io.atomic import DataError, check_sums, sha256_of
from ptychostudy.io.records import read_json
from ptychostudy.io.tables import read_csv
from ptychostudy.io.text import read_text
from ptychostudy.report import delta_texts, summary, tables
from ptychostudy.report.cell_records import make_cell
from ptychostudy.report.compliance import collect_compliance, judge_metadata
from ptychostudy.report.deltas import make_delta
from ptychostudy.study.layout import Hub
from ptychostudy.study.names import ARMS, HISTORY_COLUMNS, METRIC_COLUMNS, SPLITS


def _json(hub: Hub, name: str, keys: list[str]) -> Any:
    return read_json(hub.root / "analysis" / name, keys)


def _jobs(hub: Hub) -> list[dict[str, Any]]:
    """Read the cells of one seed."""
    return [
        make_cell(
            read_json(folder / "status.json", ["arms"]),
            read_csv(folder / "comparison_metrics.csv", METRIC_COLUMNS),
        )
        for folder in (hub.analysis(*cell) for cell in hub.cells())
    ]


def rebuilt(hub: Hub) -> dict[str, Any]:
    """Build the summary again from the cells' own files, of all seeds."""
    compliance = []
    for dose in hub.doses:
        for split in SPLITS:
            path = hub.scan(dose, split)
            name = path.relative_to(hub.root).as_posix()
            compliance.append(judge_metadata(name, read_metadata(path)))
    first, *others = hub.settings["seeds"]
    return summary.summarize(
        _jobs(hub),
        collect_compliance(compliance),
        seed=first,
        replicates=dict(zip(others, map(_jobs, hub.repetitions()), strict=True)),
        design=hub.settings["design"],
        trained_on=hub.settings["trained_on"],
    )


def manifest(hub: Hub) -> list[str]:
    """Compare the counts of the comparison manifest with the cells."""
    found = _json(
        hub,
        "comparison_manifest.json",
        ["n_jobs", "n_executed", "n_success", "n_failed", "execution_results"],
    )
    wanted, problems = len(list(hub.cells())), []
    if found["n_jobs"] != wanted or len(found["execution_results"]) != wanted:
        problems.append(
            f"n_jobs is {found['n_jobs']} with {len(found['execution_results'])} results, needed {wanted}"
        )
    if (
        found["n_success"] + found["n_failed"] != found["n_executed"]
        or found["n_executed"] != wanted
    ):
        problems.append(
            f"n_success {found['n_success']} + n_failed {found['n_failed']} is not n_executed {found['n_executed']}"
        )
    if found["n_failed"]:
        problems.append(f"{found['n_failed']} of {wanted} comparisons failed")
    return problems


def summary_json(hub: Hub) -> list[str]:
    """Rebuild the summary from the cells and compare."""
    found = _json(
        hub,
        "metrics_summary.json",
        ["n_jobs", "n_success", "n_failed", "aggregate_metrics", "phase_c_metadata_compliance"],
    )
    return differences(found, rebuilt(hub), "metrics_summary.json")


def differences(found: Any, wanted: Any, where: str) -> list[str]:
    """Say where two JSON values differ; numbers may differ by 1e-6 relative."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = sorted(set(found) | set(wanted))
        absent = [
            f"{where}.{key} is {'missing' if key not in found else 'unexpected'}"
            for key in keys
            if (key in found) != (key in wanted)
        ]
        return absent + [
            text
            for k in keys
            if k in found and k in wanted
            for text in differences(found[k], wanted[k], f"{where}.{k}")
        ]
    if isinstance(wanted, list) and isinstance(found, list):
        if len(found) != len(wanted):
            return [f"{where} has {len(found)} entries, recomputed {len(wanted)}"]
        return [
            text
            for k, (a, b) in enumerate(zip(found, wanted, strict=True))
            for text in differences(a, b, f"{where}[{k}]")
        ]
    numbers = (
        isinstance(found, int | float)
        and isinstance(wanted, int | float)
        and not isinstance(wanted, bool)
    )
    same = math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-9) if numbers else found == wanted
    return [] if same else [f"{where} is {found!r}, recomputed {wanted!r}"]


def _rendered(name: str, render: Any) -> Any:
    """Return a check that a text file equals its rendering from the JSON source."""

    def check(hub: Hub) -> list[str]:
        summary = _json(hub, "metrics_summary.json", ["jobs"])
        delta = _json(hub, "metrics_delta_summary.json", ["deltas"])
        text = read_text(hub.root / "analysis" / name)
        wanted = render(summary, delta, hub.settings["ms_ssim_threshold"])
        if text == wanted:
            return []
        pairs = zip(text.splitlines(), wanted.splitlines(), strict=False)
        line = next((k for k, (a, b) in enumerate(pairs, start=1) if a != b), "its end")
        return [
            f"analysis/{name} differs from its source at line {line}"
            if text
            else f"analysis/{name} is empty"
        ]

    return check


def compliance(hub: Hub) -> list[str]:
    """Judge the metadata of every simulated file."""
    problems = []
    for dose in hub.doses:
        for split in SPLITS:
            path = hub.scan(dose, split)
            found = judge_metadata(path.as_posix(), read_metadata(path))
            if not found["compliant"]:
                problems.append(
                    f"{path.relative_to(hub.root)}: {found.get('error', 'canonical transformation missing')}"
                )
    return problems


def delta_json(hub: Hub) -> list[str]:
    """Rebuild the differences from the summary and compare."""
    found = _json(hub, "metrics_delta_summary.json", ["deltas", "source_metrics"])
    return differences(
        found,
        make_delta(_json(hub, "metrics_summary.json", ["jobs"])),
        "metrics_delta_summary.json",
    )


def highlights(hub: Hub) -> list[str]:
    """Compare highlights, preview and grid with the differences."""
    folder = hub.root / "analysis"
    names = (
        "metrics_delta_highlights.txt",
        "metrics_delta_highlights_preview.txt",
        "ssim_grid_summary.md",
    )
    numbers = _json(hub, "metrics_delta_summary.json", ["deltas"])
    return delta_texts.check_highlights(numbers, *(read_text(folder / name) for name in names))


def grid(hub: Hub) -> list[str]:
    """Check that the grid summary is phase only and equals its rendering."""
    text = read_text(hub.root / "analysis" / "ssim_grid_summary.md")
    wanted = delta_texts.ssim_grid_summary(_json(hub, "metrics_delta_summary.json", ["deltas"]))
    problems = (
        ["the word amplitude occurs in ssim_grid_summary.md"] if "amplitude" in text.lower() else []
    )
    return problems + (
        [] if text == wanted else ["analysis/ssim_grid_summary.md differs from its source"]
    )


def records(hub: Hub) -> list[str]:
    """Check the run's own records: trainings, reconstructions, comparisons."""
    problems = []
    for bundle in hub.bundles():
        found = read_json(
            bundle.with_name("training.json"), ["status", "reason", "epochs_completed"]
        )
        rows = read_csv(bundle.with_name("history.csv"), HISTORY_COLUMNS)
        if found["status"] != "ok":
            problems.append(
                f"{bundle.parent.relative_to(hub.root)}: training failed: {found['reason']}"
            )
        if len(rows) != found["epochs_completed"]:
            problems.append(
                f"{bundle.parent.relative_to(hub.root)}: {len(rows)} epochs in history.csv, "
                f"{found['epochs_completed']} recorded"
            )
    for dose, view, split in hub.cells():
        path = hub.root / "data" / "phase_f" / f"dose_{dose}" / view / split / "manifest.json"
        found = read_json(path, ["status", "reason", "loss", "converged"])
        if found["status"] != "ok":
            problems.append(f"{path.relative_to(hub.root)}: {found['reason']}")
        status = read_json(hub.analysis(dose, view, split) / "status.json", ["status", "arms"])
        problems += [
            f"dose_{dose}/{view}/{split}: {arm} {status['arms'].get(arm, {}).get('reason', 'is missing')}"
            for arm in ARMS
            if status["arms"].get(arm, {}).get("status") != "ok"
        ]
    return problems


SHARDS = "data/inference/*/*/*/*/shard_*-of-*.npz"


def inventory(hub: Hub) -> list[str]:
    """Check that every listed file is relative, exists and has its recorded sha256, and so has every shard."""
    lines = read_text(hub.root / "analysis" / "artifact_inventory.txt").splitlines()
    found = _json(hub, "artifact_inventory.json", ["files"])["files"]
    problems = (
        []
        if sorted(found) == lines
        else ["artifact_inventory.txt and artifact_inventory.json list different files"]
    )
    for line in lines:
        if PurePosixPath(line).is_absolute() or "\\" in line or ".." in line:
            problems.append(f"{line!r} is not a hub-relative POSIX path")
        elif not (hub.root / line).is_file():
            problems.append(f"{line}: does not exist")
        elif (
            "sha256" in found.get(line, {}) and sha256_of(hub.root / line) != found[line]["sha256"]
        ):
            problems.append(
                f"{line}: its sha256 is not the recorded one; the file changed after the run"
            )
    # How many shards there are says how a study was computed, not what it is: they are not listed.
    for path in sorted(
        path for folder in ("", "seeds/*/") for path in hub.root.glob(folder + SHARDS)
    ):
        try:
            check_sums([path])
        except DataError as error:
            problems.append(str(error))
    return problems


CHECKS = (
    Check("analysis/comparison_manifest.json", "Phase G comparison manifest", manifest),
    Check(
        "analysis/metrics_summary.json", "Phase G metrics summary equals the cells", summary_json
    ),
    Check(
        "analysis/metrics_summary.md",
        "metrics summary text",
        _rendered(
            "metrics_summary.md", lambda summary, delta, threshold: tables.metrics_summary(summary)
        ),
    ),
    Check(
        "analysis/aggregate_highlights.txt",
        "aggregate highlights",
        _rendered("aggregate_highlights.txt", tables.aggregate_highlights),
    ),
    Check(
        "analysis/metrics_digest.md",
        "metrics digest",
        _rendered("metrics_digest.md", tables.metrics_digest),
    ),
    Check("data/phase_c", "Phase C metadata compliance", compliance),
    Check("analysis/metrics_delta_summary.json", "differences equal the summary", delta_json),
    Check(
        "analysis/metrics_delta_highlights.txt",
        "highlights and preview equal the differences",
        highlights,
    ),
    Check("analysis/ssim_grid_summary.md", "SSIM grid summary, phase only", grid),
    Check("data", "run records: trainings, reconstructions, comparisons", records),
    Check("analysis/artifact_inventory.txt", "artifact inventory with sha256", inventory),
)
