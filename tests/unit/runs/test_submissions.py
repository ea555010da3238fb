"""Jobs that Slurm did not take have failed and say why; a run told to end leaves no job or command behind."""

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psutil
import pytest

from ptychostudy.runs import submissions


def wait_for(condition):
    for _ in range(100):
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("nothing happened within five seconds")


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start a shell command as the plug-in does, with an sbatch of our own; end what is left of it."""
    for name in ("sbatch", "other"):
        (tmp_path / name).write_text("#!/bin/sh\nsleep 60\necho late\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    started = []

    def of(command):
        started.append(subprocess.Popen(command, shell=isinstance(command, str), stdout=subprocess.PIPE))
        wait_for(lambda: "sleep" in {process.name() for process in psutil.Process().children(recursive=True)})
        return started[-1]

    yield of
    for process in psutil.Process().children(recursive=True):
        process.kill()
    for process in started:
        process.communicate()


@pytest.mark.parametrize("command", ["sbatch --parsable; true", "sbatch --parsable", ["sbatch", "--parsable"]])
def test_what_hangs_is_ended_with_all_that_holds_its_pipes(start, capsys, command):
    process = start(command)
    seen = {}
    submissions.end_commands(seen, 0.5)
    assert process.poll() is None and seen, "its time begins when the run is told to end"
    time.sleep(0.6)
    submissions.end_commands(seen, 0.5)
    assert process.communicate(timeout=5)[0] == b""
    assert "ptychostudy: sbatch does not answer" in capsys.readouterr().err
    submissions.end_commands(seen, 0)
    assert seen == {}


def test_what_is_no_submission_is_left_alone(start):
    process = start(["other", "sbatch_of_another_name"])
    seen = {}
    submissions.end_commands(seen, 0)
    submissions.end_commands(seen, 0)
    assert process.poll() is None and seen == {}


# --- what the plug-in says ------------------------------------------------------------------------------------------


def test_the_words_of_sbatch_are_one_line_without_the_call():
    said = "SLURM sbatch failed. The error message was 'sbatch: error: a\nsbatch: error: b'.\n    sbatch call:\n   -x"
    assert submissions.reason_of(said) == "sbatch: error: a; sbatch: error: b"
    assert submissions.reason_of("Job submission failed with exception: x") == "Job submission failed with exception: x"
    killed = "SLURM sbatch failed. The error message was ''.\n    sbatch call:\n   -x"
    assert submissions.reason_of(killed) == "sbatch said nothing"


# --- what takes the place of its methods ----------------------------------------------------------------------------


class Plugin:
    """An executor that notes in which order it is asked for what."""

    run_uuid = "of-this-run"

    def __init__(self, folder, error=None):
        self.slurm_logdir = folder
        self.error = error
        self.calls = []
        self.reports = []
        self._job_submission_executor = ThreadPoolExecutor()
        self.wait_thread = SimpleNamespace(join=lambda timeout=None: self.calls.append(f"join {timeout}"))

    def run_job(self, job):
        if self.error:
            raise self.error

    def report_job_error(self, submitted, msg=None, **options):
        self.reports.append((submitted.job, msg, options))

    def cancel(self):
        self.wait_thread.join()
        self.calls.append("cancel")


@pytest.fixture
def mended(monkeypatch, tmp_path):
    """Return a function: a plug-in that is mended, in a run that nobody watches."""
    monkeypatch.setattr(submissions.Submissions, "watch", lambda self: None)

    def of(error=None):
        plugin = Plugin(tmp_path / "logs", error)
        submissions.mend(plugin, SimpleNamespace(_user_kill=False))
        return plugin

    return of


def test_a_job_that_could_not_be_submitted_has_failed_and_its_log_says_why(mended, tmp_path):
    plugin, job = mended(error=ValueError("no spool")), SimpleNamespace(jobid=7)
    plugin.run_job(job)
    ((reported, msg, options),) = plugin.reports
    log = tmp_path / "logs" / "not_submitted_7.log"
    assert reported is job and msg == "Slurm did not take this job: no spool. "
    assert options == {"aux_logs": [str(log)]} and log.read_text() == f"{msg}\n"


def test_a_job_that_ran_is_reported_as_it_was(mended, tmp_path):
    plugin, job = mended(), SimpleNamespace(jobid=8)
    plugin.run_job(job)
    assert plugin.reports == []
    plugin.report_job_error(SimpleNamespace(job=job, external_jobid="12"), msg="it failed")
    assert plugin.reports == [(job, "it failed", {})] and not (tmp_path / "logs").exists()


def test_a_log_that_cannot_be_written_is_no_reason_to_wait(mended, tmp_path, capsys):
    (tmp_path / "logs").write_text("a file where a folder is due")
    plugin = mended(error=ValueError("no spool"))
    plugin.run_job(SimpleNamespace(jobid=7))
    assert plugin.reports[0][2] == {"aux_logs": []}
    assert "no spool" in capsys.readouterr().err


def test_cancel_submits_no_more_then_cancels_by_name_and_gives_up_in_time(mended, monkeypatch):
    plugin, timers = mended(), []

    def run(command, **options):
        with pytest.raises(RuntimeError, match="after shutdown"):
            plugin._job_submission_executor.submit(print)
        plugin.calls.append(" ".join(command))

    class Timer:
        def __init__(self, seconds, action, arguments):
            timers.append((seconds, action, arguments))

        def start(self):
            plugin.calls.append("last resort")

        def cancel(self):
            plugin.calls.append("in time")

    monkeypatch.setattr(submissions.subprocess, "run", run)
    monkeypatch.setattr(submissions.threading, "Timer", Timer)
    plugin.cancel()
    assert plugin.calls == ["last resort", "scancel --name of-this-run", "join 1", "cancel", "in time"]
    assert timers == [(300, os._exit, (1,))]
