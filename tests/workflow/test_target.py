"""Who asks for the verdict has the whole study: what is missing, damaged or failed is noticed for every such target."""

import json
import os
import shutil

import pytest

from conftest import Workflow

REPORT = "analysis/verification_report.json"
TARGETS = [REPORT, "post_verify", "all"]
END = {"summarize": 1, "grid": 1, "figures": 1, "insight": 1, "check": 1}
END |= {"inventory": 1, "verify": 1, "page": 1, "gate": 1}
CELL = "dose_1000/dense/test"
SHARD = f"data/inference/{CELL}/PtychoPINN/shard_1-of-2.npz"
COMPARED = {"speed": 1} | END
SUMMARIZED = {key: END[key] for key in ("inventory", "verify", "page", "gate")}
# A file of each kind, and the jobs that make it and what follows from it.
KINDS = {
    "data/base/reference.npz": {
        "truth": 1,
        "simulate": 2,
        "overlap": 4,
        "manifest": 1,
        "train_pinn": 4,
        "train_baseline": 2,
        "reconstruct": 8,
        "maximise": 8,
        "infer": 32,
        "stitch": 24,
        "compare": 8,
        "picture": 8,
    }
    | COMPARED,
    "data/phase_c/dose_1000/patched_test.npz": {"simulate": 1, "manifest": 1, "train_pinn": 2, "train_baseline": 1}
    | {"reconstruct": 4, "maximise": 4, "infer": 16, "stitch": 12, "compare": 4, "picture": 4}
    | COMPARED,
    "data/phase_d/dense/dense_test.npz": {"overlap": 1, "manifest": 1, "reconstruct": 2, "maximise": 2}
    | {"infer": 8, "stitch": 6, "compare": 2, "picture": 2}
    | COMPARED,
    "data/phase_c/run_manifest.json": {"manifest": 1} | END,
    "data/phase_e/dose_1000/dense/gs2/wts.h5.zip": {
        "train_pinn": 1,
        "infer": 4,
        "stitch": 4,
        "compare": 2,
        "picture": 2,
    }
    | COMPARED,
    "data/phase_e/dose_1000/baseline/gs1/history.csv": {
        "train_baseline": 1,
        "infer": 8,
        "stitch": 4,
        "compare": 4,
        "picture": 4,
    }
    | COMPARED,
    f"data/phase_f/{CELL}/manifest.json": {"reconstruct": 1, "compare": 1, "picture": 1} | COMPARED,
    f"data/phase_f/{CELL}/tv.npz": {"maximise": 1, "compare": 1, "picture": 1} | COMPARED,
    SHARD: {"infer": 1, "stitch": 2, "compare": 1, "picture": 1} | COMPARED,
    f"data/inference/{CELL}/Untrained.npz": {"stitch": 1, "compare": 1, "picture": 1} | COMPARED,
    f"analysis/{CELL}/comparison_metrics.csv": {"compare": 1, "picture": 1} | COMPARED,
    f"analysis/{CELL}/comparison_plot.png": {"picture": 1} | SUMMARIZED,
    "analysis/metrics_digest.md": END,
    "analysis/dose_curves.png": {"figures": 1} | SUMMARIZED,
    "analysis/scan.png": {"insight": 1} | SUMMARIZED,
    "analysis/artifact_inventory.txt": SUMMARIZED,
    REPORT: {"verify": 1, "page": 1, "gate": 1},
}


@pytest.fixture
def copied(finished, tmp_path):
    """Return the finished study in a private hub, with every time as it was."""
    hub = tmp_path / "hub"
    shutil.copytree(finished.hub, hub, symlinks=True)
    return Workflow(finished.source, hub, finished.config)


def test_a_copy_has_nothing_to_do(copied):
    assert copied.jobs() == {}


@pytest.mark.parametrize("name", KINDS)
def test_a_deleted_file_of_any_kind_is_missed(copied, name):
    (copied.hub / name).unlink()
    assert copied.jobs(REPORT) == KINDS[name]


@pytest.mark.parametrize("target", ["post_verify", "all", f"./{REPORT}", "analysis/verified.txt"])
def test_every_target_that_means_the_verdict_misses_the_same(copied, target):
    for name in (SHARD, "data/phase_f/dose_100000/dense/test/ptychi_reconstruction.npz", "analysis/dose_curves.png"):
        (copied.hub / name).unlink()
    assert copied.jobs(target) == {"infer": 1, "stitch": 2, "reconstruct": 1, "compare": 2, "picture": 2} | COMPARED


def test_what_is_missing_is_made_and_nothing_else(copied):
    before = {path: path.stat().st_mtime_ns for path in (copied.hub / "data").rglob("*.npz")}
    text = (copied.hub / REPORT).read_bytes()
    (copied.hub / SHARD).unlink()
    done = copied.snakemake(REPORT)
    assert done.returncode == 0, done.stdout[-3000:]
    again = {path for path, time in before.items() if path.stat().st_mtime_ns != time}
    cell = copied.hub / "data/inference" / CELL
    assert again == {copied.hub / SHARD, cell / "PtychoPINN.npz", cell / "Untrained.npz"}
    assert (copied.hub / REPORT).read_bytes() == text


@pytest.mark.parametrize("target", TARGETS)
def test_an_unsound_study_ends_with_an_error_and_keeps_its_report(copied, tmp_path, target):
    study = tmp_path / "study.yaml"
    study.write_text(copied.config.read_text() + "verify: {min_coverage: 1.0, max_shift_px: 0.001}\n")
    unsound = Workflow(copied.source, copied.hub, study)
    for _ in range(2):  # asked again, it must not be content with the report that is there
        done = unsound.snakemake("--", target)
        assert done.returncode == 1, done.stdout[-3000:]
        report = json.loads((copied.hub / REPORT).read_text())
        assert report["all_valid"] is False and report["n_invalid"] == 2
        assert "2 of " in done.stdout and "checks failed" in done.stdout
        assert not (copied.hub / "analysis" / "verified.txt").exists()
        notes = list((copied.hub / "red").glob("blocked_*.md"))
        assert any("\n## gate\n" in note.read_text() for note in notes)


def test_a_target_before_the_verdict_stays_what_it_is(copied):
    for name in (SHARD, "data/phase_d/dense/dense_test.npz"):
        (copied.hub / name).unlink()
    assert copied.jobs("data/phase_d/dense/dense_test.npz") == {"overlap": 1}


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["data/phase_c/dose_1000/patched_test.npz", SHARD, "analysis/metrics_summary.json"])
@pytest.mark.parametrize("age_s", [0, 86400], ids=["same time", "older"])
def test_a_damaged_file_is_named_though_its_time_says_nothing(copied, name, age_s):
    path = copied.hub / name
    time = path.stat().st_mtime_ns - age_s * 10**9
    flip(path)
    os.utime(path, ns=(time, time))
    done = copied.snakemake("-n", REPORT)
    assert done.returncode == 1, done.stdout
    assert f"ptychostudy: {name}: damaged or replaced since it was written" in done.stdout


def test_another_study_s_file_is_named(copied):
    """Whole, of the right kind, with the old time of the one it replaces."""
    one, other = (copied.hub / "data/phase_f" / CELL.replace("test", split) for split in ("test", "train"))
    one, other = one / "ptychi_reconstruction.npz", other / "ptychi_reconstruction.npz"
    time = one.stat().st_mtime_ns
    shutil.copyfile(other, one)
    os.utime(one, ns=(time, time))
    done = copied.snakemake(REPORT)
    assert done.returncode == 1 and f"{one.relative_to(copied.hub)}: damaged or replaced" in done.stdout
