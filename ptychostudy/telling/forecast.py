"""How long a run still takes: each job as long as before, begun when its inputs are made."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from ptychostudy.telling import course
from ptychostudy.telling.dry_run import Job
from ptychostudy.telling.records import of_any_seed

_SOON_S = 1.0
"""What a job is given that has outlasted its time."""
_UNSEEN = 0.5
"""Share of the jobs that may be of unknown time for the time of all to be told."""
_TRUSTED_S = 30.0
"""Seconds of work until which earlier times are trusted more than how fast this run is."""


@dataclass(frozen=True)
class Far:
    """How far a job is that runs.

    Attributes
    ----------
    worked : float
        Seconds since its start.
    told : float
        Seconds that it says are left; 0 if it says nothing.
    """

    worked: float
    told: float = 0.0


class Forecast:
    """The jobs of a run and how long each of them takes.

    Parameters
    ----------
    jobs : mapping of int to Job
        By their numbers in Snakemake.
    times : iterable of float or None
        Seconds of each, None where nothing is known.
    slots : int
        Cores, or on a cluster jobs, that there are at once.
    gpus : int
        Jobs with a GPU that there are at once.
    """

    def __init__(
        self,
        jobs: Mapping[int, Job],
        times: Iterable[float | None],
        slots: int,
        gpus: int = sys.maxsize,
    ) -> None:
        self.jobs = jobs
        self.slots, self.gpus = slots, gpus
        self._times = dict(zip(jobs, times, strict=True))
        self._seen: dict[str, list[float]] = defaultdict(list)
        self._took: dict[int, float] = {}

    def note(self, number: int, seconds: float) -> None:
        """Learn how long a job has taken.

        Others of its rule take as long, if nothing is known of them; the others take longer if
        this one took longer than before.
        """
        if number in self.jobs:
            self._took[number] = seconds
            self._seen[of_any_seed(self.jobs[number].rule)].append(seconds)

    def _pace(self, running: Mapping[int, Far]) -> float:
        """Return how much longer jobs take than they took before: the machine may be another."""
        late = {
            number: far.worked
            for number, far in running.items()
            if far.worked > (self._times.get(number) or far.worked)
        }
        took = {**self._took, **late}
        pairs = [(took[number], time) for number, time in self._times.items() if number in took]
        known = [(seconds, time) for seconds, time in pairs if time is not None]
        now, before = (sum(column) for column in zip(*known, strict=True)) if known else (0.0, 0.0)
        return (now + _TRUSTED_S) / (before + _TRUSTED_S)

    def seconds_left(
        self, done: Collection[int], running: Mapping[int, Far]
    ) -> tuple[float | None, int]:
        """Return about how long the run still takes, and of how many jobs that is not known.

        None where that is most of them.

        Parameters
        ----------
        done : collection of int
            Jobs that have ended, well or not.
        running : mapping of int to Far
        """
        # Those that run are first: they have their cores already.
        left = [*running, *(number for number in self.jobs if number not in {*done, *running})]
        times = {number: self._time(number) for number in left if number in self.jobs}
        unknown = list(times.values()).count(None)
        # Short jobs come first: of long ones that nobody has seen they say nothing.
        if unknown > _UNSEEN * len(self.jobs):
            return None, unknown
        usual = course.usual(self._known())
        pace = self._pace(running)
        filled = [
            _rest(pace * (usual if time is None else time), running.get(number))
            for number, time in times.items()
        ]
        jobs = [replace(self.jobs[number], reason="") for number in times]
        return course.elapsed(jobs, filled, self.slots, self.gpus), unknown

    def _known(self) -> list[float]:
        """Return all times that are known, of earlier runs and of this one."""
        before = [time for time in self._times.values() if time is not None]
        return before + [time for times in self._seen.values() for time in times]

    def _time(self, number: int) -> float | None:
        time = self._times[number]
        seen = self._seen.get(of_any_seed(self.jobs[number].rule))
        return statistics.fmean(seen) if time is None and seen else time


def _rest(time: float, far: Far | None) -> float:
    if far is None:
        return time
    # What a training says of itself is better than what such trainings took.
    return far.told or max(time - far.worked, _SOON_S)
