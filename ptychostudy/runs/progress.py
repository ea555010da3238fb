"""Progress lines with an estimate of the time left, readable on a terminal and in a CI log.

They are made of the events of `ptychostudy.runs.work`, by the process that runs a stage; no stage imports this.
"""

import logging
import time

from ptychostudy.runs.work import LOGGER

_log = logging.getLogger("ptychostudy")


class Progress(logging.Handler):
    """Say when work starts and ends, and between at most every ``interval_s`` seconds how far it is.

    Parameters
    ----------
    interval_s : float
        Shortest time between two lines.
    """

    def __init__(self, interval_s: float = 8.0) -> None:
        super().__init__(logging.INFO)
        self.interval_s = interval_s
        self.start = self.last = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Show one event."""
        event, now = vars(record), time.monotonic()
        if record.msg == "started":
            self.start = self.last = now
            _log.info("%s: started", event["label"])
        elif record.msg == "done":
            _log.info("%s: done in %s", event["label"], clock(now - self.start))
        elif now - self.last >= self.interval_s and event["done"] < event["total"]:
            self.last = now
            left = (now - self.start) / event["done"] * (event["total"] - event["done"])
            shown = "" if event["loss"] is None else f", loss {event['loss']:.5g}"
            epoch = f"epoch {event['done']} of {event['total']}"
            _log.info("%s: %s%s, about %s left", event["label"], epoch, shown, clock(left))


def show_progress() -> None:
    """Show the work of this process, whatever was set up before."""
    logger = logging.getLogger(LOGGER)
    logger.handlers, logger.propagate = [Progress()], False


def clock(seconds: float) -> str:
    """Return minutes and seconds as ``m:ss``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
