"""The panel of a run: its lines, and how they keep their place at the foot of a terminal."""

import os
from collections.abc import Mapping, Sequence
from typing import TextIO

from ptychostudy.runs.progress import clock
from ptychostudy.telling.answer import in_time, shortened
from ptychostudy.telling.run_log import Epoch
from ptychostudy.telling.run_state import Running, RunState

_JOBS = 8
"""Running jobs that are shown."""
_UP_AND_CLEAR = "\x1b[{count}A\r\x1b[J"
# Of a terminal that does not say its size.
_USUAL = (80, 24)
_BESIDE = 2
"""Rows that the panel leaves to others, so that it can be drawn over."""


def head(
    state: RunState,
    left: float | None,
    unknown: int,
    now: float,
    *,
    guessed: float | None = None,
) -> str:
    """Return how far the run is, in one line.

    Parameters
    ----------
    state : RunState
    left : float or None
        Seconds, where they are known.
    unknown : int
        Jobs of which nothing is known.
    now : float
        Seconds since 1970.
    guessed : float, optional
        Seconds of the whole run, by the size of its scan: told while nothing better is known.
    """
    done, failed = len(state.ended), len(state.failed)
    text = f"{done} of {state.total} jobs done, {len(state.running)} running"
    if failed:
        text += f", {failed} failed"
    text += f"; {clock(now - state.started)} so far, "
    if left is None:
        return text + _guess(guessed, now - state.started)
    more = f" ({unknown} jobs not known)" if unknown else ""
    return f"{text}about {in_time(left)} left{more}"


def _guess(whole: float | None, passed: float) -> str:
    if whole is None:
        return "time left not known yet: too little of it has run here"
    if passed >= whole:
        return f"time left not known yet: it was guessed to take {in_time(whole)}"
    return f"about {in_time(whole - passed)} left (guess)"


def job_line(job: Running, far: Epoch | None, now: float) -> str:
    """Return what a running job does."""
    if far is None:
        return f"{job.name}, for {in_time(now - job.since)}"
    loss = "" if far.loss is None else f", loss {far.loss:.5g}"
    left = in_time(far.seconds_left)
    return f"{far.label}: epoch {far.done} of {far.total}{loss}, about {left} left"


def lines(
    state: RunState, first: str, epochs: Mapping[int, Epoch | None], warning: str, now: float
) -> list[str]:
    """Return the panel.

    Parameters
    ----------
    state : RunState
    first : str
        Its `head`.
    epochs : mapping of int to Epoch or None
        How far each running job is.
    warning : str
        The last one, or nothing.
    now : float
        Seconds since 1970.
    """
    jobs = list(state.running.items())
    shown = [f"  {job_line(job, epochs.get(number), now)}" for number, job in jobs[:_JOBS]]
    if len(jobs) > _JOBS:
        shown.append(f"  and {len(jobs) - _JOBS} more")
    done, left = state.stages()
    parts = (("done", ", ".join(done)), ("left", ", ".join(left)), ("warning", warning))
    return [first, *shown, *(f"{name}: {text}" for name, text in parts if text)]


class Screen:
    """The foot of a terminal, drawn over and over; what others print scrolls by above it.

    Parameters
    ----------
    stream : file
        A terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._drawn = 0

    def erase(self) -> None:
        """Take the panel away."""
        if self._drawn:
            self.stream.write(_UP_AND_CLEAR.format(count=self._drawn))
            self.stream.flush()
            self._drawn = 0

    def draw(self, panel: Sequence[str]) -> None:
        """Draw the panel in place of the one before; the cursor stands below it."""
        size = os.get_terminal_size(self.stream.fileno())
        columns, rows = size.columns or _USUAL[0], size.lines or _USUAL[1]
        # A line that wraps would be two, and one that scrolls away could not be drawn over.
        kept = panel[: max(rows - _BESIDE, 1)]
        over = _UP_AND_CLEAR.format(count=self._drawn) if self._drawn else ""
        text = "".join(f"{shortened(line, columns - 1)}\n" for line in kept)
        self.stream.write(over + text)
        self.stream.flush()
        self._drawn = len(kept)
