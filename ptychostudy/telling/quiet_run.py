"""A run that talks little: what `snakemake --logger ptychostudy` shows.

On a terminal one panel, elsewhere few lines. Errors and warnings are shown as Snakemake words them,
the closing table as its job wrote it. The jobs themselves print nothing then; their logs hold
everything.
"""

import logging
import os
import re
import threading
import time
from logging.handlers import QueueHandler
from pathlib import Path
from typing import Any

from ptychostudy.runs.progress import clock
from ptychostudy.runs.shown_errors import Shortened
from ptychostudy.study.settings import Study
from ptychostudy.telling import course, panel
from ptychostudy.telling.answer import counted
from ptychostudy.telling.dry_run import Job
from ptychostudy.telling.forecast import Far, Forecast
from ptychostudy.telling.records import records
from ptychostudy.telling.run_log import Epoch, last_warning
from ptychostudy.telling.run_state import Running, RunState

_ANSWER = "gate"
"""Rule whose log is the answer."""
_EVERY_S = 1.0
# Elsewhere than on a terminal a line comes at most so often, and ever less often.
_LINE_S, _LINE_SHARE = 60.0, 0.1
_LINE = 160
_NOISE = re.compile(
    r"None$|Config file |Assuming |Building DAG|Using shell|Group jobs: inactive|Select jobs"
    r"|Conda environments: ignored|Singularity containers: ignored|Complete log|Elapsed time"
    r"|SLURM run ID|Job \S+ has been submitted"
)
"""What Snakemake says in every run and nobody asks."""


class QuietRun:
    """Listen to Snakemake's records and show how far the run is.

    Parameters
    ----------
    handler : LogHandler
        Of the plug-in.
    """

    def __init__(self, handler: Any) -> None:
        self._plain: logging.Handler = handler.plain
        if self._plain.formatter is not None:
            self._plain.setFormatter(Shortened(self._plain.formatter))
        self._stream = handler.plain.stream
        drawn = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._screen = panel.Screen(self._stream) if drawn else None
        self._state = RunState()
        self._forecast: Forecast | None = None
        self._guess: float | None = None
        self._said: set[str] = set()
        self._last_line = time.time()
        self._warning = ""
        self._lock = threading.RLock()
        self._over = threading.Event()
        handler.listener = self.take
        handler.ending = self.end

    def expect(self, workflow: Any, study: Study) -> None:
        """Learn which jobs will run, and begin to show them.

        Parameters
        ----------
        workflow : snakemake.workflow.Workflow
            With its graph of jobs.
        study : Study
            Whose jobs these are.
        """
        try:
            self._forecast = _forecast(workflow)
            self._guess = _first_guess(self._forecast, study)
        except Exception as error:  # whatever it is, a run does not need to know its end
            self._print(f"how long it takes is not known ({error!r})")
        threading.Thread(target=self._watch, daemon=True).start()

    def settle(self, logger: logging.Logger) -> None:
        """Wait until all is shown that was logged, and end: what follows is printed below it."""
        for handler in logger.handlers:
            if isinstance(handler, QueueHandler):
                handler.queue.join()  # type: ignore[attr-defined]
        self.end()
        if not self._state.failed and self._state.ended:
            seconds = time.time() - self._state.started
            self._print(f"{counted(len(self._state.ended), 'job')} done in {clock(seconds)}")

    def end(self) -> None:
        """Take the panel away for good."""
        with self._lock:
            self._over.set()
            if self._screen is not None:
                self._screen.erase()

    def take(self, record: logging.LogRecord) -> None:
        """Take one record of Snakemake's logger."""
        with self._lock:
            event = str(getattr(record, "event", None) or "")
            finished = self._state.take(event, vars(record))
            if finished is not None:
                self._finish(record.job_id, finished)  # type: ignore[attr-defined]
            elif event == "run_info" and self._screen is None:
                rules = counted(len(self._state.planned), "rule")
                self._print(f"{counted(self._state.total, 'job')} of {rules}")
            elif self._is_shown(event, record):
                self._clear()
                self._plain.handle(_brief(record) if event == "job_error" else record)

    def _is_shown(self, event: str, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if record.levelno >= logging.ERROR:
            return True
        if record.levelno >= logging.WARNING:
            again = text in self._said
            self._said.add(text)
            return not again
        if event:
            # Snakemake's own filter lets it through where it is asked for.
            return event == "shellcmd"
        return not _NOISE.match(text)

    def _finish(self, number: int, job: Running) -> None:
        if self._forecast is not None:
            self._forecast.note(number, time.time() - job.since)
        if job.rule == _ANSWER and job.log is not None:
            self._clear()
            # The panel would only push the answer up.
            self._over.set()
            print(job.log.read_text(encoding="utf-8", errors="replace"), end="", flush=True)
        elif self._screen is None and job.rule in self._state.stages()[0]:
            self._print(f"{job.rule}: done, {counted(self._state.planned[job.rule], 'job')}")

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_S):
            with self._lock:
                running = dict(self._state.running)
            epochs = {number: job.epoch() for number, job in running.items()}
            with self._lock:
                if not self._over.is_set():
                    self._show(epochs, time.time())

    def _show(self, epochs: dict[int, Epoch | None], now: float) -> None:
        first = self._head(epochs, now)
        if self._screen is not None:
            self._warning = self._newest_warning()
            self._screen.draw(panel.lines(self._state, first, epochs, self._warning, now))
        elif now - self._last_line >= max(_LINE_S, _LINE_SHARE * (now - self._state.started)):
            self._last_line = now
            jobs = self._state.running.items()
            told = [panel.job_line(job, epochs.get(number), now) for number, job in jobs]
            self._print("; ".join([first, *told])[:_LINE])

    def _head(self, epochs: dict[int, Epoch | None], now: float) -> str:
        if self._forecast is None:
            return panel.head(self._state, None, 0, now)
        running = {
            number: Far(now - job.since, far.seconds_left if (far := epochs.get(number)) else 0.0)
            for number, job in self._state.running.items()
        }
        gone = {*self._state.ended, *self._state.failed}
        left, unknown = self._forecast.seconds_left(gone, running)
        return panel.head(self._state, left, unknown, now, guessed=self._guess)

    def _newest_warning(self) -> str:
        logs = [job.log for job in self._state.running.values() if job.log is not None]
        found = last_warning(logs)
        return self._warning if found is None else f"{found[0]}: {found[1]}"

    def _clear(self) -> None:
        if self._screen is not None:
            self._screen.erase()

    def _print(self, text: str) -> None:
        self._clear()
        print(text, file=self._stream, flush=True)


def _brief(record: logging.LogRecord) -> logging.LogRecord:
    """Return what is said of a failed job without its inputs and command, which the log has."""
    return logging.makeLogRecord({**vars(record), "msg": "", "input": [], "shellcmd": ""})


def _forecast(workflow: Any) -> Forecast:
    local = workflow.local_exec
    jobs = {workflow.dag.jobid(job): _job(job, local=local) for job in workflow.dag.needrun_jobs()}
    jobs = {number: job for number, job in jobs.items() if job.outputs}
    hub = Path()
    times = course.seconds(list(jobs.values()), records(hub), hub)
    cores = workflow.resource_settings.cores if local else workflow.nodes
    # The cluster's GPUs are counted by the cluster.
    gpus = workflow.global_resources["gpu"].value if local else len(jobs)
    return Forecast(jobs, times, min(cores or 1, max(len(jobs), 1)), gpus)


def _first_guess(forecast: Forecast, study: Study) -> float | None:
    """Return about how long a whole study takes where nothing has run; else None.

    Of a part of it, which ends without an answer, the size of the scan says nothing.
    """
    # It reads HDF5, whose library a run that has nothing to do need not wait for.
    from ptychostudy.telling.first_guess import guess

    whole = any(job.rule == _ANSWER for job in forecast.jobs.values())
    return guess(study, Path(), forecast.slots) if whole and not records(Path()) else None


def _job(job: Any, *, local: bool) -> Job:
    """Return a job of Snakemake's graph; on a cluster each takes one place."""
    return Job(
        job.rule.name,
        inputs=tuple(map(str, job.input)),
        outputs=tuple(map(str, job.output)),
        reason="",
        benchmark=str(job.benchmark or ""),
        threads=job.threads if local else 1,
        memory_mb=0,
        gpus=job.resources.get("gpu", 0),
    )
