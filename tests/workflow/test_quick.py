"""The shipped quick study, run as a user runs it, reaches its quality floors."""

import csv
import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT, copy_workflow

PLAYWRIGHT = "playwright==1.65.2"
HIGH, LOW = "dose_100000", "dose_1000"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    workflow = copy_workflow(tmp_path_factory.mktemp("quick"), ROOT / "config" / "config.yaml")
    done = workflow.snakemake()
    assert done.returncode == 0, done.stdout[-6000:]
    return workflow


@pytest.fixture(scope="module")
def quick(study):
    return study.hub


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Return a function that opens a page in Chromium without a network, in a window of some width."""
    found = subprocess.run([ROOT / "tests" / "chromium_install.sh"], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(found.stderr.strip())
    folder = tmp_path_factory.mktemp("playwright")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), PLAYWRIGHT]
    installed = subprocess.run(command, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"{PLAYWRIGHT} cannot be installed here: {installed.stderr.strip()[-300:]}")

    def visit(page, width):
        script = [
            sys.executable,
            str(ROOT / "tests" / "page_in_browser.py"),
            found.stdout.strip(),
            str(page),
            str(width),
        ]
        environment = os.environ | {"PYTHONPATH": str(folder)}
        done = subprocess.run(script, capture_output=True, text=True, check=False, env=environment, timeout=120)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return visit


def table(hub, dose, view="dense", split="test"):
    path = hub / "analysis" / dose / view / split / "comparison_metrics.csv"
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert all(all(row.values()) for row in rows), "a blank cell"
    return {(row["model"], row["metric"]): (float(row["amplitude"]), float(row["phase"])) for row in rows}


def test_report_is_valid(quick):
    report = json.loads((quick / "analysis" / "verification_report.json").read_text())
    assert report["all_valid"] is True
    assert report["n_unchecked"] == 0
    assert report["n_valid"] == report["n_checks"] == 21


def test_iterative_arm(quick):
    assert table(quick, HIGH)["PtyChi", "ssim"][1] >= 0.85


def test_physics_informed_arm(quick):
    amplitude, phase = table(quick, HIGH)["PtychoPINN", "pearson"]
    assert amplitude >= 0.85
    assert phase >= 0.85


@pytest.mark.parametrize("control", ["Flat", "Untrained"])
def test_baseline_beats_the_controls_on_every_metric(quick, control):
    found = table(quick, HIGH)
    for metric in ("psnr", "pearson", "ssim", "ms_ssim", "frc_auc"):
        assert all(a > b for a, b in zip(found["Baseline", metric], found[control, metric], strict=True)), metric
    for metric in ("mae", "mse"):
        assert all(a < b for a, b in zip(found["Baseline", metric], found[control, metric], strict=True)), metric


@pytest.mark.parametrize("view", ["dense", "sparse"])
def test_learning_from_held_out_photons_beats_the_likelihood_and_its_prior(quick, view):
    """At few photons; at many there is nothing left to learn, and nothing is lost."""
    low, high = table(quick, LOW, view), table(quick, HIGH, view)
    for metric, sign in (("ssim", 1), ("mae", -1)):
        for rival in ("PhysicsOnly", "TV", "PtyChi"):
            assert sign * low["PtychoPINN", metric][1] > sign * low[rival, metric][1], (rival, metric)
        assert sign * high["PtychoPINN", metric][1] > sign * high["PhysicsOnly", metric][1]


@pytest.mark.parametrize("arm", ["PtychoPINN", "Baseline", "PtyChi", "TV"])
@pytest.mark.parametrize("view", ["dense", "sparse"])
def test_quality_falls_with_dose(quick, arm, view):
    high, low = table(quick, HIGH, view), table(quick, LOW, view)
    for metric in ("ssim", "pearson"):
        assert high[arm, metric][1] > low[arm, metric][1], metric
    assert high[arm, "mae"][1] < low[arm, "mae"][1]


def test_flat_object_scores_visibly_bad(quick):
    for dose in (HIGH, LOW):
        found = table(quick, dose)
        assert max(found["Flat", "ssim"]) < 0.1
        assert max(abs(v) for v in found["Flat", "pearson"]) < 0.1


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_shows_all_it_carries_in_a_browser_without_a_network(quick, browser, width):
    page = quick / "analysis" / "summary.html"
    assert page.stat().st_size <= 5_000_000
    told = browser(page, width)
    assert not told["console"] and not told["failed"]
    assert told["pictures"] >= 9 and not told["unseen"]
    assert not told["too_wide"]
    assert "The run is sound: all 21 checks passed." in told["first_screen"]
    by_speed = [float(text) for text in _column(told["tables"], "Frames/s")["once"]]
    # As texts 100 comes before 20.
    assert len(by_speed) == 4 and by_speed == sorted(by_speed)
    for table in told["tables"]:
        for column in table:
            assert sorted(column["once"]) == sorted(column["given"]) == sorted(column["twice"]), column["heading"]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_report_begins_with_the_answer_and_ends_with_the_rule_graph(study, browser, tmp_path, width):
    report = tmp_path / "report.html"
    done = study.snakemake("--report", str(report))
    assert done.returncode == 0, done.stdout
    assert report.stat().st_size <= 12_000_000
    told = browser(report, width)
    assert not told["failed"] and not told["too_wide"]
    assert "The run is sound: all 21 checks passed." in told["framed"]
    # A window is 800 pixels high.
    assert told["tops"]["answer"] < 200 and told["tops"]["rulegraph"] > 800


def _column(tables, heading):
    return next(column for table in tables for column in table if column["heading"] == heading)
