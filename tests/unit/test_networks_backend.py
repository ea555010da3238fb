"""Why TensorFlow does not use a GPU: the causes it has, and none where its libraries are there."""

import pytest

from ptychostudy.io import gpu
from ptychostudy.networks import backend

WHEELS = ["nvidia-cudnn-cu12", "nvidia-cublas-cu12"]


@pytest.mark.parametrize(
    ("missing", "loadable", "causes"),
    [(WHEELS, False, 1), (WHEELS, True, 0), ([], False, 0), ([], True, 0)],
    ids=["neither", "the system's libraries", "the wheels", "both"],
)
def test_cuda_libraries_are_missed_only_where_no_one_brings_them(monkeypatch, missing, loadable, causes):
    import tensorflow as tf

    if not tf.sysconfig.get_build_info()["is_cuda_build"]:
        pytest.skip("this TensorFlow is built without CUDA: that is the cause")
    monkeypatch.setattr(backend, "_missing_wheels", lambda: missing)
    monkeypatch.setattr(gpu, "loadable", lambda name: loadable)
    told = backend._causes()
    assert len(told) == causes
    assert all("libcudart.so.12" in text and "2 packages, nvidia-cudnn-cu12" in text for text in told)
