"""What a run has done and does, from the records of Snakemake's logger."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptychostudy.telling.records import of_any_seed
from ptychostudy.telling.run_log import Epoch, epoch

_TOTAL = "total"


@dataclass(frozen=True)
class Running:
    """A job that runs.

    Attributes
    ----------
    rule : str
        Further seeds with the first.
    name : str
        Its rule and wildcards.
    log : Path or None
    since : float
        Seconds since 1970.
    """

    rule: str
    name: str
    log: Path | None
    since: float

    def epoch(self) -> Epoch | None:
        """Return how far it says it is; a log of an earlier run says nothing of it."""
        try:
            fresh = self.log is not None and self.log.stat().st_mtime >= self.since
        except OSError:
            return None
        return epoch(self.log) if fresh and self.log is not None else None


class RunState:
    """Jobs of a run by what has become of them.

    Attributes
    ----------
    planned, finished : Counter
        Jobs of each rule, further seeds with the first, in the order of the run.
    running : dict of int to Running
    ended : set of int
        Jobs that have ended well.
    failed : dict of int to str
        Rules of jobs that failed and were not repeated.
    """

    def __init__(self) -> None:
        self.planned: Counter[str] = Counter()
        self.finished: Counter[str] = Counter()
        self.running: dict[int, Running] = {}
        self.ended: set[int] = set()
        self.failed: dict[int, str] = {}
        self.started = time.time()

    def take(self, event: str, values: Mapping[str, Any]) -> Running | None:
        """Take a record of the logger.

        Parameters
        ----------
        event : str
            Snakemake's name of it.
        values : mapping of str to object
            What it says.

        Returns
        -------
        Running or None
            The job that it says has finished.
        """
        if event == "run_info":
            self._plan(values["stats"])
        elif event == "job_info":
            self._begin(values)
        elif event == "job_error":
            self._fail(values["jobid"], values["rule_name"])
        elif event == "job_finished":
            return self._finish(values["job_id"])
        return None

    def _plan(self, stats: Mapping[str, int]) -> None:
        self.planned.clear()
        for rule, count in stats.items():
            if rule != _TOTAL:
                self.planned[of_any_seed(rule)] += count

    def _begin(self, values: Mapping[str, Any]) -> None:
        rule = values["rule_name"]
        words = [rule, *(f"{value}" for value in dict(values["wildcards"]).values())]
        logs = values["log"]
        self.failed.pop(values["jobid"], None)
        self.running[values["jobid"]] = Running(
            of_any_seed(rule),
            " ".join(words),
            Path(logs[0]) if logs else None,
            since=time.time(),
        )

    def _fail(self, number: int, rule: str) -> None:
        self.running.pop(number, None)
        self.failed[number] = of_any_seed(rule)

    def _finish(self, number: int) -> Running | None:
        job = self.running.pop(number, None)
        self.ended.add(number)
        if job is not None:
            self.finished[job.rule] += 1
        return job

    @property
    def total(self) -> int:
        """Number of all jobs."""
        return self.planned.total()

    def stages(self) -> tuple[list[str], list[str]]:
        """Return the rules that are done, and those that are not with the jobs they lack."""
        left = self.planned - self.finished
        done = [rule for rule in self.planned if rule not in left]
        return done, [f"{left[rule]} {rule}" for rule in self.planned if rule in left]
