"""A quiet run: records of Snakemake's logger in, a panel or a few lines out."""

import contextlib
import fcntl
import io
import logging
import os
import pty
import re
import select
import struct
import termios
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.iocontainers import Wildcards
from snakemake.settings.types import OutputSettings
from snakemake_logger_plugin_ptychostudy import LogHandler

from ptychostudy.study.settings import Study
from ptychostudy.telling import panel, quiet_run
from ptychostudy.telling.dry_run import Job
from ptychostudy.telling.first_guess import first_guess
from ptychostudy.telling.forecast import Far, Forecast
from ptychostudy.telling.run_log import Epoch
from ptychostudy.telling.run_state import RunState

EPOCH = "train PtychoPINN dose_1000/dense: epoch 4 of 9, loss 0.030038, about 1:12 left\n"


def job(rule, inputs=(), outputs=(), threads=1):
    return Job(rule, tuple(inputs), tuple(outputs), "", "", threads, 0)


CHAIN = {
    1: job("base", outputs=["b"]),
    2: job("train", ["b"], ["t1"]),
    3: job("train", ["b"], ["t2"]),
    4: job("compare", ["t1", "t2"], ["c"]),
}
TIMES = [10.0, 100.0, 100.0, 5.0]


def test_jobs_beside_each_other_count_once():
    assert Forecast(CHAIN, TIMES, slots=2).seconds_left([], {}) == (115.0, 0)
    assert Forecast(CHAIN, TIMES, slots=1).seconds_left([], {}) == (215.0, 0)


def test_what_a_job_has_done_and_what_it_says_count():
    forecast = Forecast(CHAIN, TIMES, slots=2)
    assert forecast.seconds_left([1], {2: Far(30.0), 3: Far(30.0)}) == (75.0, 0)
    # A training of twice as many epochs than before knows it.
    assert forecast.seconds_left([1], {2: Far(30.0), 3: Far(30.0, told=170.0)}) == (175.0, 0)
    # It has outlasted its time, and ends any moment.
    assert forecast.seconds_left([1, 2], {3: Far(101.0)})[0] == pytest.approx(6.0, abs=0.8)
    assert forecast.seconds_left([1, 2, 3, 4], {}) == (0.0, 0)


def test_a_machine_that_is_slower_than_before_is_noticed():
    forecast = Forecast(CHAIN, TIMES, slots=2)
    # 70 s and 30 s of trust for 10 s and 30 s of trust.
    forecast.note(1, 70.0)
    assert forecast.seconds_left([1], {})[0] == pytest.approx(2.5 * 105)
    # One that runs on beyond its 100 s says it, too.
    late = (70 + 290 + 30) / (10 + 100 + 30)
    left = forecast.seconds_left([1], {2: Far(290.0), 3: Far(90.0)})[0]
    assert left == pytest.approx(late * 100 - 90 + late * 5)
    # As fast as before: as long as before.
    forecast = Forecast(CHAIN, TIMES, slots=2)
    forecast.note(1, 10.0)
    assert forecast.seconds_left([1], {}) == (105.0, 0)


def test_a_job_of_unknown_time_is_counted_and_learnt():
    forecast = Forecast(CHAIN, [10.0, None, None, None], slots=1)
    # Of the long ones the short one says nothing.
    assert forecast.seconds_left([], {}) == (None, 3)
    forecast.note(2, 50.0)
    # 50 s for the other training, and the middle of 10 and 50 s for what is not known.
    assert forecast.seconds_left([1, 2], {}) == (50.0 + 30.0, 1)
    assert forecast.seconds_left([1, 2, 3], {}) == (30.0, 1)
    assert Forecast(CHAIN, [None] * 4, slots=1).seconds_left([], {}) == (None, 4)


def test_one_long_job_does_not_make_the_last_short_ones_long():
    """Reports come at the end and are short: a quick study said 46 s when 4 were left."""
    forecast = Forecast(CHAIN, [1.0, 2.0, 300.0, None], slots=1)
    assert forecast.seconds_left([1, 2, 3], {}) == (2.0, 1)


def record(event, level=logging.INFO, text="", **values):
    made = logging.makeLogRecord({"msg": text, "levelno": level, "levelname": logging.getLevelName(level), **values})
    made.event = event
    return made


def began(number, rule, log, **wildcards):
    values = Wildcards(fromdict=wildcards)
    return record("job_info", jobid=number, rule_name=rule, log=[str(log)] if log else [], wildcards=values)


@pytest.fixture
def handler(monkeypatch, tmp_path):
    """The plug-in as Snakemake makes it, with a file in place of the terminal."""
    monkeypatch.chdir(tmp_path)
    made = LogHandler(OutputSettings(show_failed_logs=True), None)
    made.plain.stream = io.StringIO()
    made.plain.nocolor = True
    return made


def said(handler, *records):
    for one in records:
        handler.emit(one)
    text = handler.plain.stream.getvalue()
    handler.plain.stream.truncate(0)
    handler.plain.stream.seek(0)
    return text


def test_until_a_workflow_listens_it_says_what_snakemake_says(handler):
    """What comes before it reads a Snakefile is kept until then."""
    assert said(handler, record(None, text="Building DAG of jobs...")) == ""
    text = said(handler, record("progress", text="None", done=3, total=4))
    assert text == "Building DAG of jobs...\n3 of 4 steps (75%) done\n"
    assert said(handler, record(None, text="last")) == ""
    handler.close()
    assert handler.plain.stream.getvalue() == "last\n"


def test_in_a_log_a_rule_is_a_line_and_noise_is_none(handler, capsys):
    quiet = quiet_run.QuietRun(handler)
    log = Path("gate.log")
    log.write_text("The run is sound\n")
    plan = record("run_info", stats={"base": 1, "train": 1, "seed_1_train": 1, "gate": 1, "total": 4})
    assert said(handler, plan) == "4 jobs of 3 rules\n"
    noise = ["Building DAG of jobs...", "Select jobs to execute...", "None", "Using shell: /usr/bin/bash"]
    assert said(handler, *(record(None, text=text) for text in noise)) == ""
    assert said(handler, began(1, "base", None), record("job_finished", job_id=1)) == "base: done, 1 job\n"
    # The first of two of its rule.
    assert said(handler, began(2, "train", None), record("job_finished", job_id=2)) == ""
    text = said(handler, began(3, "seed_1_train", None), record("job_finished", job_id=3))
    assert text == "train: done, 2 jobs\n"
    assert said(handler, began(4, "gate", log)) == "" and capsys.readouterr().out == ""
    said(handler, record("job_finished", job_id=4))
    assert capsys.readouterr().out == "The run is sound\n"
    assert quiet._over.is_set(), "no panel below the answer"


def test_in_a_log_how_far_it_is_stands_in_a_line_now_and_then(handler):
    """Every minute at first, later at each tenth of the time that it has taken."""
    quiet = quiet_run.QuietRun(handler)
    quiet._state.started = quiet._last_line
    said(handler, record("run_info", stats={"train": 2, "total": 2}), began(1, "train", None))
    told, start = [], quiet._last_line
    for second in range(0, 7200, 10):
        quiet._show({1: Epoch("train a", 4, 9, 0.5, 72)}, start + second)
        told += [second] if said(handler) else []
    assert told[:3] == [60, 120, 180] and len(told) < 45
    assert all(b - a >= max(60, 0.1 * b) for a, b in zip(told, told[1:], strict=False))
    quiet._show({1: Epoch("train a", 4, 9, 0.5, 72)}, start + 10_000)
    text = said(handler)
    assert text.startswith("0 of 2 jobs done, 1 running; 166:40 so far, ") and text.count("\n") == 1
    assert "train a: epoch 4 of 9, loss 0.5, about 72 s left" in text


def test_warnings_come_once_and_what_is_unknown_is_shown(handler):
    quiet_run.QuietRun(handler)
    warning = record(None, logging.WARNING, "File x is missing")
    assert said(handler, warning, warning) == "File x is missing\n"
    assert said(handler, record(None, text="Trying to restart job 3.")) == "Trying to restart job 3.\n"
    assert said(handler, *[record(None, logging.ERROR, "bad")] * 2) == "bad\nbad\n"


def test_a_failed_job_is_shown_with_its_whole_log(handler):
    quiet_run.QuietRun(handler)
    Path("a.log").write_text("line\n" * 200 + "ptychostudy train: frames are negative; mend them\n")
    said(handler, began(1, "train", "a.log"))
    failed = record(
        "job_error", logging.ERROR, "x", jobid=1, rule_name="train", rule_msg=None, input=["i"], output=["o"],
        log=["a.log"], conda_env=None, aux={}, shellcmd="python -m ptychostudy train --settings '{\"a\": 1}'",
    )  # fmt: skip
    text = said(handler, failed)
    assert "Error in rule train" in text and "frames are negative; mend them" in text
    assert text.count("line\n") == 200 and "output: o" in text
    # What Snakemake's log holds and nobody reads here.
    assert "shell:" not in text and "message:" not in text and "input:" not in text


def test_what_fails_within_ends_no_run(handler, capsys):
    quiet_run.QuietRun(handler)
    handler.emit(record("run_info"))
    assert "KeyError" in capsys.readouterr().err
    assert said(handler, record("run_info", stats={"base": 1, "total": 1})) == "1 job of 1 rule\n"


def test_the_panel_holds_stages_epochs_and_the_warning(tmp_path):
    state = RunState()
    state.started = 1000.0
    log = tmp_path / "t.log"
    log.write_text(EPOCH)
    os.utime(log, (time.time() + 5, time.time() + 5))
    state.take("run_info", {"stats": {"base": 1, "train": 2, "compare": 1, "total": 4}})
    for one in (began(1, "base", None), record("job_finished", job_id=1), began(2, "train", log, dose="1000")):
        state.take(one.event, vars(one))
    epochs = {number: running.epoch() for number, running in state.running.items()}
    assert epochs == {2: Epoch("train PtychoPINN dose_1000/dense", 4, 9, 0.030038, 72)}
    first = panel.head(state, 300.0, 0, now=1061.0)
    assert panel.lines(state, first, epochs, "t.log: odd", now=1061.0) == [
        "1 of 4 jobs done, 1 running; 1:01 so far, about 5 min left",
        "  train PtychoPINN dose_1000/dense: epoch 4 of 9, loss 0.030038, about 72 s left",
        "done: base",
        "left: 2 train, 1 compare",
        "warning: t.log: odd",
    ]


def test_before_anything_is_known_the_whole_is_guessed_and_called_so():
    state = RunState()
    state.started = 1000.0
    state.take("run_info", {"stats": {"base": 1, "gate": 1, "total": 2}})
    begun = "0 of 2 jobs done, 0 running; "
    assert panel.head(state, None, 2, 1061.0, guessed=481.0) == f"{begun}1:01 so far, about 7 min left (guess)"
    longer = f"{begun}8:20 so far, time left not known yet: it was guessed to take 8 min"
    assert panel.head(state, None, 2, 1500.0, guessed=481.0) == longer
    # What is known is no guess, and where there is none nothing is made up.
    assert panel.head(state, 300.0, 1, 1061.0, guessed=481.0).endswith("about 5 min left (1 jobs not known)")
    assert panel.head(state, None, 2, 1061.0).endswith("time left not known yet: too little of it has run here")


class Workflow:
    """What the panel asks of Snakemake's: jobs of some rules, to run here on two cores."""

    local_exec, global_resources = True, {"gpu": SimpleNamespace(value=0)}
    resource_settings = SimpleNamespace(cores=2)

    def __init__(self, *rules):
        asked = SimpleNamespace(get=lambda *_: 0)
        rest = {"input": (), "benchmark": "", "threads": 1, "resources": asked}
        self.dag = self
        self.jobs = [SimpleNamespace(rule=SimpleNamespace(name=rule), output=(rule,), **rest) for rule in rules]

    def needrun_jobs(self):
        return self.jobs

    def jobid(self, job):
        return self.jobs.index(job)


def guessed(handler, *rules):
    quiet = quiet_run.QuietRun(handler)
    quiet.expect(Workflow(*rules), Study())
    quiet.end()
    return quiet._head({}, quiet._state.started + 60)


def test_a_first_run_of_a_whole_study_is_guessed_by_its_scan(handler):
    """As `plan` guesses it: 311 s on two cores, of which a minute has passed."""
    assert first_guess(Path(), None, 2) == pytest.approx(311, abs=1)
    assert guessed(handler, "base", "gate").endswith("1:00 so far, about 4 min left (guess)")
    # A part of it is not as long as the whole.
    assert "not known yet" in guessed(handler, "base", "truth")
    # After an earlier run its times are better than a guess.
    folder = Path(".snakemake/metadata")
    folder.mkdir(parents=True)
    (folder / "eA==").write_text('{"rule": "other", "starttime": 1.0, "endtime": 2.0}')
    assert "not known yet" in guessed(handler, "base", "gate")


def test_a_failed_job_that_is_repeated_is_none():
    state = RunState()
    state.take("job_error", {"jobid": 3, "rule_name": "train"})
    assert state.failed == {3: "train"}
    again = began(3, "train", None)
    state.take("job_info", vars(again))
    assert state.failed == {} and list(state.running) == [3]


def terminal(rows, columns):
    """Return both ends of a terminal of that size."""
    outside, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return outside, os.fdopen(inside, "w")


def written(outside):
    """Return all that was written into a terminal; it hands it on in pieces."""
    pieces = []
    while select.select([outside], [], [], 0.2)[0]:
        pieces.append(os.read(outside, 10_000))
    return b"".join(pieces).decode()


def seen(text):
    """Return the lines that a terminal shows after all that was written: up, return, clear below."""
    rows, row = [""], 0
    for part in re.findall(r"\x1b\[\d*[AJ]|\r\n|\r|[^\x1b\r]+", text):
        if part == "\r\n":
            row += 1
            rows += [""] * (row + 1 - len(rows))
        elif part.endswith("A") and part.startswith("\x1b"):
            row -= int(part[2:-1])
        elif part == "\x1b[J":
            rows[row:] = [""]
        elif part != "\r":
            rows[row] += part
    return rows


def test_the_panel_keeps_its_place_below_what_is_printed():
    outside, stream = terminal(rows=6, columns=20)
    screen = panel.Screen(stream)
    screen.draw(["first", "second"])
    screen.draw(["third, which is far too long for it", *"abcdefgh"])
    screen.erase()
    print("printed", file=stream)
    screen.draw(["last"])
    stream.flush()
    text = written(outside)
    # Four of six rows, so that the first one cannot scroll away; none longer than a row.
    assert seen(text.partition("printed")[0].rpartition("\x1b[4A")[0])[:4] == ["third, which is fa…", "a", "b", "c"]
    assert seen(text) == ["printed", "last", ""]
    stream.close()
    os.close(outside)


def test_on_a_terminal_the_run_is_a_panel_that_leaves_nothing(handler):
    outside, stream = terminal(rows=30, columns=100)
    with contextlib.closing(stream):
        handler.plain.stream = stream
        quiet = quiet_run.QuietRun(handler)
        handler.emit(record("run_info", stats={"base": 1, "total": 1}))
        handler.emit(began(1, "base", None))
        quiet._show({}, time.time())
        handler.emit(record(None, logging.WARNING, "odd"))
        quiet._show({}, time.time())
        handler.emit(record("job_finished", job_id=1))
        handler.close()
        text = written(outside)
    os.close(outside)
    assert "0 of 1 jobs done, 1 running" in text and "base, for 0 s" in text
    assert [line for line in seen(re.sub(r"\x1b\[\d*m", "", text)) if line] == ["odd"]
