"""What says that a process was given a GPU."""

import pytest

from ptychostudy.io import gpu


@pytest.mark.parametrize(
    ("said", "devices", "expected"),
    [
        ({}, [], ""),
        ({}, ["nvidiactl", "nvidia-caps"], ""),
        ({}, ["nvidiactl", "nvidia1", "nvidia0"], "{dev}/nvidia0"),
        ({"CUDA_VISIBLE_DEVICES": "0"}, [], "CUDA_VISIBLE_DEVICES=0"),
        ({"CUDA_VISIBLE_DEVICES": "GPU-8f2c"}, [], "CUDA_VISIBLE_DEVICES=GPU-8f2c"),
        ({"CUDA_VISIBLE_DEVICES": "", "SLURM_JOB_GPUS": "0"}, ["nvidia0"], ""),
        ({"CUDA_VISIBLE_DEVICES": "-1", "SLURM_GPUS_ON_NODE": "2"}, ["nvidia0"], ""),
        ({"SLURM_JOB_GPUS": "0"}, [], "SLURM_JOB_GPUS=0"),
        ({"SLURM_JOB_GPUS": "", "SLURM_STEP_GPUS": "3"}, [], "SLURM_STEP_GPUS=3"),
        ({"SLURM_GPUS_ON_NODE": "1"}, [], "SLURM_GPUS_ON_NODE=1"),
        ({"SLURM_GPUS_ON_NODE": "0"}, [], ""),
    ],
)
def test_given(tmp_path, monkeypatch, said, devices, expected):
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    for name in devices:
        (tmp_path / name).touch()
    monkeypatch.setattr(gpu, "_DEVICES", tmp_path)
    assert gpu.given() == expected.format(dev=tmp_path)
