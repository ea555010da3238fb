"""How long jobs take one after another and beside each other, from how long they took before."""

import heapq
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ptychostudy.runs.job_seconds import seconds_of_all
from ptychostudy.telling.dry_run import Job
from ptychostudy.telling.records import Record, mean_seconds, of_any_seed, seconds_of

_BENCHMARKS = ("benchmarks/", ".tsv")


def seconds(jobs: Sequence[Job], known: Mapping[str, Record], hub: Path) -> list[float | None]:
    """Return how long each job would take.

    It is what the same job took, by Snakemake's record or by its benchmark; else what jobs of its
    rule took on average; else None: no time is made up.
    """
    means = mean_seconds(known)
    return [_of_job(job, known, hub) or means.get(of_any_seed(job.rule)) for job in jobs]


def _of_job(job: Job, known: Mapping[str, Record], hub: Path) -> float | None:
    for output in job.outputs:
        if output in known:
            return seconds_of(known[output])
    folder, suffix = _BENCHMARKS
    path = job.benchmark.removesuffix(suffix)
    # That of a further seed lies in its folder.
    own, _, name = path.rpartition(folder)
    return seconds_of_all(hub / own, name) if name else None


def usual(known: Sequence[float]) -> float:
    """Return the seconds of a job of which nothing is known: as long as most take, not the mean.

    A few long ones make that of all; of them something is known first.
    """
    return statistics.median(known or [0.0])


def elapsed(
    jobs: Sequence[Job], times: Sequence[float], cores: int, gpus: int = sys.maxsize
) -> float:
    """Return the wall time of jobs on so many cores: each starts when its inputs are made.

    Parameters
    ----------
    jobs : sequence of Job
    times : sequence of float
        Seconds of each job.
    cores : int
    gpus : int
        How many jobs that ask for one may run at once.
    """
    waits = _waits(jobs)
    left = list(range(len(jobs)))
    running: list[tuple[float, int]] = []
    done: set[int] = set()
    now, free, idle = 0.0, cores, gpus
    while left or running:
        for k in [k for k in left if waits[k] <= done]:
            needed = min(jobs[k].threads, cores)
            asked = min(jobs[k].gpus, gpus)
            if needed <= free and asked <= idle:
                free, idle = free - needed, idle - asked
                left.remove(k)
                heapq.heappush(running, (now + times[k], k))
        if not running:
            break
        now, ended = heapq.heappop(running)
        free += min(jobs[ended].threads, cores)
        idle += min(jobs[ended].gpus, gpus)
        done.add(ended)
    return now


def _waits(jobs: Sequence[Job]) -> list[set[int]]:
    """Return for each job the places of those it waits for."""
    places = {path: k for k, job in enumerate(jobs) for path in job.outputs}
    return [{places[path] for path in job.inputs if path in places} for job in jobs]
