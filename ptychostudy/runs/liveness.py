"""A run and its jobs: what a killed run leaves behind stops nobody, and its jobs do not outlive it.

Snakemake locks a hub with files that outlive it, and does not say whose they are. Beside them, each
run holds a lock of the operating system, which ends with the process however that ends; so the next
run knows which of the files are stale.
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
from typing import TextIO

RUN = "PTYCHOSTUDY_RUN"
"""Environment variable of the jobs: the process number of the Snakemake that started them."""
STATE = Path(".snakemake")
_CLAIM = STATE / "ptychostudy.run"
_LOCKS = STATE / "locks"
_ELSEWHERE = (
    "ptychostudy: the last run in this folder (process {process} on {host}) did not end by itself. "
    "If it is gone and Snakemake now says that the folder is locked: add --unlock once"
)
_CLEARED = "ptychostudy: process {process} was killed during its run: removed its lock"


class Run:
    """The claim of one Snakemake on its hub, from reading the workflow to the end of the process.

    Attributes
    ----------
    alone : bool
        No other run was alive in this hub when this one began.
    """

    def __init__(self, hub: Path = Path(".")) -> None:
        self.alone = False
        self._process = os.getpid()
        self._file = _open(hub / _CLAIM)
        announce()
        if self._file is None:
            return
        # An exclusive lock is had only where no other run holds its shared one.
        self.alone = _lock(self._file, fcntl.LOCK_EX)
        if self.alone:
            _clear(hub, self._file.read())
            self._write(f"{socket.gethostname()} {self._process}\n")
        _lock(self._file, fcntl.LOCK_SH)
        atexit.register(self.release)

    def release(self) -> None:
        """Give the hub back; nothing is left written down, so the next run has nothing to clear."""
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
        # What cannot be removed, Snakemake names.
        shutil.rmtree(hub / _LOCKS, ignore_errors=True)
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


def claimant(hub: Path = Path(".")) -> tuple[str, int] | None:
    """Return host and process of the run that claimed a hub, or None; it may have been killed."""
    try:
        host, _, process = (hub / _CLAIM).read_text(encoding="utf-8").strip().partition(" ")
    except OSError:
        return None
    return (host, int(process)) if process.isdigit() else None


def is_alive(claim: tuple[str, int]) -> bool | None:
    """Return whether the process of a claim is a Snakemake of this machine; None on another."""
    host, process = claim
    if host != socket.gethostname():
        return None
    try:
        # A number is given again: another program with it is not that run.
        return b"snakemake" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def locks(hub: Path = Path(".")) -> list[Path]:
    """Return the files with which Snakemake locks a hub."""
    return sorted((hub / _LOCKS).glob("*"))


def announce() -> None:
    """Tell the jobs of this process whom to follow."""
    os.environ[RUN] = str(os.getpid())


def cancel_orphans(script: str) -> bool:
    """Cancel the Slurm jobs that an earlier run left in this hub, and wait for their end.

    It is done before their twins are submitted.

    Parameters
    ----------
    script : str
        ``cancel_orphans.sh`` of the profile.

    Returns
    -------
    bool
        There were some. With them went the files they had just written, because the Snakemake of a
        cancelled job removes its job's output: what was planned before counts on files that are no
        more.
    """
    if not shutil.which("squeue"):
        return False
    command = [script, "--jobs-only", "."]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    return bool(done.stdout)


def defer_sigterm(*, cancel: bool = False) -> None:
    """Let Snakemake's handler of SIGTERM do its work in a thread of its own.

    That of version 9.27 takes the scheduler's lock. Where the signal comes while the main thread
    holds that lock to finish a job, Snakemake would wait for itself for ever, because signals are
    handled in that thread.

    Parameters
    ----------
    cancel : bool
        A second SIGTERM is Ctrl-C. The first one waits for the jobs, and those of a cluster may
        take a day.
    """
    handler = signal.getsignal(signal.SIGTERM)
    came = threading.Event()
    if not callable(handler):
        return

    def start(*arguments: object) -> None:
        if cancel and came.is_set():
            raise KeyboardInterrupt
        came.set()
        threading.Thread(target=handler, args=arguments, name="sigterm", daemon=True).start()

    signal.signal(signal.SIGTERM, start)


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
    # Not every network file system shares locks between machines: that run may be alive.
    if host != socket.gethostname():
        print(_ELSEWHERE.format(process=process, host=host), file=sys.stderr)
        return
    locks = hub / _LOCKS
    if locks.is_dir() and any(locks.iterdir()):
        shutil.rmtree(locks)
        print(_CLEARED.format(process=process), file=sys.stderr)


def follow(stop: Callable[[int], None]) -> None:
    """Call ``stop`` with its process number when the Snakemake that started this job is gone.

    A job by hand, of a Snakemake in another process namespace, or on a system without ``pidfd`` is
    not watched.
    """
    text = os.environ.get(RUN, "")
    if not text.isdigit() or not hasattr(os, "pidfd_open"):
        return
    snakemake = int(text)
    # A number of another machine or process namespace may be that of a stranger here.
    if snakemake not in _ancestors():
        return
    try:
        descriptor = os.pidfd_open(snakemake)
    except OSError:
        return

    def wait() -> None:
        # A pidfd is readable once its process has ended, a zombie too.
        select.select([descriptor], [], [])
        stop(snakemake)

    threading.Thread(target=wait, name="follow", daemon=True).start()


def _ancestors() -> list[int]:
    """Return the process numbers of parent, grandparent and so on, as far as /proc tells."""
    numbers = [os.getppid()]
    try:
        while numbers[-1] > 1:
            numbers.append(_parent_of(numbers[-1]))
    except (OSError, ValueError, IndexError):
        return numbers
    return numbers


def _parent_of(process: int) -> int:
    stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    # The name in parentheses may hold anything, so the fields count from its end.
    fields = stat.rpartition(")")[2].split()
    return int(fields[1])
