"""A stage as a process: its environment, how it is stopped, and what it says on stderr."""

import contextlib
import os
import signal
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from types import FrameType

from ptychostudy import gpu
from ptychostudy.runs import liveness

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)


class Stopped(BaseException):
    """SIGTERM came, or the Snakemake that wants the result is gone. No library catches it by mistake."""


KEPT = (
    "No file is half written, and a training keeps its last finished epoch: the same command continues "
    "(under Snakemake, Snakemake's own)."
)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Turn SIGTERM into an exception between two steps of the main thread, and follow Snakemake where it started us."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    reasons: list[str] = []

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(
            signal.SIGTERM, signal.SIG_IGN
        )  # Slurm says it more than once; tidying up takes its time
        raise Stopped(reasons[0] if reasons else "SIGTERM")

    def orphaned(process: int) -> None:
        reasons.append(f"the end of its Snakemake, process {process}")
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        liveness.follow(orphaned)
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def say(text: str) -> None:
    """Print to stderr; where the reader of the pipe was stopped too, nobody is left to read."""
    shown = textwrap.fill(text, 110, break_on_hyphens=False, break_long_words=False)
    try:
        sys.stdout.flush()
        print(shown, file=sys.stderr, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())


def set_environment(threads: str = "1") -> None:
    """Set what libraries read once, when they are imported: threads, log level, backend."""
    for name in THREAD_VARIABLES:
        os.environ[name] = threads
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    if not gpu.given():
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("MPLBACKEND", "Agg")


@contextlib.contextmanager
def held_stderr() -> Iterator[None]:
    """Hold back what C++ libraries print while they are imported; show it if the import fails."""
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            if failed:
                held.seek(0)
                sys.stderr.write(held.read().decode(errors="replace"))
