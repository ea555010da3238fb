"""Threads: how many a process may use, and results that come in order whatever their number."""

import os
import threading

import pytest

from ptychostudy.io.threads import threads
from ptychostudy.physics.in_order import in_order


def test_the_environment_says_how_many(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads() == os.cpu_count()


@pytest.mark.parametrize("number", [1, 2, 3, 7])
def test_results_come_in_the_order_of_the_items(number):
    gate = threading.Event()

    def slow_at_first(item):
        # The first waits until a later one is done, where there is a thread for that.
        if item == 0 and number > 1:
            assert gate.wait(10)
        if item == 1:
            gate.set()
        return item * item

    assert list(in_order(slow_at_first, range(20), number)) == [item * item for item in range(20)]
    assert list(in_order(slow_at_first, [], number)) == []


def test_few_items_are_taken_ahead():
    """A scan of any length: not all of its results stand in memory."""
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    results = in_order(lambda item: item, items(), 2)
    assert next(results) == 0
    assert len(taken) <= 6


def test_an_error_of_a_thread_is_raised():
    def fail(item):
        raise ValueError(item)

    with pytest.raises(ValueError, match="7"):
        list(in_order(fail, [7], 2))
