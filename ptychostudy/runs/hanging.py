"""A Slurm run that is told to end: nothing is submitted behind its back, and no command that hangs holds it up."""

import contextlib
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

TOLD_S = 10
"""Seconds that a command of a submission has left to answer, once the run is told to end."""
CANCEL_S = 60
COMMANDS = frozenset(("sbatch", "sacct", "sacctmgr", "sshare", "sinfo"))
"""What a thread that submits may wait for without a limit."""


def end_with_the_run(executor: Any, scheduler: Any) -> None:
    """Let no job and no command of a submission outlive a run that is told to end.

    At Ctrl-C, version 2.8 of the Slurm plug-in cancels the jobs in its list, which is empty while it asks how they are,
    and then waits for its threads: those go on submitting what is in their queue. So jobs remain in Slurm. Where a
    command hangs, as with a file system or an authentication that does, neither SIGTERM nor Ctrl-C ends the run; and
    the thread that asks may sleep for three minutes before it notices.

    Parameters
    ----------
    executor : Executor
        Of the plug-in, at the start of the run.
    scheduler : JobScheduler
        Of Snakemake 9.27; SIGTERM sets its ``_user_kill``.
    """
    stopped, cancel, threads = threading.Event(), executor.cancel, executor._job_submission_executor

    def watch() -> None:
        seen: dict[int, float] = {}
        while True:
            time.sleep(1)
            if stopped.is_set() or scheduler._user_kill:
                end_commands(seen, TOLD_S)

    def cancel_all() -> None:
        stopped.set()
        threads.shutdown(wait=True, cancel_futures=True)
        # All jobs of the run have its name, and nothing else has.
        scancel = ["scancel", "--name", executor.run_uuid]
        with contextlib.suppress(
            OSError, subprocess.TimeoutExpired
        ):  # the plug-in tries, too, and says what is wrong
            subprocess.run(scancel, capture_output=True, timeout=CANCEL_S, check=False)
        executor.wait_thread = SimpleNamespace(join=partial(executor.wait_thread.join, 1))
        cancel()

    threading.Thread(target=watch, name="hanging", daemon=True).start()
    executor.cancel = cancel_all


def end_commands(seen: dict[int, float], seconds: float) -> None:
    """Kill the commands of submissions below this process that have been seen for so long, and say which.

    Parameters
    ----------
    seen : dict of int to float
        Process numbers and the time when each was met first; kept up here.
    seconds : float
    """
    import psutil  # of Snakemake

    found = {
        process.pid: process
        for process in psutil.Process().children(recursive=True)
        if _command(process)
    }
    now = time.monotonic()
    for number in set(seen) - set(found):
        del seen[number]
    for number, process in found.items():
        if now - seen.setdefault(number, now) < seconds:
            continue
        name = _command(process)
        # What it has started holds its pipes open, and so would be waited for.
        for each in [*_below(process), process]:
            try:
                each.kill()
            except psutil.Error:
                continue
        if name:
            print(
                f"ptychostudy: {name} does not answer: ended with the run",
                file=sys.stderr,
                flush=True,
            )


def _below(process: Any) -> list[Any]:
    import psutil

    try:
        return list(process.children(recursive=True))
    except psutil.Error:  # it ended meanwhile
        return []


def _command(process: Any) -> str:
    """Return which of the commands a process is: by itself, as a script, or as what a shell was told to do."""
    import psutil

    try:
        words = [word.split(maxsplit=1)[0] for word in process.cmdline()[:3] if word.strip()]
    except psutil.Error:
        return ""
    return next((name for word in words if (name := Path(word).name) in COMMANDS), "")
