"""SIGTERM at any time, as Slurm sends it before it kills: a quick end that says how to go on, and nothing half done."""

import random
import signal
import subprocess
import time

import pytest
from campaign import stages

from ptychostudy.io.arrays import read_metadata
from ptychostudy.io.atomic import sha256_of

QUICK_S = 5.0


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Return a hub with the frames and groups that training and reconstruction read."""
    folder = tmp_path_factory.mktemp("sigterm")
    for stage in stages.LIGHT:
        done = stages.run(stage, folder)
        assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Return the small study with a training long enough to be stopped twice."""
    path = tmp_path_factory.mktemp("config") / "slow.yaml"
    path.write_text(stages.long_study())
    return path


def await_(condition, process, seconds=90):
    """Wait until a condition holds; fail where the job ended before."""
    for _ in range(seconds * 50):
        if condition():
            return
        assert process.poll() is None, "the job ended too early"
        time.sleep(0.02)
    raise AssertionError("nothing happened")


def assert_stopped(hub, code, seconds, stage):
    said = " ".join((hub / "job.log").read_text().split())
    assert code == 128 + signal.SIGTERM, said
    assert seconds < QUICK_S
    assert f"ptychostudy {stage}: stopped by SIGTERM" in said
    assert "the same command continues" in said
    assert "Traceback" not in said
    assert stages.temporaries(hub) == []


def test_stopped_training_continues_to_the_same_bits(hub, config):
    rng = random.Random(1)
    wanted, state = hub / stages.NETWORK / "wts.h5.zip", hub / stages.NETWORK / "training_state.npz"
    epochs = []
    for _ in range(2):
        before = epochs[-1] if epochs else 0
        job = stages.as_a_job("train", hub, config)
        await_(lambda before=before: state.is_file() and epoch_of(state) > before, job)
        time.sleep(rng.uniform(0, 0.5))
        assert_stopped(hub, *stages.end(job), "train")
        epochs.append(epoch_of(state))
        assert not wanted.exists()
    assert epochs[0] < epochs[1] < stages.LONG
    done = stages.run("train", hub, config)
    assert done.returncode == 0, done.stdout
    assert f"continues after epoch {epochs[1]} of {stages.LONG}" in done.stdout
    assert not state.exists()
    stopped = sha256_of(wanted)
    wanted.unlink()
    undisturbed = stages.run("train", hub, config)
    assert "continues after" not in undisturbed.stdout
    assert sha256_of(wanted) == stopped


def epoch_of(path):
    return read_metadata(path)["plain"]["epoch"]


def test_stopped_while_libraries_are_imported(hub, config):
    job = stages.as_a_job("train", hub, config)
    time.sleep(random.Random(2).uniform(0.5, 1.5))
    assert_stopped(hub, *stages.end(job), "train")


@pytest.mark.parametrize("stage", ["reconstruct", "maximise"])
def test_stopped_iteration_leaves_no_file(hub, config, stage):
    job = stages.as_a_job(stage, hub, config)
    await_(lambda: "started" in (hub / "job.log").read_text(), job)
    assert_stopped(hub, *stages.end(job), stage)
    assert not (hub / "data" / "phase_f").exists()


def test_stopped_at_any_time_a_light_stage_leaves_whole_files_or_none(hub):
    rng, outputs = random.Random(3), [hub / path for path in stages.SCANS.values()]
    before = {path: sha256_of(path) for path in outputs}
    for _ in range(6):
        for path in outputs:
            path.unlink(missing_ok=True)
        job = stages.as_a_job("simulate", hub)
        time.sleep(rng.uniform(0.2, 1.0))
        code, seconds = stages.end(job)
        assert code in (0, 128 + signal.SIGTERM)
        assert seconds < QUICK_S
        assert all(sha256_of(path) == before[path] for path in outputs if path.exists())
        assert stages.temporaries(hub) == []
    assert stages.run("simulate", hub).returncode == 0
    assert {path: sha256_of(path) for path in outputs} == before


def test_a_reader_that_was_stopped_too_changes_no_exit_status(hub):
    """Without the rule's trap its `tee` ends first; the stage's last words then go nowhere, and nothing else."""
    job = subprocess.Popen(
        stages.command("reconstruct"),
        cwd=hub,
        env=stages.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert b"started" in job.stdout.readline()
    job.stdout.close()
    job.send_signal(signal.SIGTERM)
    assert job.wait(timeout=60) == 128 + signal.SIGTERM
