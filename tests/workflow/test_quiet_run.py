"""`--logger ptychostudy`: few lines, the whole message of a failure, and nothing that reruns for it."""

import os
import pty
import re
import sys
from pathlib import Path

import pytest

from conftest import copy_workflow

QUIET = ("--logger", "ptychostudy", "--")
FRAMES = "data/phase_c/dose_1000/patched_test.npz"
VIEW = "data/phase_d/sparse/sparse_test.npz"


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    return copy_workflow(tmp_path_factory.mktemp("quiet"))


def own_lines(text):
    """Return the lines of a run without those that Snakemake prints before it reads a Snakefile."""
    return [line for line in text.splitlines() if line and "workflow specific profile" not in line]


def test_a_run_is_a_line_a_rule(workflow):
    done = workflow.snakemake(*QUIET, FRAMES, VIEW)
    assert done.returncode == 0, done.stdout
    first, *rules, last = own_lines(done.stdout)
    assert first == "4 jobs of 4 rules"
    assert sorted(rules) == [f"{rule}: done, 1 job" for rule in ("base", "overlap", "simulate", "truth")]
    assert re.fullmatch(r"4 jobs done in \d+:\d\d", last)
    # What a job said is in its log, and nowhere on the screen.
    assert "frames in" in (workflow.hub / "logs" / f"{VIEW}.log").read_text()


def test_how_a_run_is_shown_makes_no_file_stale(workflow):
    """The command of a job is the same, whether it prints or not."""
    plain = workflow.snakemake("-n", "--", FRAMES, VIEW)
    assert "Nothing to be done" in plain.stdout
    done = workflow.snakemake(*QUIET, FRAMES, VIEW)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout


def test_a_dry_run_stays_snakemakes(workflow):
    plain, quiet = (workflow.snakemake("-n", "--forceall", *words, FRAMES).stdout for words in (["--"], QUIET))

    def told(text):
        return [line for line in text.splitlines() if not re.match(r"\[|  (Date|Workflow ID|Command):", line)]

    assert told(plain) == told(quiet) and "rule simulate:" in quiet


def test_a_failure_shows_its_message_and_what_to_do(workflow):
    """Once with the log of the job, and last of all, where one looks."""
    base = workflow.hub / "data" / "base" / "base.npz"
    whole, times = base.read_bytes(), base.stat()
    base.write_bytes(whole[: len(whole) // 2])
    try:
        done = workflow.snakemake(*QUIET, "data/phase_d/dense/dense_test.npz")
    finally:
        base.write_bytes(whole)
        os.utime(base, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert done.returncode != 0
    assert "base.npz" in done.stdout and "jobs done in" not in done.stdout


def test_a_failed_job_is_told_like_by_hand(workflow):
    target = "data/phase_d/dense/dense_train.npz"
    rules = workflow.source / "rules" / "overlap.smk"
    before = rules.read_text()
    rules.write_text(before.replace("--settings {params.settings:q}", "--settings '{{}}'"))
    try:
        done = workflow.snakemake(*QUIET, target)
    finally:
        rules.write_text(before)
    assert done.returncode != 0
    log = (workflow.hub / "logs" / f"{target}.log").read_text().strip()
    assert log.splitlines()[-1] in done.stdout
    assert "Error in rule overlap:" in done.stdout and "says what failed and how to continue" in done.stdout
    assert "Select jobs" not in done.stdout


def in_terminal(workflow, *arguments):
    """Run Snakemake in a terminal; return all bytes that it wrote there."""
    pid, outside = pty.fork()
    if pid == 0:
        os.environ |= {"PYTHONPATH": str(workflow.source), "TERM": "xterm", "COLUMNS": "90"}
        os.chdir(workflow.source)
        command = ["snakemake", "--directory", str(workflow.hub), "--configfile", str(workflow.config)]
        os.execv(Path(sys.executable).parent / "snakemake", [*command, "--cores", "2", *arguments])
    pieces = []
    while True:
        try:
            piece = os.read(outside, 10_000)
        except OSError:
            break
        if not piece:
            break
        pieces.append(piece)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, b"".join(pieces).decode()
    return b"".join(pieces).decode()


def test_on_a_terminal_a_panel_says_how_far_it_is(workflow):
    text = in_terminal(workflow, "--forcerun", "base", *QUIET, VIEW, FRAMES)
    assert re.search(r"\d of \d jobs done, \d running; 0:\d\d so far, about \d+ s left", text)
    assert "left: " in text and "\x1b[?25l" not in text
    # Drawn over, and nothing of it is left.
    last = re.sub(r"\x1b\[\d*m", "", text).rpartition("\x1b[J")[2]
    assert re.fullmatch(r"\d jobs done in \d+:\d\d", last.strip())
