"""Commands of a submission are known however they were started, given their time, and killed with what they started."""

import os
import subprocess
import time

import psutil
import pytest

from ptychostudy.runs import hanging


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
    hanging.end_commands(seen, 0.5)
    assert process.poll() is None and seen, "its time begins when the run is told to end"
    time.sleep(0.6)
    hanging.end_commands(seen, 0.5)
    assert process.communicate(timeout=5)[0] == b""
    assert "ptychostudy: sbatch does not answer" in capsys.readouterr().err
    hanging.end_commands(seen, 0)
    assert seen == {}


def test_what_is_no_submission_is_left_alone(start):
    process = start(["other", "sbatch_of_another_name"])
    seen = {}
    hanging.end_commands(seen, 0)
    hanging.end_commands(seen, 0)
    assert process.poll() is None and seen == {}
