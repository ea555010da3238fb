"""Everything a cluster does to a job, done to one training: it ends in the same weights, and finished work is kept.

The study is that of the fault campaign with a training of 72 epochs. In one run of it its process is killed, its job is
cancelled, its node goes down, its node is drained, its Snakemake is killed; what follows is always the same command.
"""

import os
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest
import yaml
from private_slurm import MISSING, QUICK, copy_root, snakemake, start_cluster, stop_cluster

from conftest import ROOT
from ptychostudy.io.arrays import read_metadata
from ptychostudy.io.atomic import sha256_of

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"NOT RUN: no {', '.join(MISSING)} here (make cluster)")

NETWORK = "data/phase_e/dose_100000/dense/gs2"
WEIGHTS, STATE = f"{NETWORK}/wts.h5.zip", f"{NETWORK}/training_state.npz"
CELL = "data/inference/dose_100000/dense/test"
# So many that what is left outlasts a start of Snakemake, however fast an epoch is.
EPOCHS = 72


@pytest.fixture(scope="module")
def cluster():
    started = start_cluster()
    yield started
    stop_cluster(started.folder)


@pytest.fixture(autouse=True)
def no_run_outlives_its_test():
    yield
    for run in Started.all:
        run.process.kill()
        run.process.wait()


@pytest.fixture(scope="module")
def root(tmp_path_factory, cluster):
    study = yaml.safe_load((ROOT / "tests" / "faults" / "campaign" / "small.yaml").read_text(encoding="utf-8"))
    study["overlap"] = {"views": {"dense": {"s_img": 1.0}}}
    study["train"]["pinn"] |= {"epochs": EPOCHS, "patience": EPOCHS}
    study["infer"]["shards"] = 3
    return copy_root(tmp_path_factory.mktemp("disturbed"), cluster, study)


class Started:
    """A running ``snakemake --profile slurm`` and what it has printed so far."""

    all = []

    def __init__(self, cluster, root, *arguments):
        self.cluster, self.root = cluster, root
        self.log = root.parent / f"run_{time.monotonic_ns()}.log"
        with open(self.log, "w", encoding="utf-8") as output:
            self.process = snakemake(cluster, root, *QUICK, *arguments, output=output)
        self.all.append(self)

    @property
    def said(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, condition, seconds=400):
        """Return what a condition returns as soon as that is true; fail where the run ends or nothing happens."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := condition():
                return found
            assert self.process.poll() is None, self.said[-6000:]
            time.sleep(0.1)
        raise AssertionError(f"nothing happened for {seconds} s:\n{self.said[-6000:]}")

    def training_beyond(self, epoch):
        """Wait until the training at work has finished more epochs than that; return its job, process and epoch."""

        def found():
            state = self.root / STATE
            processes, jobs = stage_processes(self.root, "train"), gpu_jobs(self.cluster)
            if processes and jobs and state.is_file() and epoch_of(self.root) > epoch:
                return jobs[0], processes[0], epoch_of(self.root)
            return None

        return self.wait_for(found)

    def end(self, seconds=900):
        self.process.wait(timeout=seconds)
        return self.process.returncode


def epoch_of(root):
    return read_metadata(root / STATE)["plain"]["epoch"]


def stage_processes(root, stage):
    """Return the processes of a stage that work in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if words[1:4] == ["-m", "ptychostudy", stage] and process.cwd() == str(root):
                found.append(process)
        except psutil.Error:
            continue
    return found


def gpu_jobs(cluster):
    return cluster.ask("squeue", "--noheader", "--states=RUNNING", "--partition=gpu", "--format=%A").split()


def states(cluster, *jobs, after=0):
    """Return how jobs ended, once Slurm has written it down, leaving out so many records."""
    for _ in range(100):
        found = {record["JobId"]: record["JobState"] for record in cluster.ended()[after:]}
        if set(jobs) <= found.keys():
            return [found[job] for job in jobs]
        time.sleep(0.2)
    raise AssertionError(f"jobs {jobs} did not end: {found}")


@pytest.mark.timeout(1800)
def test_a_training_survives_what_a_cluster_does_to_it(cluster, root):
    run = Started(cluster, root, "--retries", "4", WEIGHTS)
    job_killed, process, first = run.training_beyond(0)
    made_before = len(cluster.ended())
    os.kill(process.pid, signal.SIGKILL)

    job_cancelled, _, second = run.training_beyond(first)
    cluster.ask("scancel", job_cancelled)

    job_lost, _, third = run.training_beyond(second)
    cluster.ask("scontrol", "update", "NodeName=gpu1", "State=DOWN", "Reason=test")
    assert states(cluster, job_killed, job_cancelled, job_lost) == ["FAILED", "CANCELLED", "NODE_FAIL"]
    cluster.ask("scontrol", "update", "NodeName=gpu1", "State=RESUME")

    orphan, _, fourth = run.training_beyond(third)
    assert orphan == job_lost, "where a node fails Slurm starts the job again by itself; Snakemake has not noticed"
    cluster.ask("scontrol", "update", "NodeName=gpu1", "State=DRAIN", "Reason=test")
    known = len(cluster.ended())
    run.process.send_signal(signal.SIGKILL)
    run.end()
    for status in ("FAILED", "CANCELLED"):
        assert f"SLURM status is: '{status}'" in run.said

    again = Started(cluster, root, WEIGHTS)
    again.wait_for(lambda: "cancelling" in again.said)
    assert f"process {run.process.pid} was killed during its run: removed its lock" in again.said
    assert states(cluster, orphan, after=known) == ["CANCELLED"], "the same job has a record of its first end"
    again.wait_for(lambda: "PENDING" in cluster.ask("squeue", "--noheader", "--partition=gpu", "--format=%T"))
    assert "DRAIN" in cluster.ask("sinfo", "--noheader", "--nodes=gpu1", "--format=%T").upper()
    cluster.ask("scontrol", "update", "NodeName=gpu1", "State=RESUME")
    assert again.end() == 0, again.said[-6000:]
    log = (root / "logs" / f"{WEIGHTS}.log").read_text()
    continued = int(re.search(r"continues after epoch (\d+)", log)[1])
    assert 0 < first < second < third < fourth <= continued <= EPOCHS

    after = [record["JobId"] for record in cluster.ended()[made_before:]]
    assert len(after) == 5, (
        "killed, cancelled, lost, cancelled as an orphan, completed: no other job was submitted again"
    )
    assert len(set(after)) == 4
    cluster.await_empty()
    assert weights_of_an_undisturbed_training(cluster, root) == sha256_of(root / WEIGHTS)


def weights_of_an_undisturbed_training(cluster, root):
    """Train by hand on the same frames, elsewhere; return the sha256 of the weights."""
    folder = root.parent / "undisturbed"
    command = [sys.executable, "-m", "ptychostudy", "train", "--config", "config/config.yaml", "--arm", "PtychoPINN"]
    command += ["--scan", "data/phase_c/dose_100000/patched_train.npz", "--view", "data/phase_d/dense/dense_train.npz"]
    for option, name in (("bundle", "wts.h5.zip"), ("history", "history.csv"), ("record", "training.json")):
        command += [f"--{option}", str(folder / name)]
    done = subprocess.run(command, cwd=root, env=cluster.environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0 and "continues after" not in done.stdout, done.stdout + done.stderr
    return sha256_of(folder / "wts.h5.zip")


def finished_shards(run):
    """Return the shards that a run said were finished."""
    jobs = re.findall(r"Finished jobid: (\d+) \(Rule: infer\)", run.said)
    return [re.search(rf"output: ([^,\s]+).*\n.*\n    jobid: {job}\n", run.said)[1] for job in jobs]


@pytest.mark.timeout(1500)
def test_finished_shards_are_kept_when_snakemake_is_killed(cluster, root):
    target = f"{CELL}/PtychoPINN.npz"
    run = Started(cluster, root, target)
    run.wait_for(lambda: re.search(r"Finished jobid: \d+ \(Rule: infer\)", run.said))
    run.process.send_signal(signal.SIGKILL)
    run.end()
    names = finished_shards(run)
    before = {name: (root / name).stat().st_mtime_ns for name in names}

    again = Started(cluster, root, target)
    assert again.end() == 0, again.said[-6000:]
    assert before == {name: (root / name).stat().st_mtime_ns for name in names}
    # A shard of whose end the killed Snakemake did not know yet may be in neither.
    made = finished_shards(again)
    assert len(made) == len(set(made)) and set(made).isdisjoint(names)
    assert {path.name for path in (root / CELL / "PtychoPINN").glob("shard_*.npz")} == {
        f"shard_{i}-of-3.npz" for i in (1, 2, 3)
    }
    cluster.await_empty()


@pytest.mark.timeout(1200)
def test_a_time_limit_stops_a_training_that_the_next_run_continues(cluster, root):
    """Slurm looks at time limits twice a minute or so, and the shortest is one minute."""
    config = root / "config" / "config.yaml"
    config.write_text(config.read_text().replace(f": {EPOCHS}\n", ": 5000\n"))
    resources = ("--set-resources", "train_pinn:runtime=1", "train_pinn:slurm_partition=gpu")
    limited = Started(cluster, root, "--retries", "0", *resources, "--", WEIGHTS)
    job, _, _ = limited.training_beyond(0)
    assert limited.end() == 1
    assert states(cluster, job) == ["TIMEOUT"]
    log = " ".join((root / "logs" / f"{WEIGHTS}.log").read_text().split())
    assert "ptychostudy train: stopped by SIGTERM" in log
    kept = epoch_of(root)
    report = max((root / "red").glob("blocked_*.md")).read_text()
    assert "## train_pinn" in report
    assert "exit code: 143 (stopped by SIGTERM" in report
    assert "snakemake --profile slurm" in report
    assert not (root / WEIGHTS).exists()

    again = Started(cluster, root, WEIGHTS)
    job, _, epoch = again.training_beyond(kept)
    assert f"continues after epoch {kept} of 5000" in (root / "logs" / f"{WEIGHTS}.log").read_text()
    again.process.send_signal(signal.SIGINT)
    assert again.end() != 0
    assert states(cluster, job) == ["CANCELLED"]
    cluster.await_empty()


@pytest.mark.timeout(300)
def test_what_slurm_refuses_is_reported(cluster, root):
    arguments = ("--retries", "0", "--set-resources", "simulate:constraint=nosuch", "--forcerun", "simulate")
    refused = Started(cluster, root, *arguments, "--", "data/phase_c/dose_100000/patched_test.npz")
    assert refused.end() == 1
    assert "Invalid feature specification" in refused.said
    report = max((root / "red").glob("blocked_*.md")).read_text()
    assert "## simulate" in report
    cluster.await_empty()
