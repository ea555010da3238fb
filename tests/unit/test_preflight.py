"""What is missing or misspelt is said in one line: names, forbidden words, and the answers of Slurm's commands."""

import os
import shutil
import subprocess
from argparse import Namespace
from pathlib import Path

import pytest
from snakemake.resources import Resource, Resources

from ptychostudy.runs import preflight, slurm_preflight

ROOT = Path(__file__).resolve().parents[2]
SAID_NOTHING = dict.fromkeys(
    ("set_resources", "set_threads", "groups", "set_scatter", "set_resource_scopes", "group_components")
)


def line(**said):
    return Namespace(**SAID_NOTHING | {"executor": "slurm", "default_resources": None, "report": None} | said)


def refusal(check, *arguments, **options):
    with pytest.raises(preflight.PreflightError) as caught:
        check(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def tools(folder, **scripts):
    """Write programs into a folder, each a line of shell."""
    for name, script in scripts.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return str(folder)


# --- names ----------------------------------------------------------------------------------------------------------


def test_every_rule_of_the_files_is_known_whatever_the_study_has(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "Snakefile").write_text("rule all:\n    input:\n        []\n")
    text = "if STUDY.other:\n    rule truth:\n        output: 1\n\nelse:\n    checkpoint late :\n        pass\n"
    (tmp_path / "rules" / "a.smk").write_text(f"{text}use rule all as every with:\n    input: []\n# rule no: one\n")
    assert preflight.rule_names(tmp_path) == {"all", "truth", "late", "every"}
    known = preflight.rule_names(ROOT)
    assert {"all", "fetch", "compare", "verify", "export"} <= known
    assert not {name for name in known if name.startswith("seed")}, "those of seeds are made of the others"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"set_resources": {"compre": {}}}, ["set-resources", "rule 'compre'", "did you mean compare?"]),
        ({"set_threads": {"seed_3_compre": 2}}, ["set-threads", "'seed_3_compre'", "did you mean seed_3_compare?"]),
        ({"groups": {"bas": "x"}}, ["groups", "rule 'bas'", "did you mean base?"]),
        ({"slurm_array_jobs": "base;compre"}, ["slurm-array-jobs", "'compre'"]),
        ({"set_scatter": {"shard": 2}}, ["set-scatter", "'shard'", "did you mean shards?"]),
        ({"set_resource_scopes": {"gpus": "local"}}, ["set-resource-scopes", "'gpus'", "did you mean gpu?"]),
        ({"groups": {"base": "start"}, "group_components": {"stat": 2}}, ["group-components", "did you mean start?"]),
        ({"group_components": {"start": 2}}, ["group-components", "'start'", "known: none"]),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_the_one_that_was_meant(said, words):
    message = refusal(preflight.check_names, line(**said), {"base", "compare"}, {"shards"}, {"gpu", "mem_mb"})
    assert all(word in message for word in words), message


def test_names_that_mean_something_pass():
    said = {
        "set_resources": {"base": {}, "seed_12_compare": {}},
        "groups": {"base": "start", "seed_1_base": "other"},
        "group_components": {"other": 2},
        "set_scatter": {"shards": 3},
        "set_resource_scopes": {"gpu": "local"},
        "slurm_array_jobs": "all",
    }
    preflight.check_names(line(**said), {"base", "compare"}, {"shards"}, {"gpu"})
    preflight.check_names(line(), {"base"}, (), ())


# --- words ----------------------------------------------------------------------------------------------------------


def resources(**said):
    return Resources({name: Resource(name, value) for name, value in said.items()})


def test_the_plug_ins_words_each_have_an_advice():
    from snakemake_executor_plugin_slurm.validation import get_forbidden_slurm_options

    assert set(slurm_preflight.INSTEAD) <= set(get_forbidden_slurm_options().values())
    for text in ("--mem=3", "--gres=gpu:1", "-p gpu", "-A me", "--time=5", "-t 5", "--qos high", "-n 3", "--parsable"):
        message = refusal(slurm_preflight.check_words, {text: "rule base"})
        assert text.split("=")[0].split()[0] in message and "rule base" in message
    slurm_preflight.check_words({"--nice=10 --mail-type=END": "rule base"})


@pytest.mark.parametrize(
    ("said", "who"),
    [
        ({"default_resources": {"slurm_extra": Resource("slurm_extra", "--mem=3")}}, "default-resources"),
        ({"set_resources": {"base": {"slurm_extra": 1}}}, "set-resources of base"),
        ({}, "rule base"),
        ({"dryrun": True}, "rule base"),
    ],
)
def test_a_forbidden_word_is_named_with_who_says_it_and_what_to_do(said, who):
    message = refusal(slurm_preflight.check_slurm, line(**said), {"base": resources(slurm_extra="--mem=3")})
    assert who in message and "--mem," in message and "resource mem_mb" in message


def test_an_expression_is_known_where_it_asks_nothing_of_its_job():
    def of_wildcards(wildcards):
        return f"--mem={wildcards.dose}"

    plain = Resource.from_cli_expression("slurm_extra", "'--mem=' + str(3 * attempt)")
    refusal(slurm_preflight.check_slurm, line(dryrun=True), {"base": Resources({"slurm_extra": plain})})
    unknown = Resource("slurm_extra", of_wildcards)
    slurm_preflight.check_slurm(line(dryrun=True), {"base": Resources({"slurm_extra": unknown})})


def test_a_local_run_is_asked_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    slurm_preflight.check_slurm(line(executor="local"), {"base": resources(slurm_extra="--mem=3")})


# --- programs, partitions, accounts ---------------------------------------------------------------------------------


def test_only_programs_that_are_called_are_missed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", tools(tmp_path, sbatch=":", squeue=":", scancel=":", sinfo=":", scontrol=":"))
    message = refusal(slurm_preflight.check_programs, guesses_account=True, named=False)
    assert "no sacct (guesses your account" in message and "sbatch" not in message
    message = refusal(slurm_preflight.check_programs, guesses_account=False, named=True)
    assert "sacctmgr" in message and "sshare" in message and "sacct (" not in message
    slurm_preflight.check_programs(guesses_account=False, named=False)
    (tmp_path / "scontrol").unlink()
    assert "no scontrol" in refusal(slurm_preflight.check_programs, guesses_account=False, named=False)


@pytest.mark.parametrize("mode", ["dryrun", "touch", "unlock", "summary", "dag", "report"])
def test_what_runs_no_job_needs_no_slurm(monkeypatch, tmp_path, mode):
    monkeypatch.setenv("PATH", str(tmp_path))
    slurm_preflight.check_slurm(line(**{mode: True, "report_after_run": False}), {"base": resources()})


def test_partitions_are_those_of_sinfo(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", tools(tmp_path, sinfo="printf 'cpu\\ngpu\\n'"))
    slurm_preflight.check_partitions({"gpu": "rule x", "cpu,gpu": "rule y"})
    message = refusal(slurm_preflight.check_partitions, {"gpu,gpux": "default-resources"})
    assert "default-resources is 'gpux'" in message and "has cpu, gpu" in message


def test_a_controller_that_is_away_is_said_and_one_that_is_slow_is_no_error(monkeypatch, tmp_path):
    path = os.environ["PATH"]
    away = tools(tmp_path, sinfo="echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{away}:{path}")
    assert "Unable to contact slurm controller" in refusal(slurm_preflight.check_partitions, {})
    tools(tmp_path, sinfo="exec sleep 30")
    monkeypatch.setattr(slurm_preflight, "TIMEOUT_S", 0.2)
    slurm_preflight.check_partitions({"nosuch": "rule x"})


@pytest.mark.parametrize(
    ("sacctmgr", "sshare", "refused"),
    [
        ("echo '  lab '", "exit 1", True),
        ("exit 1", "echo Lab", True),
        ("exit 1", "exit 1", False),
        (":", ":", False),
        ("echo other", ":", True),
    ],
)
def test_an_account_is_refused_only_where_slurm_knows_the_users(monkeypatch, tmp_path, sacctmgr, sshare, refused):
    monkeypatch.setenv("PATH", f"{tools(tmp_path, sacctmgr=sacctmgr, sshare=sshare)}:{os.environ['PATH']}")
    if refused:
        assert "rule x is 'lba'" in refusal(slurm_preflight.check_accounts, {"lba": "rule x"})
    else:
        slurm_preflight.check_accounts({"lba": "rule x"})
    if "ab" in sacctmgr + sshare:
        slurm_preflight.check_accounts({"LAB": "rule x"})


# --- a machine without `which` --------------------------------------------------------------------------------------


def which(path, *names):
    return subprocess.run(
        [Path(path.split(":")[0]) / "which", *names], env={"PATH": path}, text=True, capture_output=True, check=False
    )


def test_the_environments_which_answers_alone_and_leaves_it_to_a_real_one(tmp_path):
    for name in ("a", "b", "real"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "which").symlink_to(ROOT / "envs" / "which")
    shutil.copy2(ROOT / "envs" / "which", tmp_path / "b" / "which")
    tools(tmp_path / "b", tool=":")
    path = f"{tmp_path}/a:{tmp_path}/b"
    assert which(path, "tool").stdout == f"{tmp_path}/b/tool\n", "two environments do not call each other for ever"
    assert which(path, "nosuch").returncode == 1
    tools(tmp_path / "real", which='echo "real $*"')
    assert which(f"{path}:{tmp_path}/real", "-a", "tool").stdout == "real -a tool\n"
