"""What a run looks at when it starts: resources that mean something, files that jobs write, the shell of its jobs."""

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import pytest
from snakemake.resources import Resource, Resources

from ptychostudy.runs import process, start
from ptychostudy.runs.process import importing, shell_prefix
from ptychostudy.runs.snakemake_log import plain


def rule(name, **resources):
    return SimpleNamespace(name=name, resources=Resources({key: Resource(key, 1) for key in resources}))


def test_rules_of_this_machine_submit_nothing_and_every_resource_of_the_others_is_known():
    rules = [rule("all"), rule("base", mem_mb=1, gpu_model=1)]
    workflow = SimpleNamespace(rules=rules, _localrules={"all"}, global_resources={"gpu": 2})
    resources = start.submitted_resources(workflow)
    assert list(resources) == ["base"]
    known = start.known_resources(workflow, resources)
    assert {"gpu", "gpu_model", "runtime"} <= known and "gpus" not in known


def test_files_of_an_analysis_are_looked_at_whether_or_not_they_are_planned_and_the_ledger_is_not(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("analysis/old.md", "analysis/blocker.log", "seeds/seed_1/analysis/a.csv", "logs/base.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert start.written_files(["data/base/base.npz", "analysis/old.md"]) == [
        "analysis/old.md",
        "data/base/base.npz",
        "seeds/seed_1/analysis/a.csv",
    ]


def test_the_shell_of_a_job_has_the_package_of_its_snakefile_and_reports_leave_it_out(tmp_path):
    folder = tmp_path / "a {b} c"
    prefix = shell_prefix(folder).format()  # as Snakemake formats it
    for before, expected in ({}, f"{folder}\n"), ({"PYTHONPATH": "/x"}, f"{folder}:/x\n"):
        done = subprocess.run(
            ["bash", "-c", f"{prefix}echo $PYTHONPATH"], env=before, text=True, capture_output=True, check=True
        )
        assert done.stdout == expected
    assert plain(f"{prefix}\npython -m ptychostudy base") == "python -m ptychostudy base"


@pytest.mark.parametrize("silent", [False, True])
def test_the_prefix_of_a_job_is_taken_off_again_and_silences_the_screen_alone(tmp_path, silent):
    prefix = shell_prefix(tmp_path, silent=silent).format()  # as Snakemake formats it
    command = f"echo said 2>&1 | tee {tmp_path}/job.log"
    assert plain(prefix + command) == command
    done = subprocess.run(["bash", "-c", prefix + command], capture_output=True, text=True, check=True)
    assert done.stdout == ("" if silent else "said\n")
    assert (tmp_path / "job.log").read_text() == "said\n"
    failed = subprocess.run(["bash", "-c", f"{prefix}false | tee {tmp_path}/job.log"], check=False)
    assert failed.returncode == 1


def test_what_keras_wraps_seems_to_be_missing_while_it_is_imported_and_is_there_afterwards(monkeypatch):
    for name in ("sklearn", "pandas"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    here = sys.modules["json"]
    monkeypatch.setattr(process, "_OF_KERAS_ALONE", ("sklearn", "pandas", "json"))
    with importing(keras=False):
        importlib.import_module("json")
    with importing(keras=True):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("sklearn")
        # What is imported already stays.
        assert importlib.import_module("json") is here
    assert not {"sklearn", "pandas"} & set(sys.modules)
    assert importlib.util.find_spec("sklearn") is not None
