"""Options of a study through Snakemake, all in one run: fixed fluence, a wrong probe, one network for all doses, labels
from a reconstruction."""

import json

import numpy as np
import pytest

from conftest import copy_workflow
from ptychostudy.formats.bundle import read_bundle

OPTIONS = {
    "train:\n": "train:\n  doses: all\n",
    "  baseline:\n": "  baseline:\n    labels: reconstruction\n",
    "  shards: 2\n": "  shards: 1\n",
    "study: tiny\n": "simulate: {design: fixed_fluence, wrong_probe: {blur_px: 0.3, shift_px: [0.5, -0.25]}}\n",
}
PAIRS = {(10000, "dense"), (20000, "sparse")}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    workflow = copy_workflow(tmp_path_factory.mktemp("options"))
    text = workflow.config.read_text()
    for line, more in OPTIONS.items():
        assert text.count(line) == 1
        text = text.replace(line, more)
    workflow.config.write_text(text)
    done = workflow.snakemake("--config", "doses=[10000]")
    assert done.returncode == 0, done.stdout[-6000:]
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
