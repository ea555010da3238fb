"""Options of a study through Snakemake, all in one run: fixed fluence, a wrong probe, one network for all doses, labels
from a reconstruction, and a solver that starts from a network's canvas."""

import json
import shutil

import numpy as np
import pytest

from conftest import copy_workflow
from ptychostudy.checks import hybrid
from ptychostudy.formats.arm_product import read_arm_product
from ptychostudy.formats.bundle import read_bundle
from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.io.tables import read_csv
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import ARMS, CONTROLS, METRIC_COLUMNS
from ptychostudy.study.settings import read_study
from ptychostudy.study.stage_settings import stage_settings

OPTIONS = {
    "train:\n": "train:\n  doses: all\n",
    "  baseline:\n": "  baseline:\n    labels: reconstruction\n",
    "  shards: 2\n": "  shards: 1\n",
    "reconstruct:\n": "reconstruct:\n  start: PtychoPINN\n",
    "study: tiny\n": "simulate: {design: fixed_fluence, wrong_probe: {blur_px: 0.3, shift_px: [0.5, -0.25]}}\n",
}
PAIRS = {(10000, "dense"), (20000, "sparse")}


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    workflow = copy_workflow(tmp_path_factory.mktemp("options"))
    text = workflow.config.read_text()
    for line, more in OPTIONS.items():
        assert text.count(line) == 1
        text = text.replace(line, more)
    workflow.config.write_text(text)
    done = workflow.snakemake("--config", "doses=[10000]")
    assert done.returncode == 0, done.stdout[-6000:]
    return workflow


@pytest.fixture(scope="module")
def study(workflow):
    return workflow.hub


def statuses(hub):
    return [json.loads(path.read_text()) for path in sorted((hub / "analysis").glob("dose_*/*/*/status.json"))]


def test_every_check_holds(study):
    assert json.loads((study / "analysis" / "verification_report.json").read_text())["all_valid"] is True


def test_views_of_a_dose_have_the_same_photons_on_a_pixel(study):
    found = statuses(study)
    assert {(job["dose"], job["view"]) for job in found} == PAIRS
    for split in ("train", "test"):
        n = {(job["dose"], job["view"]): job["photons_per_pixel"] for job in found if job["split"] == split}
        # n counts frames per pixel of the scanned area, which a random half of them covers a little less of.
        assert n[10000, "dense"] == pytest.approx(n[20000, "sparse"], rel=0.1)


def test_one_network_serves_every_dose(study):
    assert {path.name for path in (study / "data" / "phase_e").iterdir()} == {"dose_all"}
    bundle = read_bundle(study / "data/phase_e/dose_all/dense/gs2/wts.h5.zip")
    assert set(bundle["normalization"]) == {"10000", "20000"}


def test_arms_are_given_the_wrong_probe_and_every_table_says_so(study):
    with np.load(study / "data/phase_c/dose_10000/patched_test.npz", allow_pickle=False) as scan:
        given, true = scan["probeGuess"], scan["probeTrue"]
    assert np.linalg.norm(given - true) > 0.05 * np.linalg.norm(true)
    assert np.linalg.norm(given) == pytest.approx(np.linalg.norm(true), rel=1e-5)
    assert all("wrong probe" in " ".join(job["conditions"]) for job in statuses(study))
    assert "wrong probe: blur_px 0.3, shift_px [0.5, -0.25]" in (study / "analysis/metrics_summary.md").read_text()


HYBRID, PTYCHI = "hybrid.npz", "ptychi_reconstruction.npz"
CELLS = [f"dose_{dose}/{view}/{split}" for dose, view in sorted(PAIRS) for split in ("test", "train")]


def test_hybrid_is_an_arm_of_every_cell_and_starts_from_its_canvas(study):
    for cell in CELLS:
        rows = [row["model"] for row in read_csv(study / "analysis" / cell / "comparison_metrics.csv", METRIC_COLUMNS)]
        assert list(dict.fromkeys(rows)) == [*ARMS, "Hybrid", *CONTROLS]
        product, flat = (read_arm_product(study / "data/phase_f" / cell / name) for name in (HYBRID, PTYCHI))
        assert product.origin == flat.origin and np.array_equal(product.coverage, flat.coverage)
        assert not np.array_equal(product.field, flat.field)
        arms = json.loads((study / "analysis" / cell / "status.json").read_text())["arms"]
        assert arms["Hybrid"]["status"] == "ok" and arms["Hybrid"]["covered"] == 1
        # As the solver that it is.
        assert arms["Hybrid"]["registered"] == arms["PtyChi"]["registered"] is True
        started = arms["Hybrid"]["start"]
        assert (started["arm"], started["epochs"]) == ("PtychoPINN", 12)
        losses = [read_npz(study / "data/phase_f" / cell / name, ["loss"])["loss"] for name in (HYBRID, PTYCHI)]
        reached = np.flatnonzero(losses[0] <= losses[1][-1])
        assert started["reached"] == (reached[0] + 1 if reached.size else None)


def test_hybrid_is_told_everywhere(study):
    analysis = study / "analysis"
    for name in ("metrics_summary.md", "aggregate_report.md", "aggregate_highlights.txt", "speed.md", "summary.html"):
        assert "Hybrid" in (analysis / name).read_text(), name
    text = (analysis / "metrics_summary.md").read_text()
    table = text.split("## Epochs Saved By A Start")[1].split("##")[0]
    assert table.count("| PtychoPINN | 12 |") == len(CELLS)
    assert "final loss" in (analysis / "summary.html").read_text()
    report = json.loads((analysis / "verification_report.json").read_text())
    assert [check["valid"] for check in report["validations"] if check["description"].startswith("Hybrid")] == [True]
    inventory = json.loads((analysis / "artifact_inventory.json").read_text())["files"]
    for cell in CELLS:
        assert "sha256" in inventory[f"data/phase_f/{cell}/hybrid.npz"]
        assert inventory[f"data/phase_f/{cell}/hybrid.json"] == {"volatile": True}


def test_its_time_is_that_of_the_network_and_of_the_solver(study):
    for job in json.loads((study / "analysis" / "speed.json").read_text())["jobs"]:
        cell = f"dose_{job['dose']}/{job['view']}/{job['split']}"
        solver = json.loads((study / "data/phase_f" / cell / "hybrid.json").read_text())["wall_time_s"]
        seconds = {arm: speed["seconds"] for arm, speed in job["arms"].items()}
        assert seconds["Hybrid"] == pytest.approx(seconds["PtychoPINN"] + solver)


def test_hybrid_is_exported_with_the_other_arms(workflow):
    target = "products/dose_10000/dense/test/Hybrid.h5"
    more = ("--config", "doses=[10000]")
    assert workflow.jobs(*more, "--", "export_all")["export"] == len(CELLS) * (len(ARMS) + 1)
    done = workflow.snakemake(*more, "--", target)
    assert done.returncode == 0 and (workflow.hub / target).is_file(), done.stdout[-2000:]


def another_canvas(cell):
    path = cell("data/inference") / "PtychoPINN.npz"
    write_npz(path, read_npz(path), read_metadata(path) | {"note": "made again"})


def another_loss(cell):
    path = cell("data/phase_f") / HYBRID
    write_npz(path, read_npz(path) | {"loss": np.full(12, -1e9)}, read_metadata(path))


def another_status(cell):
    path = cell("analysis") / "status.json"
    record = json.loads(path.read_text())
    record["arms"]["Hybrid"]["start"]["reached"] = 99
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (another_canvas, ["starts from another canvas of PtychoPINN than the one that is there"]),
        (another_loss, ["is not the product that its record names", "reached is "]),
        (another_status, ["start is "]),
    ],
)
def test_a_damaged_hybrid_is_named(workflow, tmp_path, damage, said):
    for name in ("data/phase_f", "data/inference", "analysis"):
        shutil.copytree(workflow.hub / name, tmp_path / name)
    settings = read_study(workflow.config).model_copy(update={"doses": [10000]})
    hub = Hub(tmp_path, stage_settings(settings, "verify"))
    assert hybrid.starts(hub) == []
    damage(lambda folder: tmp_path / folder / CELLS[0])
    problems = hybrid.starts(hub)
    assert len(problems) == len(said)
    for problem, words in zip(problems, said, strict=True):
        assert problem.startswith(f"{CELLS[0]}: Hybrid {words}")
