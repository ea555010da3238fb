"""Shared by tests that ask a run, while it works, how far it is."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import yaml

from conftest import TINY

TRAINED = "data/phase_e/dose_100000/dense/gs2/wts.h5.zip"
EPOCHS = 5000


def long_study():
    """Return the tiny study of one cell, whose training would take an hour."""
    study = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    study |= {"doses": [100000], "overlap": {"views": {"dense": {"s_img": 1.0}}}}
    study["train"]["pinn"] |= {"epochs": EPOCHS, "patience": EPOCHS}
    return study


def told_of_training(source, hub, process, environment=os.environ, seconds=240):
    """Ask `status` from another process until it tells of an epoch; return all that it tells, once in words."""
    command = [str(Path(sys.executable)), "-m", "ptychostudy", "status", "--hub", str(hub)]
    told = {**environment, "PYTHONPATH": str(source), "COLUMNS": "100"}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()[0]
        done = subprocess.run([*command, "--json"], env=told, capture_output=True, text=True, check=True, timeout=60)
        record = json.loads(done.stdout)
        if any(job["epoch"] for job in record["running"]):
            words = subprocess.run(command, env=told, capture_output=True, text=True, check=True, timeout=60).stdout
            return record, " ".join(words.split())
        time.sleep(1)
    raise AssertionError(f"no epoch within {seconds} s: {record}")


def check_told(record, words):
    """Check that a running training is told with epoch, loss and the time left."""
    assert record["alive"] is True and 0 < record["done"] < record["total"]
    (far,) = [job["epoch"] for job in record["running"] if job["epoch"]]
    assert far["label"] == "train PtychoPINN dose_100000/dense" and far["total"] == EPOCHS
    assert 0 < far["done"] < EPOCHS and far["loss"] is not None and far["seconds_left"] > 0
    assert record["seconds_left"] is None or record["seconds_left"] >= far["seconds_left"]
    assert f" of {EPOCHS}, loss " in words and " left" in words.partition(f" of {EPOCHS}, loss ")[2]
