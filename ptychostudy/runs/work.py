"""Work that takes a while: a stage says how far it is as events on a logger; nothing comes back.

Who shows the events, and how, is the process's business (`ptychostudy.runs.progress`). A stage
imports only this, so that another way to show them is no new code of a training.
"""

import logging
import time
from types import TracebackType

LOGGER = "ptychostudy.work"
_log = logging.getLogger(LOGGER)


class Work:
    """Something that runs; its events bear ``label``, and a step ``done``, ``total`` and ``loss``.

    Parameters
    ----------
    label : str
        What is running.
    """

    def __init__(self, label: str) -> None:
        self.label = label

    def __enter__(self) -> "Work":
        self.start = time.monotonic()
        _log.info("started", extra={"label": self.label})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None
    ) -> None:
        if kind is None:
            _log.info("done", extra={"label": self.label})

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start

    def step(self, done: int, total: int, loss: float | None = None) -> None:
        """Report that ``done`` of ``total`` epochs are finished."""
        _log.info("step", extra={"label": self.label, "done": done, "total": total, "loss": loss})
