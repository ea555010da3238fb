"""Seeds through Snakemake: what a further seed computes, where it lies, and that the verification reads it."""

import json

import numpy as np
import pytest

from conftest import copy_workflow
from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.scan import open_scan
from ptychostudy.study.layout import FOLDERS

PART = ["--config", "doses=[100000]", "views=[dense]", "seeds=[0,1,2]"]
CELL = "dose_100000/dense/test"


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    workflow = copy_workflow(tmp_path_factory.mktemp("seeds"))
    # Shards are other tests' business, and each starts TensorFlow.
    workflow.config.write_text(workflow.config.read_text().replace("shards: 2", "shards: 1"))
    done = workflow.snakemake(*PART)
    assert done.returncode == 0, done.stdout[-6000:]
    return workflow


def read(hub, name):
    return json.loads((hub / "analysis" / name).read_text())


def test_every_seed_is_verified(repeated):
    report = read(repeated.hub, "verification_report.json")
    assert report["all_valid"] is True
    paths = [check["path"] for check in report["validations"]]
    assert {path.split("/")[1] for path in paths if path.startswith("seeds/")} == {"seed_1", "seed_2"}


def test_seeds_draw_other_photons_and_weights_on_the_same_scan(repeated):
    folders = [repeated.hub, repeated.hub / "seeds" / "seed_1", repeated.hub / "seeds" / "seed_2"]
    scans = [open_scan(folder / "data/phase_c/dose_100000/patched_test.npz") for folder in folders]
    for other in scans[1:]:
        assert np.array_equal(other.positions, scans[0].positions)
        assert np.array_equal(other.truth, scans[0].truth)
        assert not np.array_equal(np.asarray(other.counts), np.asarray(scans[0].counts))
    bundles = [read_bundle(folder / "data/phase_e/dose_100000/dense/gs2/wts.h5.zip") for folder in folders]
    name = next(iter(bundles[0]["weights"]))
    assert len({bundle["weights"][name].tobytes() for bundle in bundles}) == 3


def test_shared_files_are_not_computed_again(repeated):
    assert not (repeated.hub / "seeds" / "seed_1" / "data" / "base").exists()
    assert not (repeated.hub / "seeds" / "seed_1" / "data" / "phase_d").exists()


def test_archive_would_leave_nothing_of_it_behind(repeated):
    moved = [repeated.hub / folder for folder in FOLDERS]
    left = [path for path in repeated.hub.rglob("*") if path.is_file() and not set(moved) & set(path.parents)]
    assert {path.relative_to(repeated.hub).parts[0] for path in left} == {".snakemake"}


def test_summary_holds_one_value_a_seed_and_its_interval(repeated):
    summary = read(repeated.hub, "metrics_summary.json")
    text = (repeated.hub / "analysis" / "metrics_summary.md").read_text()
    assert summary["seeds"]["list"] == [0, 1, 2]
    assert "3 of 3" in text
    for cell in summary["seeds"]["cells"]:
        if cell["mean"] is None:
            continue
        values = list(cell["values"].values())
        assert cell["mean"] == pytest.approx(np.mean(values))
        assert cell["low"] <= cell["mean"] <= cell["high"]


def test_another_seed_costs_itself_and_the_reports(repeated):
    jobs = repeated.jobs(*PART[:-1], "seeds=[0,1,2,5]")
    own = {name for name in jobs if not name.startswith("seed_5_")}
    assert own == {"summarize", "figures", "insight", "grid", "check", "inventory", "verify", "page", "gate"}
    assert jobs["seed_5_train_pinn"] == 1


def test_a_changed_number_of_a_further_seed_fails_the_verification(repeated):
    table = repeated.hub / "seeds" / "seed_2" / "analysis" / CELL / "comparison_metrics.csv"
    text = table.read_text()
    line = next(line for line in text.splitlines() if line.startswith("PtychoPINN,ssim"))
    parts = line.split(",")
    parts[3] = str(float(parts[3]) + 0.01)
    table.write_text(text.replace(line, ",".join(parts)))
    try:
        done = repeated.snakemake(*PART)
        assert done.returncode != 0
    finally:
        table.write_text(text)
