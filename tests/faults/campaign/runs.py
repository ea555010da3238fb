"""Runs of the small study through Snakemake, and the processes that belong to one."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from campaign import stages

PARTS = ("Snakefile", "rules", "ptychostudy", "config", "profiles", "envs", "report")


@dataclass(frozen=True)
class Study:
    """A hub, the workflow it is made by and the configuration of both."""

    hub: Path
    source: Path = stages.ROOT
    config: Path = stages.SMALL
    logs: Path | None = None

    @property
    def log(self):
        """What all runs of this hub printed; beside the hub where no other folder is given."""
        return (self.logs or self.hub.parent) / f"{self.hub.name}.log"

    def start(self, *arguments, cores=1):
        """Start Snakemake in a session of its own; return its process."""
        self.hub.mkdir(parents=True, exist_ok=True)
        command = [str(Path(sys.executable).parent / "snakemake"), "--snakefile", str(self.source / "Snakefile")]
        command += ["--directory", str(self.hub), "--configfile", str(self.config), "--cores", str(cores)]
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                [*command, *arguments],
                env=stages.environment(self.source),
                cwd=self.source,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, *arguments, cores=1):
        """Run Snakemake to its end; return its exit status and what it printed."""
        before = self.log.stat().st_size if self.log.exists() else 0
        code = self.start(*arguments, cores=cores).wait()
        return code, self.log.read_bytes()[before:].decode(errors="replace")


def copy_source(folder):
    """Copy the workflow, so that a run does not see who edits the original meanwhile."""
    folder.mkdir(parents=True)
    for part in PARTS:
        path = stages.ROOT / part
        if path.is_dir():
            shutil.copytree(path, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(path, folder / part)
    return folder


def jobs_of(process):
    """Return the stages that run under a Snakemake, as pairs of process and name; only descendants of ours."""
    found = []
    try:
        for child in psutil.Process(process.pid).children(recursive=True):
            if name := _stage_of(child):
                found.append((child, name))
    except psutil.NoSuchProcess:
        pass
    return found


def _stage_of(process):
    try:
        words = process.cmdline()
    except psutil.Error:
        return None
    # The shell of a job names the stage, too, as one long word.
    if len(words) > 3 and words[1:3] == ["-m", "ptychostudy"]:
        return words[3]
    return None


def alive(process):
    """Say whether a process found by `jobs_of` still works; one that only waits for its parent does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False


def kill(process):
    """Kill a process that we found or started, at once."""
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def await_(condition, process=None, seconds=120):
    """Wait until a condition holds and return what it returned; nothing where the process ended or time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        if process is not None and process.poll() is not None:
            return condition()
        time.sleep(0.02)
    return None


def count_jobs(study, target=()):
    """Return how many jobs a dry run lists, without those that only name files."""
    code, said = study.run("-n", *target)
    if code != 0:
        raise RuntimeError(said)
    table = said.split("Job stats:")[-1].split("Reasons:")[0]
    return sum(
        int(n) for name, n in re.findall(r"^(\w+)\s+(\d+)$", table, re.MULTILINE) if name not in ("all", "total")
    )


def finished_jobs(text):
    """Return how many jobs of a run Snakemake counted as finished, without those that only name files."""
    return len(re.findall(r"^Finished jobid: \d+ \(Rule: (?!all\b)", text, re.MULTILINE))
