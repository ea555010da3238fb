"""What Slurm or its plug-in will not take: said at once, and never a run that waits for ever."""

import re
import shutil
import signal
import time
from dataclasses import replace

import pytest
import yaml
from private_slurm import MISSING, QUICK, copy_root, snakemake, start_cluster, stop_cluster

from conftest import TINY

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"NOT RUN: no {', '.join(MISSING)} here (make cluster)")

BASE = "data/base/base.npz"
LOG = f"logs/{BASE}.log"
RESOURCES = ("--default-resources", "mem_mb=2000", "runtime=30")


@pytest.fixture(scope="module")
def cluster():
    started = start_cluster()
    yield started
    stop_cluster(started.folder)


@pytest.fixture
def root(tmp_path, cluster):
    return copy_root(tmp_path, cluster, yaml.safe_load(TINY.read_text(encoding="utf-8")))


def started(cluster, root, *arguments):
    return snakemake(cluster, root, *QUICK, *arguments, "--", BASE)


def ended(run, seconds=60):
    """Return what a run has said, which ends by itself or is one that would not."""
    try:
        return run.communicate(timeout=seconds)[0]
    except BaseException:
        run.kill()
        run.wait()
        raise


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            (*RESOURCES, "slurm_extra='--nice=5 --mem=3'"),
            r"slurm_extra in default-resources .* has --mem, .* by the resource mem_mb",
        ),
        (
            ("--set-resources", "infer:slurm_partition=gpuu"),
            "set-resources of infer is 'gpuu'; this Slurm has cpu, gpu",
        ),
    ],
    ids=["forbidden word", "unknown partition"],
)
def test_what_is_wrong_is_one_line_before_the_first_job(cluster, root, arguments, said):
    run = started(cluster, root, *arguments)
    output = ended(run, 30)
    assert run.returncode == 1, output
    assert re.search(f"^ptychostudy: .*{said}", output.splitlines()[-1]), output
    assert "rule base" not in output and not list(root.glob("red/*"))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ("constraint=fast", "sbatch: error: Batch job submission failed: Invalid feature specification"),
        ("gres='x y'", "Invalid GRES format: x y"),
    ],
    ids=["sbatch fails", "the plug-in fails"],
)
def test_a_submission_that_fails_ends_the_run_and_says_why(cluster, root, resource, reason):
    """The first job is a group, for which the plug-in reports nothing (it fails itself) and Snakemake nothing of it."""
    run = started(cluster, root, *RESOURCES, resource)
    output = ended(run)
    assert run.returncode == 1, output
    assert f"Slurm did not take this job: {reason}" in output
    (report,) = root.glob("red/blocked_*.md")
    assert f"- exit code: none, Slurm did not take the job: {reason}" in report.read_text()


@pytest.mark.timeout(120)
def test_a_second_sigterm_cancels_the_jobs(cluster, root):
    run = started(cluster, root, *RESOURCES, "slurm_extra='--begin=now+1hour'")
    cluster_job(cluster, run)
    run.send_signal(signal.SIGTERM)
    time.sleep(3)
    assert run.poll() is None, "the first one waits for the job"
    run.send_signal(signal.SIGTERM)
    output = ended(run)
    assert run.returncode == 1, output
    cluster.await_empty()


@pytest.mark.timeout(120)
def test_a_job_cancelled_before_it_began_shows_no_log_of_an_earlier_run(cluster, root):
    (root / LOG).parent.mkdir(parents=True)
    (root / LOG).write_text("base: all went well, long ago\n")
    run = started(cluster, root, *RESOURCES, "slurm_extra='--begin=now+1hour'", "--retries", "0")
    cluster.ask("scancel", cluster_job(cluster, run))
    output = ended(run)
    assert run.returncode == 1, output
    (report,) = root.glob("red/blocked_*.md")
    text = report.read_text()
    assert "long ago" not in text
    assert f"(this run wrote nothing to {LOG}" in text


def cluster_job(cluster, run):
    """Return the job that a run has submitted, once it is in the queue."""
    for _ in range(300):
        if found := cluster.ask("squeue", "--noheader", "--format=%A").split():
            return found[0]
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.1)
    raise AssertionError("no job was submitted within half a minute")


def with_tool(cluster, folder, name, script):
    """Return the cluster with a command of its own: lines of shell."""
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return replace(cluster, environment=cluster.environment | {"PATH": f"{folder}:{cluster.environment['PATH']}"})


def await_mark(run, path):
    for _ in range(300):
        if path.exists():
            return
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.1)
    raise AssertionError(f"no {path.name} within half a minute")


@pytest.mark.timeout(120)
def test_an_sbatch_that_hangs_holds_up_no_run_that_is_told_to_end(cluster, root, tmp_path):
    mark = tmp_path / "submits"
    run = started(with_tool(cluster, tmp_path / "own", "sbatch", f"touch {mark}; sleep 1000"), root, *RESOURCES)
    await_mark(run, mark)
    run.send_signal(signal.SIGTERM)
    output = ended(run, 40)
    assert run.returncode == 1, output
    assert "ptychostudy: sbatch does not answer: ended with the run" in output
    assert len(list(root.glob("red/blocked_*.md"))) == 1


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("sbatch", 'touch {mark}; sleep 3; exec {real} "$@"'),
        ("squeue", 'case "$*" in *states=all*) touch {mark}; sleep 3;; esac; exec {real} "$@"'),
    ],
    ids=["it submits", "it asks how jobs are"],
)
def test_ctrl_c_leaves_no_job_whatever_the_run_is_about(cluster, root, tmp_path, name, script):
    mark, real = tmp_path / "mark", shutil.which(name, path=cluster.environment["PATH"])
    slow = with_tool(cluster, tmp_path / "own", name, script.format(mark=mark, real=real))
    run = started(slow, root, *RESOURCES, "slurm_extra='--begin=now+1hour'")
    await_mark(run, mark)
    run.send_signal(signal.SIGINT)
    output = ended(run, 40)
    assert run.returncode == 1, output
    assert "has been submitted with SLURM jobid" in output
    cluster.await_empty(5)
