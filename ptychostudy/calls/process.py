"""One stage in a process of its own: TensorFlow and torch never share one, nor one with ours."""

import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ptychostudy.io.atomic import DataError
from ptychostudy.study.section import Section
from ptychostudy.study.stage_settings import encode

OnProgress = Callable[[int, int, float | None], None]
"""Told what is done, of how much, and the loss where there is one."""

_PACKAGE = Path(__file__).resolve().parents[2]
_STEP = re.compile(r": epoch (\d+) of (\d+)(?:, loss ([^,\s]+))?(?:, about |$)", re.MULTILINE)
# Of what a stage says, its last words are why it failed.
_LAST_WORDS = 20
_REFUSED = 2


def run_stage(
    stage: str,
    settings: Section,
    options: Mapping[str, Any],
    *,
    threads: int = 1,
    on_progress: OnProgress | None = None,
) -> None:
    """Run ``python -m ptychostudy STAGE`` to its end.

    Parameters
    ----------
    stage : str
    settings : Section
        What the stage reads.
    options : mapping
        Option of the command line to its word, or a list of words.
    threads : int
        For arithmetic.
    on_progress : callable, optional
        Told about every step but the last.

    Raises
    ------
    DataError
        What the stage refused, in its words.
    RuntimeError
        If it ended in any other way; the end of what it said.
    """
    words = [sys.executable, "-m", "ptychostudy", stage, "--threads", str(threads)]
    words += ["--settings", encode(settings), *_words(options)]
    said = deque[str](maxlen=_LAST_WORDS)
    process = subprocess.Popen(
        words,
        env=_environment(on_progress),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        for line in process.stdout or ():
            said.append(line)
            _tell(line, on_progress)
        code = process.wait()
    finally:
        # Where a callback or Ctrl-C ended it first, nobody wants the rest.
        if process.poll() is None:
            process.terminate()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if code == _REFUSED:
        raise DataError(" ".join("".join(said).split()).rpartition(f"ptychostudy {stage}: ")[2])
    if code:
        raise RuntimeError(f"stage {stage} ended with exit code {code}:\n{''.join(said)}")


def _words(options: Mapping[str, Any]) -> list[str]:
    words = []
    for name, value in options.items():
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        words += [f"--{name}", *map(str, values)]
    return words


def _environment(on_progress: OnProgress | None) -> dict[str, str]:
    """Return that of the stage: it finds this package wherever the caller found it."""
    environment = dict(os.environ)
    path = [str(_PACKAGE), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(path)
    if on_progress is not None:
        environment["PTYCHOSTUDY_PROGRESS_S"] = "0"
    return environment


def _tell(line: str, on_progress: OnProgress | None) -> None:
    found = _STEP.search(line)
    if found is not None and on_progress is not None:
        done, total, loss = found.groups()
        on_progress(int(done), int(total), None if loss is None else float(loss))
