"""Progress: work says what happens as events, the process makes lines of them, and nothing comes back to a stage."""

import logging

import pytest

from ptychostudy.runs import progress
from ptychostudy.runs.work import LOGGER, Work


@pytest.fixture
def said(caplog):
    """Return what is shown: the lines of the package's own logger."""
    logger = logging.getLogger(LOGGER)
    before = logger.handlers, logger.propagate, logger.level
    logger.setLevel(logging.INFO)
    caplog.set_level(logging.INFO, logger="ptychostudy")
    yield lambda: [record.getMessage() for record in caplog.records if record.name == "ptychostudy"]
    logger.handlers, logger.propagate = before[:2]
    logger.setLevel(before[2])


def show(interval_s):
    logger = logging.getLogger(LOGGER)
    logger.handlers, logger.propagate = [progress.Progress(interval_s)], False


def test_lines_of_a_training(said, monkeypatch):
    now = iter([0.0, 100.0, 100.0, 400.0, 410.0, 415.0, 421.0, 490.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    show(8.0)  # made at 0
    with Work("train") as work:  # started at 100, of the work and of its line
        work.step(1, 7, 0.3)  # at 400: five minutes of preparation, of which no epoch is made
        work.step(2, 7, 0.25)  # at 410: 10 s an epoch, 5 to go
        work.step(3, 7, 0.2)  # at 415, too soon for a line
        work.step(7, 7)  # at 421, the last: the end says it
    assert said() == [
        "train: started",
        "train: epoch 1 of 7, loss 0.3",
        "train: epoch 2 of 7, loss 0.25, about 0:50 left",
        "train: done in 6:30",
    ]


def test_a_training_that_is_continued_is_timed_by_the_epochs_of_this_run(said, monkeypatch):
    now = iter([0.0, 0.0, 0.0, 60.0, 120.0, 120.0, 130.0, 130.0, 140.0, 150.0, 160.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    show(8.0)
    with Work("train") as work:
        work.step(41, 50)  # at 60: forty were made by an earlier run
        work.step(42, 50)  # at 120
    with Work("other") as work:  # at 130: nothing of the first is left over
        work.step(1, 3)
        work.step(2, 3)  # at 150
    assert said() == [
        "train: started",
        "train: epoch 41 of 50",
        "train: epoch 42 of 50, about 8:00 left",
        "train: done in 2:00",
        "other: started",
        "other: epoch 1 of 3",
        "other: epoch 2 of 3, about 0:10 left",
        "other: done in 0:30",
    ]


def test_work_that_fails_is_not_done(said):
    show(0.0)
    with pytest.raises(ValueError, match="bad"), Work("train"):
        raise ValueError("bad")
    assert said() == ["train: started"]


def test_without_a_process_nothing_is_shown(said):
    logging.getLogger(LOGGER).handlers = []
    with Work("train") as work:
        work.step(1, 2)
    assert said() == []


def test_showing_twice_shows_once(said):
    progress.show_progress()
    progress.show_progress()
    with Work("train"):
        pass
    assert said() == ["train: started", "train: done in 0:00"]


def test_work_knows_its_time_and_returns_nothing():
    with Work("fetch") as work:
        assert work.step(1, 2) is None
    assert 0 <= work.seconds < 60
