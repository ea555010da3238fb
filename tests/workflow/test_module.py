"""Another workflow has this one as a module: by a path or from GitHub, under its names, in its folders."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from conftest import ROOT, TINY, copy_workflow

END = "summarize grid figures insight check inventory verify page gate".split()
MODULE = """
configfile: "config/config.yaml"


module study:
    snakefile:
        {snakefile}
    config:
        config["study"]
{more}

use rule * from study as study_*


rule mine:
    input:
        "{prefix}analysis/metrics_summary.json",
    output:
        "mine.txt",
    shell:
        "trap > {{output}}; echo words={{{{}}}} >> {{output}}"


rule all:
    default_target: True
    input:
        rules.study_all.input,
        "mine.txt",
"""


@pytest.fixture
def source(tmp_path):
    """Return a private copy of the repository."""
    return copy_workflow(tmp_path / "copy").source


def other(folder, study, snakefile, *, more="", prefix="", text=MODULE):
    """Write another workflow."""
    (folder / "workflow").mkdir(parents=True)
    (folder / "config").mkdir()
    (folder / "workflow" / "Snakefile").write_text(text.format(snakefile=snakefile, more=more, prefix=prefix))
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    return folder


def snakemake(folder, *arguments, **environment):
    tools = Path(sys.executable).parent
    without = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [tools / "snakemake", "--cores", "2", *arguments],
        env=without | {"PATH": path} | environment,
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def planned(folder, *arguments, **environment):
    done = snakemake(folder, "-n", *arguments, **environment)
    assert done.returncode == 0, done.stdout[-3000:]
    table = done.stdout.split("Job stats:")[-1].split("Reasons:")[0]
    found = {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", table, re.MULTILINE)}
    return {name: count for name, count in found.items() if name not in ("all", "total", "mine")}


def tiny(**more):
    return yaml.safe_load(TINY.read_text()) | more


def test_all_of_a_study_is_planned_under_names_and_in_a_folder_of_its_own(source, tmp_path):
    """Two of them, one of two seeds; a rule of the other workflow begins between."""
    study = {"study": tiny(seeds=[0, 1], doses=[1000])}
    prefix = '    prefix:\n        "studies/a"\n'
    folder = other(tmp_path / "other", study, f'"{source}/Snakefile"', more=prefix, prefix="studies/a/")
    found = planned(folder)
    assert set(map(found.get, ("study_base", "study_seed_1_simulate", "study_gate"))) == {1}
    # Shards, networks, splits; the one view that is named: the defaults of config.yaml are not read.
    assert found["study_infer"] == found["study_seed_1_infer"] == 8 and found["study_compare"] == 2
    assert all(name.startswith("study_") for name in found)
    # What a profile says of a rule holds for its namesakes of further seeds.
    done = snakemake(folder, "-n", "--set-resources", "study_train_pinn:mem_mb=4321")
    assert len(re.findall(r"resources: .*mem_mb=4321", done.stdout)) == 2, done.stdout[-3000:]


def test_the_workflow_catalog_s_own_form_runs(source, tmp_path):
    """Without names of its own and with the whole configuration: what `snakedeploy deploy-workflow` writes."""
    text = (
        "import gc\nbefore = gc.get_threshold(), gc.get_freeze_count()\n"
        'configfile: "config/config.yaml"\n'
        "module ptychostudy:\n"
        "    snakefile:\n        {snakefile}\n"
        "    config:\n        config\n"
        "use rule * from ptychostudy\n"
        "assert before == (gc.get_threshold(), gc.get_freeze_count())\n"
    )
    folder = other(tmp_path / "other", {}, f'"{source}/Snakefile"', text=text)
    shutil.copy(source / "config" / "config.yaml", folder / "config")
    found = planned(folder)
    assert found["infer"] == 16 and found["gate"] == 1
    # A study.yaml of the other workflow is none of ours.
    (folder / "study.yaml").write_text("unheard: of\n")
    assert planned(folder) == found


def test_a_module_s_mistakes_are_said_in_a_line(source, tmp_path):
    torn = '    replace_prefix:\n        {"analysis/": "elsewhere/"}\n'
    folder = other(tmp_path / "torn", {"study": tiny()}, f'"{source}/Snakefile"', more=torn)
    done = snakemake(folder, "-n")
    assert done.returncode == 1 and "needed: all in one folder, by `prefix`" in done.stdout
    folder = other(tmp_path / "wrong", {"study": tiny(dose=[1000])}, f'"{source}/Snakefile"')
    done = snakemake(folder, "-n")
    assert done.returncode == 1 and "did you mean 'doses'" in done.stdout and "Traceback" not in done.stdout


@pytest.mark.slow
def test_the_end_of_a_study_is_the_same_in_another_workflow(finished, tmp_path):
    study = yaml.safe_load((finished.source / "config" / "config.yaml").read_text())
    update_config(study, yaml.safe_load(finished.config.read_text()))
    # In the order in which Snakemake has put the two together.
    views = study["overlap"]["views"]
    study["overlap"]["views"] = {name: views[name] for name in ("sparse", "dense")}
    prefix = '    prefix:\n        "studies/tiny"\n'
    folder = other(
        tmp_path / "other",
        {"study": study},
        f'"{finished.source}/Snakefile"',
        more=prefix,
        prefix="studies/tiny/",
    )
    hub = folder / "studies" / "tiny"
    ignored = shutil.ignore_patterns(".snakemake", "red")
    shutil.copytree(finished.hub, hub, symlinks=True, ignore=ignored)
    for path in (hub / "analysis").iterdir():
        if path.is_file():
            path.unlink()
    (hub / "data" / "phase_c" / "run_manifest.json").unlink()
    assert planned(folder) == dict.fromkeys([f"study_{rule}" for rule in [*END, "manifest", "speed"]], 1)
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout[-3000:]
    same = "metrics_summary.json aggregate_report.md verification_report.json artifact_inventory.json dose_curves.png"
    for name in same.split():
        assert (hub / "analysis" / name).read_bytes() == (finished.hub / "analysis" / name).read_bytes(), name
    assert "studies/tiny" not in (hub / "data" / "phase_c" / "run_manifest.json").read_text()
    # Our run's hooks, its claim on the hub and its trap of signals are not the other's.
    # What the tests themselves were told to ignore, as under nohup, is none of ours.
    *traps, words = (folder / "mine.txt").read_text().splitlines()
    assert words == "words={}" and not any("TERM" in trap for trap in traps)
    assert not (folder / ".snakemake" / "ptychostudy.run").exists() and not (folder / "red").exists()
    assert planned(folder) == {}


@pytest.mark.slow
def test_a_snakefile_of_github_takes_the_installed_package(source, tmp_path):
    """GitHub's part is a clone in Snakemake's cache, which is what Snakemake makes of it, too."""
    repository, cache = tmp_path / "repository", tmp_path / "cache"
    shutil.copytree(source, repository)
    git = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@nowhere", "-c", "init.defaultBranch=main"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], cwd=repository, check=True)
    clone = cache / "snakemake/snakemake/source-cache/snakemake-git-cache/github.com/someone/ptychostudy"
    subprocess.run(["git", "clone", "-q", "--bare", repository, clone], check=True)
    place = 'github("someone/ptychostudy", path="Snakefile", branch="main")'
    folder = other(tmp_path / "other", {"study": tiny(doses=[1000])}, place)
    site = tmp_path / "site packages"
    shutil.copytree(source / "ptychostudy", site / "ptychostudy")
    environment = {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(site)}
    assert planned(folder, **environment)["study_gate"] == 1
    # As an environment of conda: the job itself is told of nothing but what the workflow says.
    unset = f"shell.prefix('unset PYTHONPATH; ')\n{(folder / 'workflow' / 'Snakefile').read_text()}"
    (folder / "workflow" / "Snakefile").write_text(unset)
    done = snakemake(folder, "data/base/base.npz", **environment)
    assert done.returncode == 0, done.stdout[-3000:]
    link = folder / ".snakemake" / "ptychostudy.package" / "ptychostudy"
    assert link.samefile(site / "ptychostudy")
    assert (
        "from_file"
        in subprocess.run(
            [sys.executable, "-c", "import ptychostudy; print('from_file', ptychostudy.__file__)"],
            env={"PYTHONPATH": str(link.parent)},
            cwd=ROOT.parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
