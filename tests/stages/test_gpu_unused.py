"""A stage that was given a GPU and computes on the CPU says so in one line, with cause and remedy, and goes on."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from campaign import stages

from ptychostudy.io import gpu

pytestmark = pytest.mark.skipif(
    gpu.loadable("libcuda.so.1") or any(Path("/dev").glob("nvidia[0-9]*")), reason="NOT RUN: there is a GPU here"
)
NETWORK = f"{stages.NETWORK}/wts.h5.zip"
SOLVER = {"algorithm": "LSQML", "noise_model": "gaussian", "epochs": 1}
# Options beside those of the campaign's command lines; a test needs one epoch. TensorFlow's stages, then torch's.
COMMANDS = {
    "train": stages.command("train"),
    "infer": [
        *stages.python("infer", "--config", str(stages.SMALL), "--arm", "PtychoPINN", "--bundle", NETWORK),
        *("--scan", stages.SCANS["train"], "--view", stages.STAGES["train"]["view"]),
        *("--shard", "1-of-50", "--output", "shard.npz"),
    ],
    "reconstruct": stages.command("reconstruct"),
    "reference": [  # frames with positions and probe are what a measured base.npz is
        *stages.python("reference", "--settings", json.dumps(SOLVER)),
        *("--base", stages.SCANS["train"], "--output", "reference.npz"),
    ],
}
# One process a stage, and what says in each that there is a GPU; tests/unit/test_gpu.py has all that may say it.
SAID = {
    "train": "CUDA_VISIBLE_DEVICES=0",
    "infer": "SLURM_JOB_GPUS=0",
    "reconstruct": "CUDA_VISIBLE_DEVICES=0",
    "reference": "SLURM_GPUS_ON_NODE=1",
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Return a hub with the frames of the campaign's study and one trained network."""
    folder = tmp_path_factory.mktemp("gpu")
    for stage in (*stages.LIGHT, "train"):
        done = stages.run(stage, folder)
        assert done.returncode == 0, done.stdout
    return folder


def run(hub, stage, said):
    """Run a stage with an environment that says this and nothing else about GPUs; return its output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CUDA_", "SLURM_"))}
    done = subprocess.run(
        COMMANDS[stage],
        cwd=hub,
        env=kept | {"PYTHONPATH": str(stages.ROOT)} | said,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("stage", COMMANDS)
def test_a_gpu_that_is_not_used_is_one_line_with_cause_and_remedy(hub, stage):
    said, library = SAID[stage], "TensorFlow" if stage in ("train", "infer") else "torch"
    output = run(hub, stage, dict([said.split("=")]))
    (line,) = (line for line in output.splitlines() if "GPU" in line)
    assert line.startswith(f"WARNING: this job was given a GPU ({said}) and computes on the CPU all the same. ")
    assert f"{library} does not use it: " in line
    assert line.endswith("NVIDIA's driver is not here, libcuda.so.1 (run where nvidia-smi shows the GPU)")
    assert "warn" not in output.replace(line, "").lower()
    if library == "TensorFlow":  # of whose CUDA libraries the locked environment has none
        assert re.search(r"neither libcudart.so.12 nor \d+ packages, nvidia-.* \(install the extra `gpu`: make ", line)
    else:
        version = importlib.metadata.version("torch")  # pip's settings decide on the build
        assert (f"torch {version} is a build for CPUs (install the CUDA build: " in line) == version.endswith("+cpu")


@pytest.mark.parametrize("stage", ["infer", "reference"])
def test_a_gpu_that_is_hidden_is_nothing_to_warn_of(hub, stage):
    assert "WARNING" not in run(hub, stage, {"CUDA_VISIBLE_DEVICES": "", "SLURM_JOB_GPUS": "0"})
