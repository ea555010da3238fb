"""How long a run still takes, from what its jobs took so far and in earlier runs."""

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ptychostudy.telling.records import Record, mean_seconds, seconds_of
from ptychostudy.telling.run_log import RunLog

_COLLECTING = ("all", "post_verify", "export_all")
"""Rules without a command."""


def jobs_left(log: RunLog) -> Counter[str]:
    """Return how many jobs of each rule have not finished."""
    left = log.planned - log.finished
    for rule in _COLLECTING:
        left.pop(rule, None)
    return left


def seconds_left(
    log: RunLog, known: Mapping[str, Record], running: float, now: float | None = None
) -> tuple[float | None, int]:
    """Return about how long the jobs that are left take, and of how many that is not known.

    Parameters
    ----------
    log : RunLog
    known : mapping of str to Record
        What Snakemake has noted, of earlier runs too.
    running : float
        Seconds of work that the running jobs have done.
    now : float, optional
        Seconds since 1970.

    Returns
    -------
    seconds : float or None
        None where of no rule it is known.
    jobs : int
        Of rules that have never run here: they come on top.
    """
    means = mean_seconds(known)
    left = jobs_left(log)
    timed = {rule: count for rule, count in left.items() if rule in means}
    if left and not timed:
        return None, left.total()
    work = sum(count * means[rule] for rule, count in timed.items())
    beside = _beside(log, known, running, time.time() if now is None else now)
    return max(0.0, work - running) / beside, left.total() - sum(timed.values())


def _beside(log: RunLog, known: Mapping[str, Record], running: float, now: float) -> float:
    """Return how many jobs ran beside each other so far, by the work done in the time since."""
    # A job of several files has a record for each, and one log.
    jobs = {
        tuple(record.get("log") or [record["rule"]]): seconds_of(record) or 0.0
        for record in known.values()
        if (record.get("starttime") or 0.0) >= log.started
    }
    passed = max(now - log.started, 1.0)
    return min(max((sum(jobs.values()) + running) / passed, 1.0), float(log.cores))


def log_of(hub: Path, output: str, folder: str) -> Path | None:
    """Return the log of the job that makes a file: logs mirror all paths.

    Parameters
    ----------
    hub : Path
    output : str
        Relative to the hub.
    folder : str
        Of logs.
    """
    exact = hub / folder / f"{output}.log"
    if exact.is_file():
        return exact
    # One log serves all files of a job.
    beside = [path for path in exact.parent.glob("*.log") if path.is_file()]
    return max(beside, key=lambda path: path.stat().st_mtime, default=None)
