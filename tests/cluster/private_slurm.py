"""A Slurm of our own for the tests: processes, records of jobs, and the literal cluster command."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from conftest import copy_workflow

HERE = Path(__file__).parent
DAEMONS = ("slurmctld", "slurmd", "munged")
MISSING = [name for name in DAEMONS if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
# Polls of 2 s, not 10: a test has no time, and a Slurm of its own no load.
QUICK = ("--slurm-init-seconds-before-status-checks", "2")


@dataclass(frozen=True)
class Cluster:
    """A private Slurm: its folder, and the environment that makes it the Slurm of a process."""

    folder: Path
    environment: dict

    def ask(self, *command):
        return subprocess.run(
            command, env=self.environment, text=True, capture_output=True, check=True, timeout=60
        ).stdout.strip()

    def ended(self):
        """Return the record of every job that ended, as dicts."""
        path = self.folder / "log" / "jobs.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]

    def running(self):
        return self.ask("squeue", "--noheader", "--states=RUNNING", "--format=%A").split()

    def await_empty(self, seconds=40):
        """Wait until no job is left; one that is cancelled has 30 s (KillWait) to end."""
        end = time.monotonic() + seconds
        while left := self.ask("squeue", "--noheader"):
            assert time.monotonic() < end, f"still there after {seconds} s: {left}"
            time.sleep(0.2)

    def await_running(self, process):
        """Return the first job that runs."""
        for _ in range(600):
            if found := self.running():
                return found[0]
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.1)
        raise AssertionError("no job ran within a minute")

    def processes(self):
        """Return the process numbers of all that was started with this folder on its command line."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(self.folder).encode() in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:  # it ended meanwhile
                continue
        return found


def start_cluster():
    folder = Path(tempfile.mkdtemp(prefix="ptychostudy-slurm-"))
    try:
        subprocess.run([HERE / "slurm_up.sh", folder], check=True, timeout=120)
    except BaseException:
        stop_cluster(folder)
        raise
    tools = Path(sys.executable).parent
    told = subprocess.run(
        ["bash", "-c", 'source "$1" && echo "$SLURM_CONF" && echo "$PATH"', "-", folder / "env"],
        text=True,
        capture_output=True,
        check=True,
    )
    configuration, path = told.stdout.splitlines()
    return Cluster(folder, os.environ | {"SLURM_CONF": configuration, "PATH": f"{tools}:{path}"})


def stop_cluster(folder):
    subprocess.run([HERE / "slurm_down.sh", folder], check=True, timeout=120)
    shutil.rmtree(folder)


def copy_root(folder, cluster, study):
    """Copy the repository with a study as its own configuration, and make it what the cluster's processes import."""
    source = copy_workflow(folder).source
    (source / "slurm").symlink_to("profiles/slurm")
    (source / "config" / "config.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    # One GPU on the machine that submits: it must not limit what is submitted.
    cluster.environment.update(PYTHONPATH=str(source), CUDA_VISIBLE_DEVICES="0")
    return source


def snakemake(cluster, root, *arguments, output=subprocess.PIPE):
    """Start ``snakemake --profile slurm`` at the root of the repository."""
    return subprocess.Popen(
        ["snakemake", "--profile", "slurm", *arguments],
        cwd=root,
        env=cluster.environment,
        text=True,
        stdout=output,
        stderr=subprocess.STDOUT,
        # Tests in the background of a script have SIGINT ignored, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
