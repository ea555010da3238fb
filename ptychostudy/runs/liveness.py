"""A run and its jobs: what a killed run leaves behind stops nobody, and its jobs do not outlive it.

Snakemake locks a hub with files that outlive it, and does not say whose they are. Beside them, each run holds a lock of
the operating system, which ends with the process however that ends; so the next run knows which of the files are stale.
"""

import atexit
import fcntl
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

RUN = "PTYCHOSTUDY_RUN"
"""Environment variable of the jobs: the process number of the Snakemake that started them."""
STATE = Path(".snakemake")
GIVE_UP_S = 300
"""Seconds after Ctrl-C in which a Slurm run is to end: `scancel` may take 60, twice."""
NOT_SUBMITTED = "Slurm did not take this job: "
"""How the log of a job begins that could not be submitted; `ptychostudy.runs.failures` looks for it."""


class Run:
    """The claim of one Snakemake on its hub, from the reading of the workflow to the end of the process.

    Attributes
    ----------
    alone : bool
        No other run was alive in this hub when this one began.
    """

    def __init__(self, hub: Path = Path(".")) -> None:
        self.alone, self._file, self._process = (
            False,
            _open(hub / STATE / "ptychostudy.run"),
            os.getpid(),
        )
        announce()
        if self._file is None:
            return
        self.alone = _lock(self._file, fcntl.LOCK_EX)
        if self.alone:
            _clear(hub, self._file.read())
            self._write(f"{socket.gethostname()} {self._process}\n")
        _lock(self._file, fcntl.LOCK_SH)
        atexit.register(self.release)

    def release(self) -> None:
        """Give the hub back; what is written down then is nothing, so that the next run has nothing to clear."""
        # A forked child that ends has not ended the run.
        if self._file is None or self._file.closed or os.getpid() != self._process:
            return
        if self.alone and _lock(self._file, fcntl.LOCK_EX):
            self._write("")
        self._file.close()

    def restart(self, folder: str | Path, hub: Path = Path(".")) -> None:
        """Begin this run anew in this process, with the command that began it.

        Parameters
        ----------
        folder : str or Path
            Where it was started: its relative paths count from there.
        hub : Path
            Whose lock, which is this run's own, is removed.
        """
        shutil.rmtree(
            hub / STATE / "locks", ignore_errors=True
        )  # what cannot be removed, Snakemake names
        self.release()
        os.chdir(folder)
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])

    def _write(self, text: str) -> None:
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(text)
            self._file.flush()


def announce() -> None:
    """Tell the jobs of this process whom to follow."""
    os.environ[RUN] = str(os.getpid())


def cancel_orphans(script: str) -> bool:
    """Cancel the Slurm jobs that an earlier run left in this hub, before their twins are submitted; wait for their end.

    Parameters
    ----------
    script : str
        ``cancel_orphans.sh`` of the profile.

    Returns
    -------
    bool
        There were some. With them went the files they had just written, because the Snakemake of a cancelled job
        removes its job's output: what was planned before counts on files that are no more.
    """
    if not shutil.which("squeue"):
        return False
    done = subprocess.run(
        [script, "--jobs-only", "."], check=True, stdout=subprocess.PIPE, text=True
    )
    print(done.stdout, end="", flush=True)
    return bool(done.stdout)


def defer_sigterm(*, cancel: bool = False) -> None:
    """Let Snakemake's handler of SIGTERM do its work in a thread of its own.

    That of version 9.27 takes the scheduler's lock. Where the signal comes while the main thread holds that lock to
    finish a job, Snakemake would wait for itself for ever, because signals are handled in that thread.

    Parameters
    ----------
    cancel : bool
        A second SIGTERM is Ctrl-C. The first one waits for the jobs, and those of a cluster may take a day.
    """
    handler, came = signal.getsignal(signal.SIGTERM), threading.Event()
    if callable(handler):

        def start(*arguments: object) -> None:
            if cancel and came.is_set():
                raise KeyboardInterrupt
            came.set()
            threading.Thread(target=handler, args=arguments, name="sigterm", daemon=True).start()

        signal.signal(signal.SIGTERM, start)


def end_failed_submissions(executor: Any) -> None:
    """See to it that a job that could not be submitted is a job that failed, and that its log says why.

    Version 2.8 of the Slurm plug-in submits in threads. What goes wrong there beside sbatch is to be reported with the
    name of the job's rule; a group has none, so the report fails and its error goes nowhere: the job counts as running
    for ever. And what sbatch says of a group is dropped by Snakemake 9.27, which shows the log of a failed job only.

    Parameters
    ----------
    executor : Executor
        Of the plug-in, at the start of the run.
    """
    submit, report, cancel = executor.run_job, executor.report_job_error, executor.cancel
    folder = Path(executor.slurm_logdir)

    def run_job(job: Any) -> None:
        try:
            submit(job)
        except (
            Exception
        ) as error:  # the plug-in's handler of errors failed; what it was about comes first
            executor.report_job_error(
                SimpleNamespace(job=job, external_jobid=None), f"{error.__context__ or error}"
            )

    def report_job_error(submitted: Any, msg: str | None = None, **options: Any) -> None:
        if submitted.external_jobid is None:
            msg = f"{NOT_SUBMITTED}{reason_of(msg or '')}. "  # Snakemake goes on in the same line
            options["aux_logs"] = _noted(folder / f"not_submitted_{submitted.job.jobid}.log", msg)
        report(submitted, msg=msg, **options)

    def cancel_in_time() -> None:
        # An sbatch that hangs would be waited for, however often the run is told to end.
        watch = threading.Timer(GIVE_UP_S, os._exit, (1,))
        watch.daemon = True
        watch.start()
        cancel()
        watch.cancel()

    executor.run_job, executor.report_job_error, executor.cancel = (
        run_job,
        report_job_error,
        cancel_in_time,
    )


def reason_of(message: str) -> str:
    """Return in one line what the plug-in says of a submission: the words of sbatch without those it was given."""
    said = message.partition("\n    sbatch call:")[0].removeprefix(
        "SLURM sbatch failed. The error message was "
    )
    words = "; ".join(
        filter(None, (line.strip(" '") for line in said.removesuffix("'.").splitlines()))
    )
    return words or "sbatch said nothing"


def _noted(path: Path, text: str) -> list[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:  # a full disk must not be the reason to wait for ever, again
        print(f"{text} ({path} could not be written: {error})", file=sys.stderr, flush=True)
        return []
    return [str(path)]


def _open(path: Path) -> TextIO | None:
    """Open the file that is locked; a hub that cannot be written has no run to protect."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", encoding="utf-8")
    except OSError:
        return None
    file.seek(0)
    return file


def _lock(file: TextIO, kind: int) -> bool:
    """Take a lock or say that another process, or the file system, does not let us."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _clear(hub: Path, record: str) -> None:
    """Remove the lock of a run that ended without a word; ``record`` is what it wrote down."""
    host, _, process = record.strip().partition(" ")
    if not host:
        return
    if host != socket.gethostname():
        # Not every network file system shares locks between machines: that run may be alive.
        print(
            f"ptychostudy: the last run in this folder (process {process} on {host}) did not end by itself. "
            f"If it is gone and Snakemake now says that the folder is locked: add --unlock once",
            file=sys.stderr,
        )
        return
    locks = hub / STATE / "locks"
    if locks.is_dir() and any(locks.iterdir()):
        shutil.rmtree(locks)
        print(
            f"ptychostudy: process {process} was killed during its run: removed its lock",
            file=sys.stderr,
        )


def follow(stop: Callable[[int], None]) -> None:
    """Call ``stop`` with its process number when the Snakemake that started this job is gone.

    A job by hand, of a Snakemake in another process namespace, or on a system without ``pidfd`` is not watched.
    """
    text = os.environ.get(RUN, "")
    if not text.isdigit() or int(text) not in _ancestors() or not hasattr(os, "pidfd_open"):
        return
    try:
        descriptor = os.pidfd_open(int(text))
    except OSError:
        return

    def wait() -> None:
        select.select([descriptor], [], [])
        stop(int(text))

    threading.Thread(target=wait, name="follow", daemon=True).start()


def _ancestors() -> list[int]:
    """Return the process numbers of parent, grandparent and so on; empty where /proc does not tell."""
    found = [os.getppid()]
    try:
        while found[-1] > 1:
            # The name in parentheses may hold anything, so the fields count from its end.
            fields = (
                Path(f"/proc/{found[-1]}/stat")
                .read_text(encoding="utf-8")
                .rpartition(")")[2]
                .split()
            )
            found.append(int(fields[1]))
    except (OSError, ValueError, IndexError):
        return found
    return found
