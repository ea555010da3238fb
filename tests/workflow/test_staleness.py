"""What a change makes stale, proved by the job lists of dry runs on a finished study."""

import os
import re

import pytest

AFTER_COMPARE = {
    "compare": 8,
    "picture": 8,
    "speed": 1,
    "summarize": 1,
    "grid": 1,
    "figures": 1,
    "insight": 1,
    "check": 1,
    "inventory": 1,
    "verify": 1,
    "page": 1,
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
    path = finished.source / "ptychostudy" / "measure" / "metrics.py"
    edited(path, lambda text: text + "\n\ndef _new_metric():\n    return 0.0\n")
    assert finished.jobs() == AFTER_COMPARE


EDIT = "\n\ndef _added():\n    return 0.0\n"
TEXTS = {key: count for key, count in AFTER_COMPARE.items() if key not in ("compare", "picture")}
AFTER_SUMMARIZE = {key: count for key, count in TEXTS.items() if key != "speed"}
LAST = {"inventory": 1, "verify": 1, "page": 1, "gate": 1}
DRAWN = {"picture": 8, "grid": 1, "figures": 1, "insight": 1, "check": 1, **LAST}


@pytest.mark.parametrize(
    ("module", "jobs"),
    [
        ("formats/picture", {}),
        ("intake/user", {}),
        ("formats/ptychodus", {}),
        ("runs/progress", {}),
        ("runs/blockers", {}),
        ("figures/style", DRAWN),
        ("figures/fields", {"picture": 8, **LAST}),
        ("figures/histories", {"insight": 1, **LAST}),
        ("io/text", TEXTS),
        ("report/tables", AFTER_SUMMARIZE),
        ("checks/metrics", {"verify": 1, "page": 1, "gate": 1}),
        ("measure/ssim", AFTER_COMPARE),
    ],
)
def test_an_edit_reruns_what_uses_it(finished, edited, module, jobs):
    edited(finished.source / "ptychostudy" / f"{module}.py", lambda text: text + EDIT)
    assert finished.jobs() == jobs


def test_comment_docstring_and_layout(finished, edited):
    path = finished.source / "ptychostudy" / "physics" / "propagate.py"
    edited(path, lambda text: "# a comment\n" + re.sub('"""Forward model', '"""The forward model', text) + "\n\n")
    assert finished.jobs() == {}


def test_training_key_reruns_one_network_and_what_follows(finished, edited):
    edited(finished.config, lambda text: text.replace("    epochs: 3\n", "    epochs: 3\n    patience: 4\n"))
    found = finished.jobs()
    assert found == AFTER_COMPARE | {"train_pinn": 4, "infer": 16, "stitch": 16}, "its canvases and the control's"


def test_baseline_key_redoes_nothing_of_the_other_network(finished, edited):
    edited(finished.config, lambda text: text.replace("    epochs: 6\n", "    epochs: 6\n    patience: 4\n"))
    assert finished.jobs() == AFTER_COMPARE | {"train_baseline": 2, "infer": 16, "stitch": 8}
    done = finished.snakemake("-n")
    made = re.findall(r"output: data/inference/\w+/\w+/\w+/(\w+)(?:\.npz|/shard_)", done.stdout)
    assert len(made) == 24 and set(made) == {"Baseline"}


@pytest.mark.parametrize(
    "section",
    [
        "infer:\n  batch_size: 5\n",
        "reconstruct:\n  batch_size: 5\n",
        "reference:\n  epochs: 5\n",
        "base:\n  npz:\n    axes: NHW\n",
        "study: other\n",
    ],
)
def test_key_that_changes_no_result_reruns_nothing(finished, tmp_path, section):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(section)
    assert finished.jobs("--configfile", str(finished.config), str(overlay)) == {}


def test_batch_size_reaches_the_jobs_of_every_seed(finished, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("infer:\n  batch_size: 5\nseeds: [0, 7]\n")
    target = "data/inference/dose_1000/dense/test/Baseline/shard_1-of-2.npz"
    arguments = ["--configfile", str(finished.config), str(overlay), "--forcerun", target]
    done = finished.snakemake("-n", "-p", *arguments, "--", target, f"seeds/seed_7/{target}")
    assert done.returncode == 0, done.stdout
    assert re.findall(r"--batch-size (\d+)", done.stdout) == ["5", "5"], done.stdout


def test_edit_of_the_iterative_solver_leaves_a_simulated_truth_alone(finished, edited):
    edited(finished.source / "ptychostudy" / "iterative" / "solver.py", lambda text: text + "\n\nUNUSED = 0\n")
    assert finished.jobs() == AFTER_COMPARE | {"reconstruct": 8}


def test_how_the_likelihood_is_maximised_is_nothing_to_networks_of_groups(finished, edited):
    edited(finished.config, lambda text: text + "maximise:\n  iterations: 9\n")
    assert finished.jobs() == AFTER_COMPARE | {"maximise": 8}


def test_truth_or_reference_by_the_kind_of_frames(finished):
    assert finished.jobs("--forcerun", "data/base/reference.npz")["truth"] == 1
    measured = ["--config", "base={kind: siemens_star, frames: measured}"]
    found = finished.jobs("--forceall", *measured, "--", "data/base/reference.npz")
    assert found == {"fetch": 1, "base": 1, "reference": 1}


def test_more_shards_are_one_set_for_every_seed(finished):
    found = finished.jobs("--set-scatter", "shards=3", "--config", "seeds=[0,7]")
    first = {name: count for name, count in found.items() if not name.startswith("seed_7_")}
    assert first == AFTER_COMPARE | {"infer": 48, "stitch": 24}
    assert (found["seed_7_infer"], found["seed_7_stitch"]) == (48, 24)


def test_new_dose_adds_its_own_nodes(finished, edited):
    edited(finished.config, lambda text: text + "simulate:\n  doses: [1000, 10000, 100000]\n")
    found = finished.jobs()
    assert found.pop("simulate") == 1
    assert found.pop("manifest") == 1
    assert found.pop("train_pinn") == 2
    assert found.pop("train_baseline") == 1
    assert found.pop("reconstruct") == 4
    assert found.pop("maximise") == 4
    assert found.pop("infer") == 16
    assert found.pop("stitch") == 12
    assert found == AFTER_COMPARE | {"compare": 4, "picture": 4}


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
        assert finished.jobs() == AFTER_COMPARE | {"reconstruct": 1, "compare": 1, "picture": 1}
    finally:
        aside.rename(path)


@pytest.mark.parametrize(("network", "canvases"), [("PtychoPINN", 2), ("Baseline", 1)])
def test_deleting_one_shard_rebuilds_that_shard_and_what_follows(finished, network, canvases):
    folder = finished.hub / "data" / "inference" / "dose_1000" / "dense" / "test" / network
    path, aside = folder / "shard_1-of-2.npz", finished.hub / "aside"
    path.rename(aside)
    try:
        assert finished.jobs() == AFTER_COMPARE | {"infer": 1, "stitch": canvases, "compare": 1, "picture": 1}
    finally:
        aside.rename(path)


def test_post_verify_rebuilds_only_the_end(finished):
    found = finished.jobs("post_verify", "--forcerun", "grid", "check", "inventory", "verify")
    assert set(found) == {"grid", "check", "inventory", "verify", "page", "gate"}


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


def test_another_start_adds_an_arm_and_redoes_no_other(finished, tmp_path):
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("reconstruct:\n  start: Baseline\n")
    jobs = finished.jobs("--configfile", str(finished.config), str(overlay))
    assert jobs == AFTER_COMPARE | {"hybrid": 8}
