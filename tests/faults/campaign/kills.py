"""Kills at random times while the study is made, each followed by the same command again."""

import os
import signal
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from campaign import runs

KINDS = ("kill -9 of a job", "kill -9 of Snakemake", "SIGTERM to the whole run")
WEIGHTS = (2, 2, 1)
"""How often each kind is drawn."""
IDLE_S = 180
"""A Snakemake that starts no job for so long hangs."""
MARGIN = 1.1
"""Latest moment of a kill, in durations of the job; beyond 1 it hits what comes after the job."""


@dataclass
class Tally:
    """What happened to one study.

    Attributes
    ----------
    kills : Counter of str
        Signals that were delivered, by kind.
    stages : Counter of str
        Jobs that were at work then, by stage.
    repeated : int
        Finished jobs that were done again.
    restarted : int
        Jobs that had not finished and were started again.
    continued : int
        Trainings that went on after their last epoch.
    rounds : int
        Runs of the command.
    failure : str
        What no kill explains.
    """

    kills: Counter = field(default_factory=Counter)
    stages: Counter = field(default_factory=Counter)
    repeated: int = 0
    restarted: int = 0
    continued: int = 0
    rounds: int = 0
    failure: str = ""

    @property
    def killed(self):
        """Signals that nobody can catch: what the campaign counts."""
        return self.kills[KINDS[0]] + self.kills[KINDS[1]]


def watch(run, seen):
    """Yield the stages of a run as they begin, as pairs of process and name, until the run ends.

    A run that hangs is ended by SIGABRT, which nobody else sends.
    """
    busy = time.monotonic()
    while run.poll() is None:
        jobs = runs.jobs_of(run)
        busy = time.monotonic() if jobs else busy
        if time.monotonic() - busy > IDLE_S:
            run.send_signal(signal.SIGABRT)
            run.wait()
        new = [(job, name) for job, name in jobs if job.pid not in seen]
        for job, name in new:
            seen.add(job.pid)
            yield job, name
            busy = time.monotonic()  # who struck at the job may have waited long for the moment
        if not new:
            time.sleep(0.1)


def measure(study, cores=1, target=()):
    """Run a study undisturbed; return its exit status, what it printed and the seconds of each stage."""
    before = study.log.stat().st_size if study.log.exists() else 0
    run, spent = study.start(*target, cores=cores), defaultdict(list)
    for job, name in watch(run, set()):
        start = time.monotonic()
        runs.await_(lambda job=job: not runs.alive(job), run)
        spent[name].append(time.monotonic() - start)
    return run.wait(), study.log.read_text()[before:], {name: max(times) for name, times in spent.items()}


def disturb(study, rng, kills, seconds, *, jobs, cores=1, target=()):
    """Make a study while killing, until the command ends well.

    Parameters
    ----------
    study : Study
        Its hub is empty.
    rng : Random
        Chooses jobs, moments and kinds.
    kills : int
        ``kill -9`` to deliver, and a quarter as many SIGTERM beside them.
    seconds : dict of str to float
        Duration of each stage.
    jobs : int
        Jobs of the study.
    cores, target
        As for `Study.start`.

    Returns
    -------
    Tally
    """
    tally, finished, started, text = Tally(), 0, 0, ""
    # A job is struck again with the same chance when it is started again: so the kills last for all jobs, but for luck.
    signals = kills * sum(WEIGHTS) / sum(WEIGHTS[:2])
    share = signals / (signals + jobs)
    while tally.rounds < 20 * (kills + 1):
        tally.rounds += 1
        before = study.log.stat().st_size if study.log.exists() else 0
        run, hit, seen = study.start(*target, cores=cores), False, set()
        for job, name in watch(run, seen):
            if tally.killed < kills and rng.random() < share:
                hit |= _strike(run, job, name, rng, seconds=seconds, tally=tally)
        code = run.wait()
        text = study.log.read_bytes()[before:].decode(errors="replace")
        finished, started = finished + runs.finished_jobs(text), started + len(seen)
        tally.continued += text.count("continues after epoch")
        if code == 0:
            break
        if code == -signal.SIGABRT:
            tally.failure = f"it hung:\n{text[-3000:]}"
            break
        if not hit:
            tally.failure = f"exit status {code} although nothing was killed:\n{text[-3000:]}"
            break
    tally.repeated = max(0, finished - jobs)
    tally.restarted = started - max(finished, jobs)
    return tally


def _strike(run, job, name, rng, *, seconds, tally):
    """Wait for a random moment of a job, then send one signal; say whether it was delivered."""
    (kind,), end = rng.choices(KINDS, WEIGHTS), time.monotonic() + rng.uniform(0, MARGIN * seconds.get(name, 1.0))
    while time.monotonic() < end and runs.alive(job) and run.poll() is None:
        time.sleep(0.01)
    if run.poll() is not None:  # its number may be someone else's by now
        return False
    if kind == KINDS[0]:
        delivered = runs.alive(job) and runs.kill(job)
    elif kind == KINDS[1]:
        delivered = runs.kill(run)
    else:
        os.killpg(run.pid, signal.SIGTERM)
        delivered = True
    if not delivered:
        return False
    tally.kills[kind] += 1
    tally.stages[name] += 1
    return True
