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
    now = iter([0.0, 100.0, 100.0, 110.0, 115.0, 120.0, 190.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    show(8.0)  # made at 0
    with Work("train") as work:  # started at 100, of the work and of its line
        work.step(1, 6, 0.25)  # at 110: 10 s an epoch, 5 to go
        work.step(2, 6, 0.2)  # at 115, too soon for a line
        work.step(6, 6)  # at 120, the last: the end says it
    assert said() == ["train: started", "train: epoch 1 of 6, loss 0.25, about 0:50 left", "train: done in 1:30"]


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
