"""Stages of the small study by hand: their command lines, and processes that a test can signal."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

SMALL = Path(__file__).with_name("small.yaml")
ROOT = Path(__file__).resolve().parents[3]
LONG = 30
"""Epochs of a training that is to be stopped."""
SCANS = {split: f"data/phase_c/dose_100000/patched_{split}.npz" for split in ("train", "test")}
NETWORK = "data/phase_e/dose_100000/dense/gs2"
STAGES = {
    "base": {"source": (), "output": "data/base/base.npz"},
    "truth": {"base": "data/base/base.npz", "output": "data/base/reference.npz"},
    "simulate": {"base": "data/base/base.npz", "reference": "data/base/reference.npz", "dose": "100000", **SCANS},
    "overlap": {
        "base": "data/base/base.npz",
        "reference": "data/base/reference.npz",
        "view": "dense",
        "split": "train",
        "output": "data/phase_d/dense/dense_train.npz",
        "metrics": "data/phase_d/dense/train_metrics.json",
    },
    "train": {
        "arm": "PtychoPINN",
        "scan": SCANS["train"],
        "view": "data/phase_d/dense/dense_train.npz",
        "bundle": f"{NETWORK}/wts.h5.zip",
        "history": f"{NETWORK}/history.csv",
        "record": f"{NETWORK}/training.json",
    },
    "reconstruct": {
        "scan": SCANS["train"],
        "view": "data/phase_d/dense/dense_train.npz",
        "output": "data/phase_f/dose_100000/dense/train/ptychi_reconstruction.npz",
        "manifest": "data/phase_f/dose_100000/dense/train/manifest.json",
    },
}
STAGES["maximise"] = {
    "scan": SCANS["train"],
    "view": "data/phase_d/dense/dense_train.npz",
    "physics": "data/phase_f/dose_100000/dense/train/physics_only.npz",
    "smooth": "data/phase_f/dose_100000/dense/train/tv.npz",
}
LIGHT = ("base", "truth", "simulate", "overlap")


def environment(source=ROOT):
    """Return the environment of a stage: this Python first on the path, one thread, no GPU."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PYTHONPATH": str(source), "PATH": tools, "CUDA_VISIBLE_DEVICES": "-1"}


def long_study():
    """Return the text of the small study with a training and a likelihood long enough to be stopped twice."""
    study = yaml.safe_load(SMALL.read_text(encoding="utf-8"))
    study["train"]["pinn"] |= {"epochs": LONG, "patience": LONG}
    study["maximise"] = {"iterations": 5000}
    return yaml.safe_dump(study)


def command(stage, config=SMALL):
    """Return the command of a stage, as a list."""
    words = python(stage, *([] if stage == "truth" else ["--config", str(config)]))
    for key, value in STAGES[stage].items():
        words += [f"--{key}", *([value] if isinstance(value, str) else value)]
    return words


def python(*arguments):
    """Return the command of this package with this Python."""
    return [sys.executable, "-m", "ptychostudy", *arguments]


def run(stage, hub, config=SMALL, **changes):
    """Run a stage to its end in a hub; return the finished process with its whole output in ``stdout``."""
    return subprocess.run(
        command(stage, config),
        cwd=hub,
        env=environment() | changes,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def as_a_job(stage, hub, config=SMALL):
    """Start a stage as a rule does, with its shell and its log, in a process group of its own."""
    (Path(hub) / "job.log").write_text("")
    line = f"set -euo pipefail; trap '' TERM; {shlex.join(command(stage, config))} 2>&1 | tee job.log"
    return subprocess.Popen(
        ["bash", "-c", line], cwd=hub, env=environment(), stdout=subprocess.DEVNULL, start_new_session=True
    )


def end(process, number=signal.SIGTERM):
    """Signal a job's whole group, as Slurm does; return its exit status and the seconds until it was gone."""
    start = time.monotonic()
    os.killpg(process.pid, number)
    return process.wait(timeout=60), time.monotonic() - start


def temporaries(hub):
    """Return what writers that were stopped left behind."""
    return sorted(path.relative_to(hub).as_posix() for path in hub.rglob(".*.part"))
