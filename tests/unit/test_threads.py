"""How many threads: as the environment says, else one for each core."""

import os

import pytest

from ptychostudy.io.threads import allowed_threads
from ptychostudy.runs.process import THREAD_VARIABLES, set_environment


def test_threads_are_those_of_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert allowed_threads() == 3
    # A number for each level of loops within loops, as OpenMP has it.
    monkeypatch.setenv("OMP_NUM_THREADS", "4,2")
    assert allowed_threads() == 4
    for unset in ("", None):
        monkeypatch.setenv("OMP_NUM_THREADS", "") if unset == "" else monkeypatch.delenv("OMP_NUM_THREADS")
        assert allowed_threads() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("said", ["many", "0", "-2", "1.5"])
def test_what_is_no_number_is_named(said, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    with pytest.raises(ValueError, match=f"OMP_NUM_THREADS is '{said}'; needed: a number of threads"):
        allowed_threads()


@pytest.mark.parametrize(
    ("calls", "gpu", "within", "beside"), [(False, "-1", "3", "1"), (True, "-1", "1", "3"), (True, "0", "3", "1")]
)
def test_threads_work_within_a_call_of_a_network_or_have_one_each(monkeypatch, calls, gpu, within, beside):
    """Calls beside each other are for CPUs."""
    for name in (*THREAD_VARIABLES, "OPENBLAS_NUM_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.setenv(name, "7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpu)
    set_environment("3", calls=calls)
    assert allowed_threads() == 3
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == within and os.environ["TF_NUM_INTEROP_THREADS"] == beside
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
