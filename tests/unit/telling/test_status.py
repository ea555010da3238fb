"""Status: a hub as a run leaves it in the middle, and what is told of it."""

import base64
import json
import os
import socket
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from ptychostudy.study import layout
from ptychostudy.telling import left, run_log, status
from ptychostudy.telling.run_log import Epoch, RunLog

LOG = """Building DAG of jobs...
Provided cores: 2
Job stats:
job               count
--------------  -------
base                  1
train_pinn            3
seed_1_train_pinn     1
compare               2
all                   1
total                 8

Select jobs to execute...
[Sun Nov 29 05:33:58 2026]
Finished jobid: 1 (Rule: base)
1 of 8 steps (12%) done
[Sun Nov 29 05:34:58 2026]
Finished jobid: 7 (Rule: seed_1_train_pinn)
2 of 8 steps (25%) done
"""
BUNDLE = "data/phase_e/dose_1000/dense/gs2/wts.h5.zip"
WORK = """no GPU found: networks run on the CPU
UserWarning: something odd
train PtychoPINN dose_1000/dense: started
train PtychoPINN dose_1000/dense: epoch 1 of 9, loss 0.5, about 2:00 left
train PtychoPINN dose_1000/dense: epoch 4 of 9, loss 0.030038, about 1:12 left
"""


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def encoded(name):
    return base64.urlsafe_b64encode(name.encode()).decode()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub in which a training runs since 20 s, of a run that began 100 s ago."""
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    hub = tmp_path / "hub"
    start = time.time() - 100
    name = datetime.fromtimestamp(start).strftime("%Y-%m-%dT%H%M%S.%f")
    put(hub / ".snakemake" / "log" / f"{name}.snakemake.log", LOG)
    put(hub / "logs" / f"{BUNDLE}.log", WORK)
    for output in (BUNDLE, BUNDLE.replace("wts.h5.zip", "history.csv")):
        put(hub / ".snakemake" / "incomplete" / encoded(output), "")
        os.utime(hub / ".snakemake" / "incomplete" / encoded(output), (start + 80, start + 80))
    for rule, seconds in (("base", 2.0), ("train_pinn", 50.0)):
        record = {"rule": rule, "starttime": start, "endtime": start + seconds, "log": [rule]}
        put(hub / ".snakemake" / "metadata" / encoded(rule), json.dumps(record))
    put(hub / ".snakemake" / "ptychostudy.run", f"{socket.gethostname()} {os.getpid()}\n")
    monkeypatch.setattr(status.liveness, "is_alive", lambda claim: True)
    return hub


def told(hub, capsys):
    status.run(hub=hub, json=True)
    record = json.loads(capsys.readouterr().out)
    status.run(hub=hub)
    # However the terminal wraps it.
    return record, " ".join(capsys.readouterr().out.split())


def test_a_running_training_is_told_with_epoch_loss_and_time(hub, capsys):
    record, text = told(hub, capsys)
    (job,) = record["running"]
    assert job["epoch"] == {
        "label": "train PtychoPINN dose_1000/dense",
        "done": 4,
        "total": 9,
        "loss": 0.030038,
        "seconds_left": 72,
    }
    assert "epoch 4 of 9, loss 0.030038, about 72 s left" in text
    assert (record["done"], record["total"]) == (2, 8)
    assert record["left"] == {"train_pinn": 3, "compare": 2} and record["jobs_of_unknown_time"] == 2
    # Three of 50 s, less the 20 s of the one that runs; 52 s of work in 100 s are no two at a time.
    assert record["seconds_left"] == pytest.approx(130, abs=3)
    assert record["warning"] == {"log": f"logs/{BUNDLE}.log", "text": "UserWarning: something odd"}
    assert "warning" in text and record["slurm"] is None


def test_a_run_ends_no_sooner_than_its_training_says(hub, capsys):
    """The job has outlasted what such a job took: by that alone nothing would be left."""
    for name in ("base", "train_pinn"):
        path = hub / ".snakemake" / "metadata" / encoded(name)
        put(path, json.dumps({**json.loads(path.read_text()), "starttime": 1.0, "endtime": 2.0}))
    record, _ = told(hub, capsys)
    assert record["seconds_left"] >= 72


def test_a_log_of_an_earlier_run_says_nothing(hub, capsys):
    os.utime(hub / "logs" / f"{BUNDLE}.log", (1.0, 1.0))
    record, text = told(hub, capsys)
    assert record["running"][0]["epoch"] is None and record["warning"] is None
    assert f"{BUNDLE.rpartition('/')[0]}/" in text


def test_a_killed_run_keeps_its_training(hub, capsys, monkeypatch):
    monkeypatch.setattr(status.liveness, "is_alive", lambda claim: False)
    put(hub / Path(BUNDLE).with_name(layout.TRAINING_STATE), "")
    record, text = told(hub, capsys)
    assert record["running"] == [] and record["kept"] == [str(Path(BUNDLE).parent)]
    assert "was killed" in text and "the next run continues" in text and "left:" in text


def test_of_a_run_elsewhere_its_files_tell(hub, capsys, monkeypatch):
    monkeypatch.setattr(status.liveness, "is_alive", lambda claim: None)
    record, text = told(hub, capsys)
    assert record["running"] and "cannot be seen from here" in text and "epoch 4 of 9" in text


def test_slurms_states_are_counted_for_this_hub(hub, capsys):
    squeue = Path(os.environ["PATH"]) / "squeue"
    lines = "\\n".join([f"RUNNING|{hub.resolve()}", f"PENDING|{hub.resolve()}", "RUNNING|/elsewhere"])
    squeue.write_text(f"#!/bin/sh\nprintf '{lines}\\n'\n")
    squeue.chmod(0o755)
    record, text = told(hub, capsys)
    assert record["slurm"] == {"RUNNING": 1, "PENDING": 1} and "1 RUNNING, 1 PENDING" in text


def test_a_folder_without_a_run_says_so(tmp_path, capsys):
    status.run(hub=tmp_path)
    assert "No run has been in this folder" in capsys.readouterr().out


NOTHING = {"nothing to do": "Building DAG of jobs...\nNothing to be done.\n", "a report": "Building DAG of jobs...\n"}


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_a_later_log_without_a_job_hides_no_run(hub, capsys, monkeypatch, text):
    later = datetime.fromtimestamp(time.time()).strftime("%Y-%m-%dT%H%M%S.%f")
    put(hub / ".snakemake" / "log" / f"{later}.snakemake.log", text)
    monkeypatch.setattr(status.liveness, "is_alive", lambda claim: False)
    assert told(hub, capsys)[0]["total"] == 8
    # A run that works may not have planned its jobs yet: what an earlier one did is not its own.
    monkeypatch.setattr(status.liveness, "is_alive", lambda claim: True)
    assert told(hub, capsys)[0]["total"] == 0


def test_failed_jobs_are_counted_by_rule(tmp_path):
    log = tmp_path / "2026-11-29T053356.010793.snakemake.log"
    log.write_text(
        LOG + "Error in rule compare:\n    jobid: 4\n    output: a\n\nError in rule compare:\n    jobid: 5\n\n"
    )
    read = run_log.read(log)
    assert read.failed == ["compare", "compare"] and read.cores == 2
    assert datetime.fromtimestamp(read.started).isoformat() == "2026-11-29T05:33:56.010793"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a: epoch 3 of 9, about 61:05 left"], Epoch("a", 3, 9, None, 3665)),
        (["a: epoch 3 of 9, loss 1e-05, about 0:05 left", "a: done in 1:00"], Epoch("a", 3, 9, 1e-5, 5)),
        (["epoch"], None),
    ],
)
def test_the_last_epoch_of_a_log(tmp_path, lines, expected):
    path = tmp_path / "a.log"
    path.write_text("\n".join(lines) + "\n")
    assert run_log.epoch(path) == expected


def test_jobs_beside_each_other_end_sooner():
    """90 s of work in the 50 s so far are nearly two at a time."""
    log = RunLog(1000.0, 2, Counter(a=10), Counter(a=3), [])
    known = {str(k): {"rule": "a", "starttime": 1001.0, "endtime": 1031.0, "log": [f"log{k}"]} for k in range(3)}
    seconds, unknown = left.seconds_left(log, known, running=0.0, now=1050.0)
    assert seconds == pytest.approx(7 * 30 / (90 / 50)) and unknown == 0
    # What the running ones have done counts for both: less is left, and more ran beside each other.
    seconds, _ = left.seconds_left(log, known, running=10.0, now=1050.0)
    assert seconds == pytest.approx((7 * 30 - 10) / 2)
    assert left.seconds_left(log, {}, running=0.0, now=1050.0) == (None, 7)
