"""What a terminal shows of a failed job: the message, not the settings; the log keeps both."""

import logging

import pytest

from ptychostudy.runs.shown_errors import shorten, shortened

SETTINGS = """--settings '{"path": "it'"'"'s.npz", "axes": "NHW"}'"""
COMMAND = f"""
        python -m ptychostudy base \\
            {SETTINGS} \\
            --source mine.npz 2>&1 | tee logs/base.log"""
FAILED = f"RuleException:\nCalledProcessError in file \"/a b/base.smk\", line 4:\nCommand 'set -e; {COMMAND}\n' "


@pytest.mark.parametrize("end", ["returned non-zero exit status 2.", "died with <Signals.SIGKILL: 9>."])
def test_the_command_of_an_exit_is_left_out(end):
    assert shortened(FAILED + end) == (
        f'RuleException:\nCalledProcessError in file "/a b/base.smk", line 4:\nThe command {end}'
    )


def test_settings_are_left_out_of_the_command():
    said = shortened(f"Error in rule base:\n    shell:\n        {COMMAND}\n        (command exited)")
    assert "--settings ... \\" in said and "NHW" not in said and "s.npz" not in said
    assert "--source mine.npz" in said and "(command exited)" in said


def test_other_texts_stay():
    text = "Command 'a' of a log with --settings @file and 'quotes'"
    assert shortened(text) == text


class Formatter(logging.Formatter):
    """As Snakemake's, which gives no text for what is not to be shown."""

    def format(self, record):
        return None if record.msg == "nothing" else f"seen {record.msg}"


@pytest.fixture
def logger():
    made = logging.Logger("snakemake's")
    for name in ("DefaultStreamHandler", "DefaultLogFileHandler"):
        handler = logging.Handler()
        handler.name = name
        handler.setFormatter(Formatter())
        made.addHandler(handler)
    return made


def test_only_errors_on_the_terminal_are_shortened(logger):
    shorten(logger)
    terminal, file = logger.handlers
    error, info = (logging.LogRecord("x", level, "", 0, SETTINGS, (), None) for level in (logging.ERROR, logging.INFO))
    assert terminal.format(error) == "seen --settings ..."
    # The command of `snakemake -p` is no error.
    assert terminal.format(info) == file.format(error) == f"seen {SETTINGS}"
    assert terminal.format(logging.LogRecord("x", logging.ERROR, "", 0, "nothing", (), None)) is None
