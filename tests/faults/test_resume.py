"""``kill -9`` of a training and of Snakemake: the same command finishes, to the same bits, nothing done by hand."""

import time

import pytest
from campaign import runs, stages

from ptychostudy.io.arrays import read_metadata
from ptychostudy.io.atomic import sha256_of

TARGET = f"{stages.NETWORK}/wts.h5.zip"
STATE = f"{stages.NETWORK}/training_state.npz"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume")
    config = folder / "long.yaml"
    config.write_text(stages.long_study())
    return runs.Study(folder / "hub", runs.copy_source(folder / "source"), config)


def training_after(study, run, epoch):
    """Wait until a run's training has finished more epochs; return its process."""

    def found():
        state = study.hub / STATE
        jobs = [process for process, name in runs.jobs_of(run) if name == "train"]
        return jobs[0] if jobs and state.is_file() and epoch_of(study) > epoch else None

    training = runs.await_(found, run)
    assert training is not None, study.log.read_text()[-4000:]
    return training


def epoch_of(study):
    return read_metadata(study.hub / STATE)["plain"]["epoch"]


@pytest.mark.timeout(600)
def test_killed_training_and_killed_snakemake_end_in_the_same_weights(study):
    run = study.start(TARGET)
    runs.kill(training_after(study, run, 0))
    assert run.wait(timeout=60) == 1
    assert not (study.hub / TARGET).exists()
    first = epoch_of(study)
    (report,) = (study.hub / "red").glob("blocked_*.md")
    assert "exit code: 137" in report.read_text()

    run = study.start(TARGET)
    orphan = training_after(study, run, first)
    runs.kill(run)
    run.wait()
    second = epoch_of(study)
    assert any((study.hub / ".snakemake" / "locks").iterdir())

    code, said = study.run(TARGET)
    assert code == 0, said
    assert f"process {run.pid} was killed during its run: removed its lock" in said
    continued = int(said.split("continues after epoch ")[1].split()[0])
    assert first < second <= continued <= stages.LONG
    assert runs.finished_jobs(said) == 1, "finished jobs are not repeated"
    assert f"resolved by this run:\n  train_pinn dose=100000 view=dense gridsize=2 (red/{report.name})" in said
    assert not (study.hub / STATE).exists()
    assert stages.temporaries(study.hub) == []
    assert not runs.alive(orphan)

    disturbed = sha256_of(study.hub / TARGET)
    (study.hub / TARGET).unlink()
    undisturbed = stages.run("train", study.hub, study.config)
    assert undisturbed.returncode == 0 and "continues after" not in undisturbed.stdout, undisturbed.stdout
    assert sha256_of(study.hub / TARGET) == disturbed


@pytest.mark.timeout(120)
def test_jobs_end_with_their_snakemake(study):
    """What is left running would write the same files as the next run's jobs."""
    run = study.start(
        "--forcerun", "truth", "--", "data/base/reference.npz", "data/phase_c/dose_100000/patched_test.npz"
    )
    found = runs.await_(lambda: runs.jobs_of(run), run)
    assert found
    runs.kill(run)
    run.wait()
    start = time.monotonic()
    assert runs.await_(lambda: not any(runs.alive(process) for process, _ in found), seconds=5)
    assert time.monotonic() - start < 5
    code, said = study.run("data/phase_c/dose_100000/patched_test.npz")
    assert code == 0, said


@pytest.mark.timeout(120)
def test_the_lock_of_a_living_run_is_respected(study):
    command = ("--forcerun", "base", "--", "data/base/base.npz")
    run = study.start(*command)
    found = runs.await_(lambda: runs.jobs_of(run), run)
    assert found
    found[0][0].suspend()
    try:
        code, said = study.run(*command)
    finally:
        found[0][0].resume()
    assert code == 1
    assert "cannot be locked" in said
    assert "removed its lock" not in said
    assert run.wait() == 0
