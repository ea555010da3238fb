"""Threads that work beside the one that asks."""

import threading
import time

import pytest

from ptychostudy.physics.team import Team


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("items", [0, 1, 2, 7, 40])
def test_what_is_made_is_in_the_order_of_the_items_and_made_once(threads, items):
    asked = []

    def square(item):
        asked.append(item)
        # The first ones take longest, and are ready last.
        time.sleep(0.002 if item < 2 else 0)
        return item * item

    assert list(Team(threads).map(square, iter(range(items)))) == [item * item for item in range(items)]
    assert sorted(asked) == list(range(items))


def test_one_thread_alone_is_the_one_that_asks_and_holds_one_at_a_time():
    """What was made of one item is dropped before the next one is asked for."""
    asked = []
    made = Team(1).map(lambda _: threading.current_thread(), (asked.append(k) for k in range(3)))
    for k, thread in enumerate(made):
        assert thread is threading.current_thread()
        assert len(asked) == k + 1


def test_whoever_asks_works_and_others_begin_before_all_items_are_known():
    begun, done = threading.Event(), threading.Event()

    def items():
        yield "first"
        assert begun.wait(20), "nobody has begun with the first item"
        yield "second"

    def work(item):
        if item == "first":
            begun.set()
            # Kept from ending until the second is made: only by whoever asks.
            assert done.wait(20)
        else:
            done.set()
        return threading.current_thread()

    other, own = Team(2).map(work, items())
    assert own is threading.current_thread()
    assert other is not own


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bad", [0, 5, 9])
def test_what_goes_wrong_is_raised_and_the_team_works_on(threads, bad):
    team = Team(threads)

    def work(item):
        if item == bad:
            raise ValueError(f"item {item}")
        return item

    with pytest.raises(ValueError, match=f"item {bad}"):
        list(team.map(work, range(10)))
    assert list(team.map(abs, range(-3, 0))) == [3, 2, 1]


def test_what_is_being_made_ends_before_an_error_is_raised():
    """It would hold memory that the next try needs."""
    begun, ended = threading.Event(), []

    def work(item):
        if item == "slow":
            begun.set()
            time.sleep(0.1)
            ended.append(item)
            return
        assert begun.wait(20)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Team(2).map(work, ["slow", "bad"])
    assert ended == ["slow"]


def test_items_that_cannot_be_had_are_raised_and_what_has_not_begun_is_not():
    made = []

    def items():
        yield from range(50)
        raise ValueError("no further item")

    with pytest.raises(ValueError, match="no further item"):
        Team(2).map(lambda item: (time.sleep(0.05), made.append(item)), items())
    assert len(made) < 10
