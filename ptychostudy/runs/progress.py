"""Progress lines with an estimate of the time left, readable on a terminal and in a CI log.

They are made of the events of `ptychostudy.runs.work`, by the process that runs a stage; no stage
imports this.
"""

import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from ptychostudy.runs.work import LOGGER

_log = logging.getLogger("ptychostudy")
_INTERVAL_S = 8.0


class Progress(logging.Handler):
    """Say when work starts and ends, and at most every ``interval_s`` seconds how far it is.

    Parameters
    ----------
    interval_s : float
        Shortest time between two lines.
    """

    def __init__(self, interval_s: float = _INTERVAL_S) -> None:
        super().__init__(logging.INFO)
        self.interval_s = interval_s
        self.start = self.last = time.monotonic()
        self.first: tuple[float, int] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Show one event."""
        event = vars(record)
        label = event["label"]
        now = time.monotonic()
        if record.msg == "started":
            self.start = self.last = now
            self.first = None
            _log.info("%s: started", label)
        elif record.msg == "done":
            _log.info("%s: done in %s", label, clock(now - self.start))
        elif self._is_due(event, now):
            self.last = now
            _log.info("%s: %s", label, self._epoch(event, now))
        if record.msg == "step" and self.first is None:
            # What came before it, as what a training learns from, tells nothing of an epoch, and a
            # training that is continued has made others long ago.
            self.first = (now, event["done"])

    def _is_due(self, event: Mapping[str, Any], now: float) -> bool:
        # Of the last epoch the end says it.
        return now - self.last >= self.interval_s and event["done"] < event["total"]

    def _epoch(self, event: Mapping[str, Any], now: float) -> str:
        done, total, loss = event["done"], event["total"], event["loss"]
        shown = f"epoch {done} of {total}" + ("" if loss is None else f", loss {loss:.5g}")
        if self.first is None:
            return shown
        since, before = self.first
        # As long for each of those to come as for each of those since the first.
        left = (now - since) / (done - before) * (total - done)
        return f"{shown}, about {clock(left)} left"


def show_progress() -> None:
    """Show the work of this process, whatever was set up before.

    Who started it may ask for lines more often, with the environment's ``PTYCHOSTUDY_PROGRESS_S``.
    """
    logger = logging.getLogger(LOGGER)
    logger.handlers = [Progress(float(os.environ.get("PTYCHOSTUDY_PROGRESS_S", _INTERVAL_S)))]
    logger.propagate = False


def clock(seconds: float) -> str:
    """Return minutes and seconds as ``m:ss``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
