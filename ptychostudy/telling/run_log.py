"""How far a run is, from Snakemake's log, and how far its jobs are, from theirs."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ptychostudy.runs import snakemake_log
from ptychostudy.runs.liveness import STATE
from ptychostudy.telling.records import of_any_seed

_LOGS = STATE / "log"
_NAME = ".snakemake.log"
_STARTED = "%Y-%m-%dT%H%M%S.%f"
"""What the name of a log is, but for its end."""
_PLANNED = re.compile(r"^Job stats:\n.*\n[- ]+\n(?P<rows>(?:\w+ +\d+\n)+)", re.MULTILINE)
_ROW = re.compile(r"^(\w+) +(\d+)$", re.MULTILINE)
_FINISHED = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)", re.MULTILINE)
_CORES = re.compile(r"^Provided cores: (\d+)", re.MULTILINE)
_EPOCH = re.compile(
    r"^(?P<label>.+): epoch (?P<done>\d+) of (?P<total>\d+)(?:, loss (?P<loss>[^,\s]+))?"
    r", about (?P<minutes>\d+):(?P<seconds>\d\d) left$"
)
_WARNING = re.compile(r"warning\b", re.IGNORECASE)
_TAIL = 200_000
"""Bytes of a log that are looked at: its end says how far a job is."""


@dataclass(frozen=True)
class RunLog:
    """What a log of Snakemake says.

    Attributes
    ----------
    started : float
        Seconds since 1970.
    cores : int
    planned, finished : Counter
        Jobs of each rule, further seeds with the first.
    failed : list of str
        Rules of jobs that failed.
    """

    started: float
    cores: int
    planned: Counter[str]
    finished: Counter[str]
    failed: list[str]


@dataclass(frozen=True)
class Epoch:
    """How far a training or a solver is.

    Attributes
    ----------
    label : str
        What is running.
    done, total : int
        Epochs.
    loss : float or None
    seconds_left : int
    """

    label: str
    done: int
    total: int
    loss: float | None
    seconds_left: int


def last_run(hub: Path, *, working: bool = False) -> RunLog | None:
    """Return the log of the last run in a hub; None where none has left one.

    A report, an unlocking and a run that found nothing to do leave logs without a job: they are
    passed over, for they say nothing of the study. The newest is taken whatever it says where a
    run is ``working``: it may not have planned its jobs yet.
    """
    logs = sorted((hub / _LOGS).glob(f"*{_NAME}"), reverse=True)
    newest = None
    for path in logs:
        log = read(path)
        newest = newest or log
        if working or log.planned:
            return log
    return newest


def read(path: Path) -> RunLog:
    """Return what a log says."""
    text = path.read_text(encoding="utf-8", errors="replace")
    planned = _PLANNED.search(text)
    cores = _CORES.search(text)
    rows = _ROW.findall(planned["rows"]) if planned else []
    counts: Counter[str] = Counter()
    for rule, count in rows:
        if rule != "total":
            counts[of_any_seed(rule)] += int(count)
    return RunLog(
        started=_start(path),
        cores=int(cores[1]) if cores else 1,
        planned=counts,
        finished=Counter(map(of_any_seed, _FINISHED.findall(text))),
        failed=[of_any_seed(match["rule"]) for match in snakemake_log.ERROR.finditer(text)],
    )


def _start(path: Path) -> float:
    try:
        return datetime.strptime(path.name.removesuffix(_NAME), _STARTED).timestamp()
    except ValueError:
        return path.stat().st_mtime


def epoch(log: Path) -> Epoch | None:
    """Return the last epoch that the log of a job tells of."""
    for line in reversed(_end(log)):
        match = _EPOCH.match(line)
        if match:
            loss = None if match["loss"] is None else float(match["loss"])
            left = 60 * int(match["minutes"]) + int(match["seconds"])
            return Epoch(match["label"], int(match["done"]), int(match["total"]), loss, left)
    return None


def last_warning(logs: list[Path]) -> tuple[Path, str] | None:
    """Return the last line with a warning in the logs of jobs, the youngest log first."""
    for log in sorted(logs, key=_age):
        for line in reversed(_end(log)):
            if _WARNING.search(line):
                return log, line.strip()
    return None


def _age(log: Path) -> float:
    try:
        return -log.stat().st_mtime
    except OSError:
        return 0.0


def _end(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
