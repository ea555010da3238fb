"""What a change makes stale, proved by the job lists of dry runs on a finished study."""

import os
import re

import pytest

AFTER_COMPARE = {
    "compare": 8,
    "summarize": 1,
    "grid": 1,
    "figures": 1,
    "check": 1,
    "inventory": 1,
    "verify": 1,
    "gate": 1,
}


@pytest.fixture
def edited(finished):
    """Give files back as they were after the test."""
    kept = {}

    def edit(path, change):
        text, times = path.read_text(), path.stat()
        kept.setdefault(path, (text, times))
        assert change(text) != text, f"the edit did not change {path}"
        path.write_text(change(text))
        return times

    yield edit
    for path, (text, times) in kept.items():
        path.write_text(text)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_touching_nothing_reruns_nothing(finished):
    assert finished.jobs() == {}


def test_compare_key(finished, edited):
    edited(finished.config, lambda text: text + "compare:\n  ms_ssim_sigma: 1.5\n")
    assert finished.jobs() == AFTER_COMPARE


def test_function_in_metrics(finished, edited):
    path = finished.source / "ptychostudy" / "core" / "metrics.py"
    edited(path, lambda text: text + "\n\ndef _new_metric():\n    return 0.0\n")
    assert finished.jobs() == AFTER_COMPARE


def test_comment_docstring_and_layout(finished, edited):
    path = finished.source / "ptychostudy" / "core" / "propagate.py"
    edited(path, lambda text: "# a comment\n" + re.sub('"""Forward model', '"""The forward model', text) + "\n\n")
    assert finished.jobs() == {}


def test_training_key_reruns_one_network_and_what_follows(finished, edited):
    edited(
        finished.config, lambda text: text.replace("  pinn:\n    epochs: ", "  pinn:\n    patience: 4\n    epochs: ")
    )
    found = finished.jobs()
    assert found.pop("train_pinn") == 4
    assert found.pop("infer") == 16
    assert found.pop("stitch") == 8
    assert found == AFTER_COMPARE


def test_new_dose_adds_its_own_nodes(finished, edited):
    edited(finished.config, lambda text: text + "simulate:\n  doses: [1000, 10000, 100000]\n")
    found = finished.jobs()
    assert found.pop("simulate") == 1
    assert found.pop("manifest") == 1
    assert found.pop("train_pinn") == 2
    assert found.pop("train_baseline") == 1
    assert found.pop("reconstruct") == 4
    assert found.pop("infer") == 8
    assert found.pop("stitch") == 4
    assert found == AFTER_COMPARE | {"compare": 4}


def test_new_view_adds_its_own_nodes(finished, edited):
    edited(finished.config, lambda text: text.replace("  views:\n", "  views:\n    medium:\n      s_img: 0.7\n"))
    found = finished.jobs()
    assert found["overlap"] == 2
    assert found["compare"] == 4
    assert found["train_pinn"] == 2
    assert "train_baseline" not in found
    assert "simulate" not in found


def test_overlap_key_of_one_view(finished, edited):
    edited(finished.config, lambda text: text.replace("s_img: 0.5", "s_img: 0.45"))
    found = finished.jobs()
    assert found["overlap"] == 2
    assert found["train_pinn"] == 2
    assert found["reconstruct"] == 4
    assert "train_baseline" not in found


@pytest.mark.parametrize("kept", ["data/phase_f/dose_1000/dense/test/ptychi_reconstruction.npz"])
def test_deleting_a_file_rebuilds_it_and_what_follows(finished, kept):
    path, aside = finished.hub / kept, finished.hub / "aside"
    path.rename(aside)
    try:
        assert finished.jobs() == AFTER_COMPARE | {"reconstruct": 1, "compare": 1}
    finally:
        aside.rename(path)


def test_deleting_one_shard_rebuilds_that_shard_and_what_follows(finished):
    folder = finished.hub / "data" / "inference" / "dose_1000" / "dense" / "test"
    path, aside = folder / "shard_1-of-2.npz", finished.hub / "aside"
    path.rename(aside)
    try:
        assert finished.jobs() == AFTER_COMPARE | {"infer": 1, "stitch": 1, "compare": 1}
    finally:
        aside.rename(path)


def test_post_verify_rebuilds_only_the_end(finished):
    found = finished.jobs("post_verify", "--forcerun", "grid", "check", "inventory", "verify")
    assert set(found) == {"grid", "check", "inventory", "verify"}


@pytest.mark.parametrize("name", ["verified.txt", "verification_report.json", "check_dense_highlights.log"])
def test_a_damaged_result_that_no_stage_reads_is_named_by_a_dry_run(finished, edited, name):
    path = finished.hub / "analysis" / name
    times = edited(path, lambda text: text[: len(text) // 2])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    done = finished.snakemake("-n")
    said = done.stdout.splitlines()[-1]
    assert done.returncode == 1, done.stdout
    assert said.startswith(f"ptychostudy: analysis/{name}: damaged or replaced since it was written"), done.stdout
    assert "delete it, so that it is made anew" in said
