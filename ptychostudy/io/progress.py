"""Progress lines with an estimate of the time left, readable on a terminal and in a CI log."""

import logging
import time
from types import TracebackType

_log = logging.getLogger("ptychostudy")


class Progress:
    """Say at most every ``interval_s`` seconds how far a job is and when it ends.

    Parameters
    ----------
    label : str
        What is running.
    interval_s : float
        Shortest time between two lines.
    """

    def __init__(self, label: str, interval_s: float = 8.0) -> None:
        self.label, self.interval_s = label, interval_s

    def __enter__(self) -> "Progress":
        self.start = self.last = time.monotonic()
        _log.info("%s: started", self.label)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if kind is None:
            _log.info("%s: done in %s", self.label, clock(self.seconds))

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start

    def step(self, done: int, total: int, loss: float | None = None) -> None:
        """Report that ``done`` of ``total`` epochs are finished."""
        now = time.monotonic()
        if now - self.last < self.interval_s or done == total:
            return
        self.last = now
        left = self.seconds / done * (total - done)
        shown = "" if loss is None else f", loss {loss:.5g}"
        _log.info("%s: epoch %d of %d%s, about %s left", self.label, done, total, shown, clock(left))


def clock(seconds: float) -> str:
    """Return minutes and seconds as ``m:ss``."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
