"""Shared by the tests: a private copy of the workflow, and one finished study per session."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = "snakemake_logger_plugin_ptychostudy"
PARTS = ("Snakefile", "rules", "ptychostudy", PLUGIN, "config", "profiles", "envs", "report")
CONFIGURATIONS = ROOT / "tests" / "workflow" / "config"
TINY = CONFIGURATIONS / "tiny.yaml"
USER = CONFIGURATIONS / "user.yaml"


@dataclass(frozen=True)
class Workflow:
    """A copy of the workflow, a configuration file and a hub that belongs to both."""

    source: Path
    hub: Path
    config: Path

    def snakemake(self, *arguments, cores=2):
        """Run Snakemake in the hub; return the finished process with its whole output in ``stdout``."""
        tools = Path(sys.executable).parent
        environment = os.environ | {"PYTHONPATH": str(self.source), "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
        command = [
            str(tools / "snakemake"),
            "--snakefile",
            str(self.source / "Snakefile"),
            "--directory",
            str(self.hub),
        ]
        command += ["--configfile", str(self.config), "--cores", str(cores), *arguments]
        return subprocess.run(
            command,
            env=environment,
            cwd=self.source,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    def jobs(self, *arguments):
        """Return the jobs a dry run lists, as a dict of rule to count."""
        done = self.snakemake("-n", *arguments)
        assert done.returncode == 0, done.stdout
        if "Nothing to be done" in done.stdout:
            return {}
        table = done.stdout.split("Job stats:")[-1].split("Reasons:")[0]
        found = {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", table, re.MULTILINE)}
        found.pop("total", None)
        return {name: count for name, count in found.items() if name not in ("all", "post_verify")}


def pytest_terminal_summary(terminalreporter):
    """Print what a test wants to be read although it passed, such as the table of the fault campaign."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name == "table" and report.when == "call":
                terminalreporter.write_line(value)


def copy_workflow(folder, config=TINY):
    """Copy the workflow into a folder, with an empty hub beside it."""
    source = folder / "source"
    source.mkdir(parents=True)
    for part in PARTS:
        path = ROOT / part
        if path.is_dir():
            shutil.copytree(path, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(path, source / part)
    shutil.copy2(config, folder / "study.yaml")
    (folder / "hub").mkdir()
    return Workflow(source, folder / "hub", folder / "study.yaml")


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Return the tiny study, run to its verified report on two cores; each process of pytest has one of its own."""
    own = tmp_path_factory.mktemp("finished")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return finish(own)
    # Made once for all processes: who comes second waits, and copies.
    shared = tmp_path_factory.getbasetemp().parent / "finished"
    with open(shared.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "done").exists():
            shutil.rmtree(shared, ignore_errors=True)
            finish(shared)
            (shared / "done").touch()
    shutil.copytree(shared, own, symlinks=True, dirs_exist_ok=True)
    return Workflow(own / "source", own / "hub", own / "study.yaml")


def finish(folder):
    """Run the tiny study in a folder."""
    workflow = copy_workflow(folder)
    done = workflow.snakemake(cores=2)
    assert done.returncode == 0, done.stdout[-6000:]
    return workflow
