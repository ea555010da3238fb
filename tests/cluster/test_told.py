"""`status` of a study on a cluster: a training's epoch, loss and time left, and the jobs of this hub by their state."""

import signal

import pytest
from private_slurm import MISSING, QUICK, copy_root, snakemake, start_cluster, stop_cluster

from running import TRAINED, check_told, long_study, told_of_training

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"NOT RUN: no {', '.join(MISSING)} here (make cluster)")


@pytest.fixture
def cluster():
    started = start_cluster()
    yield started
    stop_cluster(started.folder)


@pytest.mark.timeout(400)
def test_a_running_training_is_told_from_another_terminal(cluster, tmp_path):
    root = copy_root(tmp_path, cluster, long_study())
    cluster.environment["PTYCHOSTUDY_PROGRESS_S"] = "0.2"
    output = tmp_path / "output.txt"
    with output.open("w") as file:
        run = snakemake(cluster, root, *QUICK, "--logger", "ptychostudy", "--", TRAINED, output=file)
    try:
        record, words = told_of_training(root, root, run, cluster.environment)
        check_told(record, words)
        assert record["slurm"] == {"RUNNING": 1} and "1 RUNNING" in words
        said = output.read_text()
    finally:
        run.send_signal(signal.SIGINT)
        run.wait(60)
        cluster.await_empty()
    # One line for each rule that is done, and none for each job that was sent.
    assert "base: done" in said and "epoch" not in said and "has been submitted" not in said
