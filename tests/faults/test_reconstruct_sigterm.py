"""SIGTERM amid L-BFGS, which torch drives from C++: a quick end, no file left, and a later run as if nothing was."""

import re
import signal
import time

import pytest
from campaign import stages

from ptychostudy.io.atomic import sha256_of

QUICK_S = 5.0
OBJECT = "data/phase_f/dose_100000/dense/train/ptychi_reconstruction.npz"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Return a hub with the frames and the view that the iteration reads."""
    folder = tmp_path_factory.mktemp("reconstruct_sigterm")
    for stage in stages.LIGHT:
        done = stages.run(stage, folder)
        assert done.returncode == 0, done.stdout
    return folder


def likelihood(hub, epochs):
    """Return the small study with Poisson maximum likelihood as its iterative arm."""
    path = hub / f"likelihood_{epochs}.yaml"
    small = re.sub(r"^reconstruct:\n(  .*\n)+", "", stages.SMALL.read_text(), flags=re.MULTILINE)
    path.write_text(f"{small}reconstruct:\n  algorithm: autodiff\n  noise_model: poisson\n  epochs: {epochs}\n")
    return path


def wait_for_an_epoch(hub, job):
    """Return once the log counts an epoch, so that the iteration runs and not the import of torch."""
    for _ in range(90 * 50):
        if "pty-chi: epoch " in (hub / "job.log").read_text():
            return
        assert job.poll() is None, (hub / "job.log").read_text()
        time.sleep(0.02)
    raise AssertionError("no epoch was counted")


def test_stopped_likelihood_leaves_no_file_and_disturbs_no_later_run(hub):
    job = stages.as_a_job("reconstruct", hub, likelihood(hub, 5000))
    wait_for_an_epoch(hub, job)
    code, seconds = stages.end(job)
    said = (hub / "job.log").read_text()
    assert code == 128 + signal.SIGTERM, said
    assert seconds < QUICK_S
    assert "Traceback" not in said
    assert stages.temporaries(hub) == []
    assert not (hub / "data" / "phase_f").exists()

    sums = []
    for _ in range(2):
        done = stages.run("reconstruct", hub, likelihood(hub, 6))
        assert done.returncode == 0, done.stdout
        sums.append(sha256_of(hub / OBJECT))
        (hub / OBJECT).unlink()
    assert sums[0] == sums[1]
