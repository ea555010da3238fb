"""A killed run's lock is removed, a living one's never; a job ends with the Snakemake that started it."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from ptychostudy.runs import liveness

ROOT = Path(__file__).resolve().parents[2]
RUN = "from ptychostudy.runs.liveness import Run; run = Run(); print(run.alone, flush=True); "


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub that Snakemake has locked."""
    monkeypatch.delenv(liveness.RUN, raising=False)
    lock = tmp_path / ".snakemake" / "locks" / "0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("data/base/base.npz\n")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    os.environ.pop(liveness.RUN, None)


def locked(hub):
    return (hub / ".snakemake" / "locks").exists()


def start(hub, code):
    """Start a run in a process of its own; return it once it has claimed the hub, with what it said of being alone."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN + code],
        cwd=hub,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip() == "True"


def kill(process):
    process.kill()
    process.communicate()


def test_the_lock_of_a_killed_run_is_removed_and_said(hub, capsys):
    dead, _ = start(hub, "input()")
    kill(dead)
    run = liveness.Run()
    assert run.alone
    assert not locked(hub)
    assert f"process {dead.pid} was killed during its run: removed its lock" in capsys.readouterr().err
    run.release()


def test_a_lock_that_no_run_of_ours_left_stays(hub, capsys):
    run = liveness.Run()
    run.release()
    ended, _ = start(hub, "pass")
    ended.communicate()
    run = liveness.Run()
    assert locked(hub)
    assert capsys.readouterr().err == ""
    run.release()


def test_a_living_run_keeps_its_lock(hub):
    living, alone = start(hub, "input()")
    assert alone
    run = liveness.Run()
    assert not run.alone
    assert locked(hub)
    run.release()
    # It was killed after all: what the second run has written down must not have hidden that.
    kill(living)
    run = liveness.Run()
    assert run.alone and not locked(hub)
    run.release()


def test_a_second_run_that_lives_keeps_the_lock_of_the_first(hub):
    first, _ = start(hub, "input()")
    second, alone = start(hub, "input()")
    assert not alone
    kill(first)
    run = liveness.Run()
    assert not run.alone
    assert locked(hub), "Snakemake does not say whose it is"
    run.release()
    kill(second)
    run = liveness.Run()
    assert run.alone and not locked(hub)
    run.release()


def test_a_second_run_that_ends_well_does_not_hide_that_the_first_was_killed(hub):
    first, _ = start(hub, "input()")
    second, _ = start(hub, "input()")
    kill(first)
    second.communicate("\n")
    assert second.returncode == 0
    run = liveness.Run()
    assert run.alone and not locked(hub)
    run.release()


AGAIN = """
import os, sys
from pathlib import Path
from ptychostudy.runs.liveness import Run

start = os.getcwd()
os.chdir(sys.argv[1])
run = Run()
print(os.getpid(), run.alone, Path(".snakemake/locks").exists(), *sys.argv[1:], flush=True)
if os.environ.get("ROUND") is None:
    os.environ["ROUND"] = "2"
    run.restart(start)
"""


def test_a_run_that_begins_anew_has_its_command_and_its_hub_and_speaks_of_no_killed_one(hub):
    (hub.parent / "snakemake.py").write_text(AGAIN)
    process = subprocess.Popen(
        [sys.executable, "snakemake.py", hub.name, "--config", "a b"],
        cwd=hub.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    first, second = said.splitlines()
    assert first == f"{process.pid} True True {hub.name} --config a b"
    assert second == f"{process.pid} True False {hub.name} --config a b"


def test_a_run_on_another_machine_is_never_taken_for_dead(hub, capsys):
    (hub / ".snakemake" / "ptychostudy.run").write_text("elsewhere 17\n")
    run = liveness.Run()
    assert locked(hub)
    said = capsys.readouterr().err
    assert "process 17 on elsewhere" in said
    assert "--unlock" in said
    run.release()


def test_a_hub_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / ".snakemake").write_text("a file where a folder is due")
    monkeypatch.delenv(liveness.RUN, raising=False)
    run = liveness.Run(tmp_path)
    assert not run.alone
    run.release()
    assert os.environ.pop(liveness.RUN) == str(os.getpid())


def test_the_record_names_machine_and_process_while_the_run_lives(hub):
    record = hub / ".snakemake" / "ptychostudy.run"
    run = liveness.Run()
    assert record.read_text() == f"{socket.gethostname()} {os.getpid()}\n"
    run.release()
    run.release()
    assert record.read_text() == ""


JOB = """
    import os, signal, sys, time
    from ptychostudy.runs import liveness
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    liveness.follow(lambda process: (print(process, flush=True), os.kill(os.getpid(), signal.SIGTERM)))
    print("up", flush=True)
    time.sleep(30)
"""


def job_under(parent, tmp_path):
    """Start a process that announces itself and starts a shell with a job; return it once the job is up."""
    (tmp_path / "job.py").write_text(textwrap.dedent(JOB))
    line = f"{sys.executable} {tmp_path / 'job.py'} > {tmp_path / 'out'} 2>&1; echo $? > {tmp_path / 'status'}"
    code = (
        f"from ptychostudy.runs import liveness; import subprocess; {parent}; subprocess.run(['bash', '-c', {line!r}])"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)})
    for _ in range(500):
        if (tmp_path / "out").exists() and "up" in (tmp_path / "out").read_text():
            return process
        time.sleep(0.02)
    raise AssertionError("the job did not start")


def test_a_job_ends_with_its_snakemake(tmp_path):
    process = job_under("liveness.announce()", tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    start = time.monotonic()
    while not (tmp_path / "status").exists() and time.monotonic() - start < 5:
        time.sleep(0.02)
    assert (tmp_path / "status").read_text() == "7\n"
    assert (tmp_path / "out").read_text() == f"up\n{process.pid}\n"


def test_a_job_follows_nobody_who_is_not_its_ancestor(tmp_path):
    other = subprocess.Popen(["sleep", "60"])
    process = job_under(f"import os; os.environ['{liveness.RUN}'] = '{other.pid}'", tmp_path)
    other.kill()
    other.wait()
    time.sleep(0.3)
    assert not (tmp_path / "status").exists()
    process.kill()
    process.wait()
    for child in Path("/proc").glob("[0-9]*/cmdline"):
        if str(tmp_path / "job.py").encode() in child.read_bytes().split(b"\0"):
            os.kill(int(child.parent.name), signal.SIGKILL)


@pytest.mark.timeout(20)
def test_sigterm_while_the_scheduler_holds_its_lock_waits_for_it_and_not_for_ever():
    lock, ended = threading.Lock(), threading.Event()

    def graceful(number, frame):
        with lock:
            ended.set()

    before = signal.signal(signal.SIGTERM, graceful)
    try:
        liveness.defer_sigterm()
        with lock:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.1)
            assert not ended.is_set()
        assert ended.wait(10)
    finally:
        signal.signal(signal.SIGTERM, before)
