"""How many threads: as the environment says, else one for each core."""

import os

from ptychostudy.io.threads import allowed_threads


def test_threads_are_those_of_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert allowed_threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert allowed_threads() == os.cpu_count()
