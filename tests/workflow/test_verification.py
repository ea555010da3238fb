"""Each check of the verification catches what it is there for, and nothing else fails with it.

A test copies the finished study's files, breaks one artifact, runs the verification and compares the set of failed
checks with the checks that depend on that artifact. The inventory's hashes depend on every listed file.
"""

import json
import shutil

import numpy as np
import pytest

from ptychostudy.checks.check import perform
from ptychostudy.checks.verification import CHECKS
from ptychostudy.io.arrays import member_names, read_metadata, read_npz, write_npz
from ptychostudy.io.records import write_json
from ptychostudy.measure.phase import phase_pair
from ptychostudy.study.hub import Hub
from ptychostudy.study.settings import read_study
from ptychostudy.study.stage_settings import stage_settings

CELL = "analysis/dose_100000/dense/test"
INVENTORY = "artifact inventory with sha256"
DESCRIPTIONS = [check.description for check in CHECKS]


@pytest.fixture
def broken(finished, tmp_path):
    """Return a private copy of the finished study and a function that runs all checks on it."""
    hub = tmp_path / "hub"
    for name in ("data", "analysis"):
        shutil.copytree(finished.hub / name, hub / name)

    def failed():
        study = Hub(hub, stage_settings(read_study(finished.config), "verify"))
        found = [perform(check, study) for check in CHECKS]
        return {check["description"] for check in found if check["valid"] is False}

    return hub, failed


def edit_json(path, change):
    value = json.loads(path.read_text())
    change(value)
    write_json(path, value)


def edit_npz(path, change):
    arrays = read_npz(path)
    metadata = read_metadata(path) if "_metadata" in member_names(path) else None
    change(arrays)
    write_npz(path, arrays, metadata)


def edit_text(path, change):
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))


def test_undisturbed_study_has_no_failed_check(broken):
    assert broken[1]() == set()


def test_a_shard_in_the_place_of_another_is_named(broken):
    hub, failed = broken
    one, other = sorted((hub / CELL.replace("analysis", "data/inference") / "Baseline").glob("shard_*.npz"))
    assert one.read_bytes() != other.read_bytes()
    one.write_bytes(other.read_bytes())
    assert failed() == {INVENTORY}


def test_every_check_has_a_case():
    """A check without a test that breaks it would be a check that nobody saw fail."""
    assert {case.values[0] for case in CASES} == set(DESCRIPTIONS)


def manifest(hub):
    edit_json(hub / "analysis/comparison_manifest.json", lambda v: v.update(n_success=v["n_success"] - 1, n_failed=1))


def summary(hub):
    edit_json(
        hub / "analysis/metrics_summary.json", lambda v: v["aggregate_metrics"]["PtyChi"]["mae"].update(mean_phase=0.5)
    )


def text(name, old, new):
    return lambda hub: edit_text(hub / "analysis" / name, lambda t: t.replace(old, new, 1))


def compliance(hub):
    path = hub / "data/phase_c/dose_1000/patched_test.npz"
    metadata = read_metadata(path)
    metadata["data_transformations"] = []
    write_npz(path, read_npz(path), metadata)


def delta(hub):
    edit_json(hub / "analysis/metrics_delta_summary.json", lambda v: v["deltas"]["vs_PtyChi"]["mae"].update(phase=9.0))


def training(hub):
    path = hub / "data/phase_e/dose_1000/baseline/gs1/training.json"
    edit_json(path, lambda v: v.update(status="failed", reason="collapsed: phase constant in epoch 1"))


def recount(hub):
    def halve(arrays):
        arrays["counts"] = arrays["counts"] // 2

    edit_npz(hub / "data/phase_c/dose_1000/patched_train.npz", halve)


def same_dose(hub):
    folder = hub / "data/phase_c"
    for split in ("train", "test"):
        low, high = (folder / f"dose_{dose}" / f"patched_{split}.npz" for dose in (1000, 100000))
        counts = read_npz(low, ["counts"])["counts"]
        edit_npz(high, lambda arrays, counts=counts: arrays.update(counts=counts))


def positions(hub):
    def move(arrays):
        arrays["xcoords"] = arrays["xcoords"] + 1.0

    edit_npz(hub / "data/phase_d/dense/dense_test.npz", move)


def leak(hub):
    """Move one training frame of the first dose, and its copies in the views, into the test half."""
    test = read_npz(hub / "data/phase_c/dose_1000/patched_test.npz", ["ycoords", "xcoords"])

    def move(arrays):
        arrays["ycoords"][0], arrays["xcoords"][0] = test["ycoords"][0] + 0.25, test["xcoords"][0] + 0.25

    edit_npz(hub / "data/phase_c/dose_1000/patched_train.npz", move)


def metric(hub):
    path = hub / CELL / "comparison_metrics.csv"
    lines = path.read_text().splitlines()
    row = next(k for k, line in enumerate(lines) if line.startswith("PtychoPINN,mse"))
    model, name, amplitude, phase, value = lines[row].split(",")
    lines[row] = ",".join((model, name, f"{float(amplitude) * 1.001:.9g}", phase, value))
    path.write_text("\n".join(lines) + "\n")


def phase_error(hub):
    """Change the number on which it rests whether an arm is useful."""
    edit_json(hub / CELL / "status.json", lambda v: v["arms"]["PtychoPINN"].update(rms_phase_rad=0.01))


def flat_arm(hub):
    def flatten(arrays):
        arrays["Baseline"] = np.where(arrays["mask"], 0.7, 0.7).astype(np.complex64)

    edit_npz(hub / CELL / "reconstructions_aligned.npz", flatten)


def ramp_of_the_truth(hub):
    """Give an arm the amplitude of the truth, and only the plane of its phase: the most that alignment hands over."""

    def follow(arrays):
        truth, mask = arrays["truth"], arrays["mask"]
        rows, cols = np.indices(mask.shape)
        plane = np.stack([np.ones(mask.sum()), rows[mask], cols[mask]], axis=1)
        level, down, right = np.linalg.lstsq(plane, phase_pair(truth, truth, mask)[1][mask])[0]
        arrays["Baseline"] = (np.abs(truth) * np.exp(1j * (level + down * rows + right * cols))).astype(np.complex64)

    edit_npz(hub / CELL / "reconstructions_aligned.npz", follow)


def hole(hub):
    def punch(arrays):
        rows, cols = np.nonzero(arrays["mask"])
        arrays["PtychoPINN"][rows[0], cols[0]] = 0

    edit_npz(hub / CELL / "reconstructions.npz", punch)


def shifted(hub):
    edit_json(hub / CELL / "status.json", lambda v: v["arms"]["PtyChi"].update(shift_px=[3.2, 0.0]))


def swapped_bundle(hub):
    folder = hub / "data/phase_e/dose_1000"
    shutil.copy2(folder / "dense/gs2/wts.h5.zip", folder / "sparse/gs2/wts.h5.zip")


def swapped_product(hub):
    folder = hub / "data/phase_f/dose_1000/dense"
    shutil.copy2(folder / "train/ptychi_reconstruction.npz", folder / "test/ptychi_reconstruction.npz")


def stale(hub):
    edit_npz(hub / "data/inference/dose_1000/dense/test/Baseline.npz", lambda arrays: arrays["coverage"].__imul__(2))


SUMMARY, DELTA = "Phase G metrics summary equals the cells", "differences equal the summary"
HIGHLIGHTS, GRID = "highlights and preview equal the differences", "SSIM grid summary, phase only"
SHOWN = {"aggregate highlights", "metrics digest", HIGHLIGHTS, GRID}
METRICS = "metrics recomputed from the aligned fields"
RECOUNTED, OVERLAP = "doses recounted from the counts", "overlap recomputed from coordinates"
CASES = [
    pytest.param("Phase G comparison manifest", manifest, set(), id="manifest"),
    pytest.param(SUMMARY, summary, {"metrics summary text"}, id="summary"),
    pytest.param("metrics summary text", text("metrics_summary.md", "0.", "1."), set(), id="summary text"),
    pytest.param("aggregate highlights", text("aggregate_highlights.txt", "0.", "1."), set(), id="aggregate"),
    pytest.param("metrics digest", text("metrics_digest.md", "## Key Deltas", "## Other Deltas"), set(), id="digest"),
    pytest.param("Phase C metadata compliance", compliance, {SUMMARY}, id="compliance"),
    pytest.param(DELTA, delta, SHOWN, id="delta"),
    pytest.param(
        HIGHLIGHTS,
        text("metrics_delta_highlights_preview.txt", "MS-SSIM", "amplitude"),
        set(),
        id="preview",
    ),
    pytest.param(
        GRID,
        text("ssim_grid_summary.md", "(phase-only)", "(amplitude)"),
        {HIGHLIGHTS},
        id="grid",
    ),
    pytest.param("run records: trainings, reconstructions, comparisons", training, set(), id="training record"),
    pytest.param(INVENTORY, stale, set(), id="stale artifact"),
    pytest.param(RECOUNTED, recount, {"counts differ between doses as the doses do"}, id="dose"),
    pytest.param("counts differ between doses as the doses do", same_dose, {RECOUNTED}, id="dose ratio"),
    pytest.param(OVERLAP, positions, set(), id="positions"),
    pytest.param("training and test share no illuminated pixel", leak, {OVERLAP}, id="leak"),
    pytest.param(METRICS, metric, {SUMMARY}, id="metric"),
    pytest.param(METRICS, phase_error, {SUMMARY}, id="phase error"),
    pytest.param("every arm finite and not constant", flat_arm, {METRICS}, id="flat arm"),
    pytest.param(METRICS, ramp_of_the_truth, set(), id="ramp of the truth"),
    pytest.param("coverage of the scanned hull", hole, set(), id="hole"),
    pytest.param("registration shifts are small", shifted, {SUMMARY}, id="shift"),
    pytest.param("bundles are those that training recorded", swapped_bundle, set(), id="bundle"),
    pytest.param("iterative reconstructions are those in their manifests", swapped_product, set(), id="product"),
]


@pytest.mark.parametrize(("check", "damage", "dependent"), CASES)
def test_broken_artifact_fails_its_check_and_what_depends_on_it(broken, check, damage, dependent):
    hub, failed = broken
    damage(hub)
    assert failed() == {check, INVENTORY} | dependent


@pytest.mark.parametrize(
    "name",
    [
        "analysis/metrics_digest.md",
        f"{CELL}/reconstructions_aligned.npz",
        "data/phase_e/dose_1000/dense/gs2/wts.h5.zip",
    ],
)
def test_missing_and_truncated_files_are_named(broken, name):
    # Undisturbed the study has no failed check, as the first test holds.
    hub, failed = broken
    data = (hub / name).read_bytes()
    (hub / name).write_bytes(data[: len(data) // 2])
    truncated = failed()
    (hub / name).unlink()
    assert INVENTORY in truncated
    assert INVENTORY in failed()
