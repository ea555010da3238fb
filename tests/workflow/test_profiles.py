"""Profiles and rules agree, and a machine runs as many GPU jobs at a time as it has GPUs."""

import json
import os
import re

import pytest
import yaml

from conftest import ROOT, copy_workflow

RULES = {
    match[1]: match[2]
    for path in sorted((ROOT / "rules").glob("*.smk"))
    for match in re.finditer(
        r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
}
SLURM = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.v9+.yaml").read_text(encoding="utf-8"))


def test_slurm_profile_names_exactly_the_rules_with_a_gpu():
    """With one always, and those whose network may be one that Keras computes."""
    assert set(SLURM["set-resources"]) == {name for name, text in RULES.items() if re.search(r"^ {8}gpu=", text, re.M)}


@pytest.mark.parametrize("architecture", ["canvas", "backprojection"])
def test_networks_that_numpy_computes_ask_for_no_gpu(tmp_path, architecture):
    form = {arm: {"architecture": architecture} for arm in ("pinn", "baseline")}
    hub = copy_workflow(tmp_path / "copy")
    done = hub.snakemake("-n", "--config", f"train={json.dumps(form)}", "doses=[1000]", "views=[dense]")
    assert done.returncode == 0, done.stdout
    asked = dict(re.findall(r"rule (\w+):\n(?:    (?!resources).*\n)*    resources: .*gpu=(\d)", done.stdout))
    network = "0" if architecture == "canvas" else "1"
    assert asked == {"train_pinn": network, "train_baseline": network, "infer": network, "reconstruct": "1"}


def test_slurm_profile_groups_rules_that_exist_and_need_no_gpu():
    assert set(SLURM["groups"]) <= set(RULES) - set(SLURM["set-resources"])
    assert set(SLURM["group-components"]) <= set(SLURM["groups"].values())


def test_shards_are_no_tasks_of_an_array():
    """A failed task of an array deletes the output of the array's first task (plugin 2.8): a finished shard."""
    assert "slurm-array-jobs" not in SLURM


def test_default_profile_replaces_no_key_that_a_cluster_needs_otherwise():
    default = yaml.safe_load((ROOT / "profiles" / "default" / "config.yaml").read_text(encoding="utf-8"))
    assert {key for key in default if default[key] != SLURM.get(key)} == {"cores", "max-checksum-file-size"}


def test_profile_is_found_by_its_bare_name():
    assert (ROOT / "slurm" / "config.v9+.yaml").samefile(ROOT / "profiles" / "slurm" / "config.v9+.yaml")


@pytest.mark.parametrize(
    ("listed", "visible", "slots"),
    [("", None, 3), ("0\\n", None, 1), ("0\\n1\\n", None, 2), ("0\\n1\\n", "1", 1), ("0\\n", "", 3)],
    ids=["no GPU: the cores", "one", "two", "one of two visible", "none of one visible"],
)
def test_gpu_jobs_at_a_time(tmp_path, monkeypatch, listed, visible, slots):
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\nprintf '{listed}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    done = copy_workflow(tmp_path / "copy").snakemake("data/base/base.npz", cores=3)
    assert done.returncode == 0, done.stdout
    assert re.search(rf'Provided resources: gpu=(Resource\("gpu", )?{slots}\b', done.stdout)


def test_rules_of_further_seeds_run_where_their_namesakes_do(tmp_path):
    workflow = copy_workflow(tmp_path / "copy")
    profile = ["--workflow-profile", str(workflow.source / "profiles" / "slurm"), "--executor", "local"]
    done = workflow.snakemake("-n", *profile, "--config", "seeds=[0,7]", "doses=[1000]", "views=[dense]")
    assert done.returncode == 0, done.stdout
    partitions = dict(
        re.findall(r"rule (\w+):\n(?:    (?!resources).*\n)*    resources: .*slurm_partition=(\w+)", done.stdout)
    )
    assert partitions.pop("reference", "gpu") == "gpu"
    # All seeds share one; not of this study.
    gpu_rules = set(SLURM["set-resources"]) - {"reference", "hybrid", "train_feed_forward"}
    assert partitions == dict.fromkeys(gpu_rules | {f"seed_7_{name}" for name in gpu_rules}, "gpu")
    grouped = set(re.findall(r"^    (?:local)?rule (\w+):", done.stdout, re.MULTILINE))
    assert {"stitch", "compare", "seed_7_stitch", "seed_7_compare"} <= grouped
