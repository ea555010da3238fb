"""A stage as a process: its environment, how it is stopped, and what it says on stderr."""

import contextlib
import importlib.util
import os
import shlex
import signal
import sys
import tempfile
import textwrap
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from ptychostudy.io import gpu
from ptychostudy.io.threads import VARIABLE
from ptychostudy.runs import liveness
from ptychostudy.study.names import BACKENDS, NUMPY

THREAD_VARIABLES = (
    VARIABLE,
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
_DEFAULTS = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_DETERMINISTIC_OPS": "1",
    "TQDM_DISABLE": "1",
    "MPLBACKEND": "Agg",
}
"""What libraries read when they are imported, where the caller has not said otherwise."""
_OF_KERAS_ALONE = ("sklearn", "matplotlib", "pandas")
"""What Keras imports where it is installed, for estimators, pictures and tables: a third of its
start."""
_WIDTH = 110
AGAIN_S = 3.0
"""Seconds in which a stage that is stopped tidies up."""


class Stopped(BaseException):
    """SIGTERM came, or the Snakemake that wants the result is gone. No library catches it."""


KEPT = (
    "No file is half written, and a training keeps its last finished epoch: the same command "
    "continues (under Snakemake, Snakemake's own)."
)


def shell_prefix(package: Path | str, *, silent: bool = False) -> str:
    """Return what Snakemake puts before the command of each job.

    Parameters
    ----------
    package : Path or str
        Folder that holds the package ``ptychostudy``.
    silent : bool
        Whether jobs write into their logs alone, and not to the terminal.

    Returns
    -------
    str
        With the braces that Snakemake's formatting asks for.
    """
    # SIGTERM to a job's whole group: the stage ends by itself; its shell and `tee` wait for its
    # last words and its status.
    quiet = "exec >/dev/null; " if silent else ""
    return f"set -euo pipefail; trap '' TERM; {package_export(package)}; {quiet}"


def package_export(package: Path | str, *, first: bool = True) -> str:
    """Return the shell command by which Python finds a package, first or last of all.

    Parameters
    ----------
    package : Path or str
        Folder that holds it.
    first : bool
        Before what PYTHONPATH holds already.

    Returns
    -------
    str
        With the braces that Snakemake's formatting asks for.
    """
    # The package is that of this Snakefile, in environments of conda too: they hold what it
    # imports but not itself, and Snakemake takes PYTHONPATH out of theirs before the command, where
    # alone it can be said again.
    folder = shlex.quote(str(package)).replace("{", "{{").replace("}", "}}")
    if first:
        return f"export PYTHONPATH={folder}${{{{PYTHONPATH:+:$PYTHONPATH}}}}"
    return f"export PYTHONPATH=${{{{PYTHONPATH:+$PYTHONPATH:}}}}{folder}"


@contextlib.contextmanager
def stoppable() -> Iterator[list[BaseException]]:
    """Turn SIGTERM into an exception of the main thread, and follow Snakemake where it started us.

    The exception comes between two steps of the interpreter. One of them may be in a finalizer,
    where Python prints it and goes on: then it comes again.

    Yields
    ------
    list of BaseException
        What stopped the work, SIGTERM or Ctrl-C, once something did: for `unmistaken`.
    """
    came: list[BaseException] = []
    if threading.current_thread() is not threading.main_thread():
        yield came  # signals are the main thread's
        return
    reasons: list[str] = []

    def stop(number: int, frame: FrameType | None) -> None:
        # Slurm says it more than once; tidying up takes its time.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        came.append(Stopped(reasons[0] if reasons else "SIGTERM"))
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S, AGAIN_S)
        raise came[-1]

    def stop_again(number: int, frame: FrameType | None) -> None:
        raise came[-1]

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(KeyboardInterrupt())
        raise came[-1]

    def orphaned(snakemake: int) -> None:
        # Called in another thread, which can raise nothing here: it sends the signal instead.
        reasons.append(f"the end of its Snakemake, process {snakemake}")
        os.kill(os.getpid(), signal.SIGTERM)

    handlers: dict[int, Callable[[int, FrameType | None], None]] = {
        signal.SIGTERM: stop,
        signal.SIGALRM: stop_again,
    }
    # Ignored it is in what a shell started in the background, and stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        handlers[signal.SIGINT] = interrupt
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        liveness.follow(orphaned)
        yield came
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def unmistaken(came: list[BaseException]) -> Iterator[None]:
    """Let what stopped the work pass for nothing else.

    A library may make an error of its own of whatever comes while it calls back, as pydantic does
    of a signal that meets it between two fields of a section.

    Parameters
    ----------
    came : list of BaseException
        Of `stoppable`.
    """
    try:
        yield
    except Exception as error:
        if came:
            raise came[0] from error
        raise
    finally:
        if came:
            # It has arrived: once more, and what is said of it would be cut off.
            signal.setitimer(signal.ITIMER_REAL, 0)


def tell_width() -> None:
    """Tell jobs how wide the terminal is: behind their pipes they cannot see it."""
    if sys.stderr.isatty():
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
        # One that does not say it has none.
        if columns:
            os.environ.setdefault("COLUMNS", str(columns))


def say(text: str) -> None:
    """Print to stderr; where the reader of the pipe was stopped too, nobody is left to read."""
    shown = textwrap.fill(text, _WIDTH, break_on_hyphens=False, break_long_words=False)
    try:
        sys.stdout.flush()
        print(shown, file=sys.stderr, flush=True)
    except BrokenPipeError:
        # Python flushes both once more at its end, and would fail then.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())


def say_refusal(stage: str, error: Exception) -> None:
    """Say in one line what a stage refuses, and with PTYCHOSTUDY_DEBUG where it went wrong."""
    reason = f"out of memory ({error})" if isinstance(error, MemoryError) else error
    say(f"ptychostudy {stage}: {reason}")
    if os.environ.get("PTYCHOSTUDY_DEBUG"):
        traceback.print_exception(error)


def set_environment(threads: str = "1", *, calls: bool = False) -> None:
    """Set what libraries read once, when they are imported: threads, log level, backend.

    Parameters
    ----------
    threads : str
    calls : bool
        Whether each thread has a call of a network to itself, as `networks.backend.calls` has it;
        not where there is a GPU.
    """
    for name in THREAD_VARIABLES:
        os.environ[name] = threads
    # Products of NumPy are small: its threads wait in loops for each, and take the cores of ours.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    within, beside = ("1", threads) if calls and not gpu.given() else (threads, "1")
    os.environ["TF_NUM_INTRAOP_THREADS"] = within
    os.environ["TF_NUM_INTEROP_THREADS"] = beside
    # Hidden, a GPU of the machine that was not given to this process is left to others.
    if not gpu.given():
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def choose_backend(name: str) -> None:
    """Let Keras compute with a backend, whatever the shell of the user says.

    Parameters
    ----------
    name : {'numpy', 'tensorflow', 'torch', 'jax'}
        Of the settings: what decides numbers is no accident of a shell. NumPy is none of Keras's.

    Raises
    ------
    ValueError
        If it is not installed.
    """
    if name == NUMPY:
        return
    if importlib.util.find_spec(name) is None:
        raise ValueError(
            f"backend is {name}, which is not installed here (Python {sys.prefix}); "
            f"needed: pip install '.[{BACKENDS[name]}]' in the repository, or another backend in "
            "train.pinn.backend, train.baseline.backend or infer.backend"
        )
    os.environ["KERAS_BACKEND"] = name


@contextlib.contextmanager
def importing(*, keras: bool) -> Iterator[None]:
    """Let libraries be imported that print much and take long.

    Parameters
    ----------
    keras : bool
        Whether Keras may be among them: what it imports to wrap, and no stage that needs it has a
        use for, is left out.
    """
    with _held_stderr(), _absent(_OF_KERAS_ALONE if keras else ()):
        yield


@contextlib.contextmanager
def _absent(libraries: tuple[str, ...]) -> Iterator[None]:
    """Let libraries that are not imported yet seem not to be installed."""
    absent = [name for name in libraries if name not in sys.modules]
    for name in absent:
        # What Python takes for "there is none".
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextlib.contextmanager
def _held_stderr() -> Iterator[None]:
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
