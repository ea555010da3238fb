"""An arm that failed keeps its reason and rows without a number, enters no mean, and fails the verification by name."""

import json
import shutil
import subprocess
import sys

import pytest

from ptychostudy.checks.check import perform
from ptychostudy.checks.verification import CHECKS
from ptychostudy.formats.bundle import read_bundle, write_bundle
from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.io.tables import read_csv
from ptychostudy.report.cell_records import make_cell
from ptychostudy.stages import compare, stitch, summarize
from ptychostudy.study import layout
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import ARMS, CONTROLS, METRIC_COLUMNS
from ptychostudy.study.settings import read_study
from ptychostudy.study.stage_settings import encode, stage_settings

CELL = "dose_100000/dense/test"
NAMES = {"pinn": "PtychoPINN", "baseline": "Baseline", "untrained": "Untrained"}
SOLVED = {"ptychi": "ptychi_reconstruction", "tv": "tv", "physics": "physics_only"}


@pytest.fixture(scope="module")
def failed(finished, tmp_path_factory):
    """Return a copy of the finished study whose Baseline of one dose collapsed, carried through to the summary."""
    hub = tmp_path_factory.mktemp("failed") / "hub"
    for name in ("data", "analysis"):
        shutil.copytree(finished.hub / name, hub / name)
    study = read_study(finished.config)
    path = hub / "data/phase_e/dose_100000/baseline/gs1/wts.h5.zip"
    bundle = read_bundle(path)
    outcome = {"status": "failed", "reason": "collapsed: phase constant in epoch 1", "statistics": {"phase_std": 0.0}}
    bundle["provenance"]["outcome"] = outcome
    write_bundle(path, **bundle)
    inference, scan = hub / "data/inference" / CELL, hub / "data/phase_c/dose_100000/patched_test.npz"
    parts = [inference / "Baseline" / f"shard_{k}-of-2.npz" for k in (1, 2)]
    for k, part in enumerate(parts, start=1):
        command = [
            sys.executable,
            "-m",
            "ptychostudy",
            "infer",
            "--settings",
            encode(stage_settings(study, "infer")),
        ]
        command += ["--arm", "Baseline", "--bundle", str(path), "--scan", str(scan)]
        command += ["--view", str(hub / "data/phase_d/dense/dense_test.npz")]
        command += ["--shard", f"{k}-of-2", "--output", str(part)]
        subprocess.run(command, check=True, capture_output=True)
    arms = {key: inference / f"{name}.npz" for key, name in NAMES.items()}
    view = hub / "data/phase_d/dense/dense_test.npz"
    how = stage_settings(study, "stitch")
    stitch.run(how, arm="Baseline", shards=parts, scan=scan, view=view, output=arms["baseline"])
    out = hub / "analysis" / CELL
    compare.run(
        stage_settings(study, "compare"),
        **arms,
        **{key: hub / f"data/phase_f/{CELL}/{name}.npz" for key, name in SOLVED.items()},
        scan=scan,
        overlap=hub / "data/phase_d/dense/dense_test.npz",
        dose=100000,
        view="dense",
        split="test",
        raw=out / "reconstructions.npz",
        aligned=out / "reconstructions_aligned.npz",
        metrics=out / "comparison_metrics.csv",
        curves=out / "frc_curves.csv",
        status=out / "status.json",
    )
    analysis = hub / "analysis"
    summarize.run(
        stage_settings(study, "summarize"),
        status=[hub / name for name in layout.listed(study) if name.endswith("/status.json")],
        tables=[hub / name for name in layout.listed(study) if name.endswith("/comparison_metrics.csv")],
        scans=[hub / name for name in layout.listed(study) if "/phase_c/dose_" in name],
        manifest=analysis / "comparison_manifest.json",
        summary_json=analysis / "metrics_summary.json",
        summary_md=analysis / "metrics_summary.md",
        delta_json=analysis / "metrics_delta_summary.json",
        highlights=analysis / "metrics_delta_highlights.txt",
        preview=analysis / "metrics_delta_highlights_preview.txt",
        report_md=analysis / "aggregate_report.md",
        report_highlights=analysis / "aggregate_highlights.txt",
        digest_md=analysis / "metrics_digest.md",
    )
    return hub, study


def test_status_names_the_reason(failed):
    status = json.loads((failed[0] / "analysis" / CELL / "status.json").read_text())
    assert status["status"] == "failed"
    assert status["arms"]["Baseline"]["status"] == "failed"
    assert "collapsed" in status["arms"]["Baseline"]["reason"]
    assert status["arms"]["PtychoPINN"]["status"] == "ok"


def test_its_statistics_come_with_it(failed):
    """What the training recorded of itself, not only that nothing was placed on the canvas."""
    status = json.loads((failed[0] / "analysis" / CELL / "status.json").read_text())
    assert status["arms"]["Baseline"]["statistics"] == {"covered_px": 0, "nonzero_px": 0, "phase_std": 0.0}


def test_where_every_arm_failed_the_controls_are_scored_and_the_study_goes_on(failed, tmp_path):
    hub, study = failed
    paths = {key: hub / f"data/inference/{CELL}/{name}.npz" for key, name in NAMES.items()}
    paths |= {key: hub / f"data/phase_f/{CELL}/{name}.npz" for key, name in SOLVED.items()}
    for key, path in paths.items():
        paths[key] = tmp_path / f"{key}.npz"
        write_npz(paths[key], read_npz(path), read_metadata(path) | {"status": "failed", "reason": "collapsed"})
    outputs = {"raw": "r.npz", "aligned": "a.npz", "metrics": "m.csv", "curves": "c.csv", "status": "s.json"}
    compare.run(
        stage_settings(study, "compare"),
        **paths,
        scan=hub / "data/phase_c/dose_100000/patched_test.npz",
        overlap=hub / "data/phase_d/dense/dense_test.npz",
        dose=100000,
        view="dense",
        split="test",
        **{key: tmp_path / name for key, name in outputs.items()},
    )
    job = make_cell(json.loads((tmp_path / "s.json").read_text()), read_csv(tmp_path / "m.csv", METRIC_COLUMNS))
    assert {row["model"] for row in job["metrics"]} == {"Flat"}
    assert (job["status"], job["coverage"]) == ("failed", 0.0), "nothing covers the hull"


def test_it_keeps_its_rows_without_a_number_and_no_cell_is_blank(failed):
    rows = (failed[0] / "analysis" / CELL / "comparison_metrics.csv").read_text().splitlines()
    cells = [row.split(",") for row in rows[1:]]
    assert all(all(row) for row in cells)
    kept = {model: [row[1] for row in cells if row[0] == model] for model in ("Baseline", "PtyChi")}
    assert kept["Baseline"] == kept["PtyChi"]
    assert {tuple(row[2:]) for row in cells if row[0] == "Baseline"} == {("n/a", "n/a", "n/a")}
    assert list(dict.fromkeys(row[0] for row in cells)) == [*ARMS, *CONTROLS]


def test_counts_and_means_leave_it_out(failed):
    manifest = json.loads((failed[0] / "analysis/comparison_manifest.json").read_text())
    assert (manifest["n_executed"], manifest["n_success"], manifest["n_failed"]) == (8, 7, 1)
    summary = json.loads((failed[0] / "analysis/metrics_summary.json").read_text())
    scores = [
        row["phase"]
        for job in summary["jobs"]
        for row in job["metrics"]
        if row["model"] == "Baseline" and row["metric"] == "ms_ssim"
    ]
    assert len(scores) == 7
    assert summary["aggregate_metrics"]["Baseline"]["ms_ssim"]["mean_phase"] == pytest.approx(sum(scores) / 7)


def test_verification_fails_and_says_why(failed):
    hub = Hub(failed[0], stage_settings(failed[1], "verify"))
    results = {check.description: perform(check, hub) for check in CHECKS}
    assert results["metrics recomputed from the aligned fields"]["valid"] is True
    found = results["run records: trainings, reconstructions, comparisons"]
    assert found["valid"] is False
    assert "Baseline" in found["error"] and "collapsed" in found["error"]
    assert results["Phase G comparison manifest"]["valid"] is False
