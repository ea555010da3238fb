"""Submissions to Slurm: what the plug-in (version 2.8) lacks, mended at the start of a run.

Three things go wrong with the plug-in as it is. A job that it could not submit may count as running
for ever. Ctrl-C leaves jobs in Slurm. And a command of Slurm's that hangs keeps the run from its
end.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil  # of Snakemake

TOLD_S = 10
"""Seconds that a command of a submission has left to answer, once the run is told to end."""
CANCEL_S = 60
GIVE_UP_S = 300
"""Seconds after Ctrl-C in which a Slurm run is to end: `scancel` may take 60, twice."""
COMMANDS = frozenset(("sbatch", "sacct", "sacctmgr", "sshare", "sinfo"))
"""What a thread that submits may wait for without a limit."""
NOT_SUBMITTED = "Slurm did not take this job: "
"""How the log of a job begins that could not be submitted; `runs.failures` looks for it."""
_SBATCH_FAILED = "SLURM sbatch failed. The error message was "
_SBATCH_CALL = "\n    sbatch call:"


def mend(executor: Any, scheduler: Any) -> None:
    """Put our ways to submit, to report and to cancel in the place of the plug-in's.

    Parameters
    ----------
    executor : Executor
        Of the plug-in, at the start of the run.
    scheduler : JobScheduler
        Of Snakemake 9.27; SIGTERM sets its ``_user_kill``.
    """
    mended = Submissions(executor, scheduler)
    executor.run_job = mended.run_job
    executor.report_job_error = mended.report_job_error
    executor.cancel = mended.cancel
    threading.Thread(target=mended.watch, name="hanging", daemon=True).start()


class Submissions:
    """The jobs that one run hands to Slurm, around the methods that the plug-in has for them.

    Parameters
    ----------
    executor, scheduler
        As of `mend`.
    """

    def __init__(self, executor: Any, scheduler: Any) -> None:
        self.executor = executor
        self.scheduler = scheduler
        self.cancelled = threading.Event()
        # The plug-in's own methods, before others take their place.
        self._submit = executor.run_job
        self._report = executor.report_job_error
        self._cancel = executor.cancel

    def run_job(self, job: Any) -> None:
        """Submit a job; one that could not be submitted is one that failed.

        The plug-in submits in threads. What goes wrong there beside sbatch is to be reported with
        the name of the job's rule; a group has none, so the report fails and its error goes
        nowhere: the job counts as running for ever.
        """
        try:
            self._submit(job)
        except Exception as error:
            # The plug-in's handler of errors failed; what it was about comes first.
            cause = error.__context__ or error
            self.report_job_error(SimpleNamespace(job=job, external_jobid=None), f"{cause}")

    def report_job_error(self, submitted: Any, msg: str | None = None, **options: Any) -> None:
        """Report a job that failed; the log of one that could not be submitted says why.

        What sbatch says of a group is dropped by Snakemake 9.27, which shows the log of a failed
        job only.
        """
        if submitted.external_jobid is None:
            # Snakemake goes on in the same line.
            msg = f"{NOT_SUBMITTED}{reason_of(msg or '')}. "
            options["aux_logs"] = _noted(self._log_of(submitted.job), msg)
        self._report(submitted, msg=msg, **options)

    def _log_of(self, job: Any) -> Path:
        return Path(self.executor.slurm_logdir) / f"not_submitted_{job.jobid}.log"

    def cancel(self) -> None:
        """Cancel every job of the run, and end it in time.

        At Ctrl-C the plug-in cancels the jobs in its list, which is empty while it asks how they
        are, and then waits for its threads: those go on submitting what is in their queue. So jobs
        remain in Slurm.
        """
        # The last resort: an sbatch that hangs would be waited for, however often the run is told
        # to end.
        last_resort = threading.Timer(GIVE_UP_S, os._exit, (1,))
        last_resort.daemon = True
        last_resort.start()
        self.cancelled.set()
        # First no thread submits any more, then all that was submitted is cancelled.
        self.executor._job_submission_executor.shutdown(wait=True, cancel_futures=True)
        self._cancel_by_name()
        # The thread that asks how the jobs are may sleep for three minutes before it notices.
        asking = self.executor.wait_thread
        self.executor.wait_thread = SimpleNamespace(join=partial(asking.join, 1))
        self._cancel()
        last_resort.cancel()

    def _cancel_by_name(self) -> None:
        # All jobs of the run have its name, and nothing else has.
        scancel = ["scancel", "--name", self.executor.run_uuid]
        # Where it fails, the plug-in tries, too, and says what is wrong.
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(scancel, capture_output=True, timeout=CANCEL_S, check=False)

    def watch(self) -> None:
        """End the commands that hang, once the run is told to end; never return.

        Where a command hangs, as with a file system or an authentication that does, neither SIGTERM
        nor Ctrl-C ends the run by itself.
        """
        seen: dict[int, float] = {}
        while True:
            time.sleep(1)
            if self.cancelled.is_set() or self.scheduler._user_kill:
                end_commands(seen, TOLD_S)


def reason_of(message: str) -> str:
    """Return in one line what the plug-in says of a submission: what sbatch said, not its call."""
    before_call = message.partition(_SBATCH_CALL)[0]
    said = before_call.removeprefix(_SBATCH_FAILED).removesuffix("'.")
    words = [line.strip(" '") for line in said.splitlines()]
    return "; ".join(filter(None, words)) or "sbatch said nothing"


def _noted(path: Path, text: str) -> list[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:  # a full disk must not be the reason to wait for ever, again
        print(f"{text} ({path} could not be written: {error})", file=sys.stderr, flush=True)
        return []
    return [str(path)]


def end_commands(seen: dict[int, float], seconds: float) -> None:
    """Kill the commands of submissions below this process that have been seen for so long.

    Parameters
    ----------
    seen : dict of int to float
        Process numbers and the time when each was met first; kept up here.
    seconds : float
    """
    children = psutil.Process().children(recursive=True)
    running = {process.pid: process for process in children if _command(process)}
    now = time.monotonic()
    for number in set(seen) - set(running):
        del seen[number]
    for number, process in running.items():
        since = seen.setdefault(number, now)
        if now - since >= seconds:
            _end(process)


def _end(process: Any) -> None:
    name = _command(process)
    # What it has started holds its pipes open, and so would be waited for. From the top down: a
    # script whose command is killed goes on with the next one, which may submit after all.
    for each in [process, *_below(process)]:
        with contextlib.suppress(psutil.Error):
            each.kill()
    if name:
        message = f"ptychostudy: {name} does not answer: ended with the run"
        print(message, file=sys.stderr, flush=True)


def _below(process: Any) -> list[Any]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:  # it ended meanwhile
        return []


def _command(process: Any) -> str:
    """Return which of the commands a process is: by itself, as a script, or of a shell's."""
    try:
        words = process.cmdline()[:3]
    except psutil.Error:
        return ""
    programs = [Path(word.split(maxsplit=1)[0]).name for word in words if word.strip()]
    return next((name for name in programs if name in COMMANDS), "")
