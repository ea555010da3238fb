"""Stage blocked: say what stopped a run and how to continue; note later what was resolved.

The Snakefile calls it. Neither `run` nor `resolve` ever raises: a report that cannot be written
must not hide the failure it is about.
"""

import contextlib
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ptychostudy.io.atomic import remove_stale
from ptychostudy.io.text import write_text
from ptychostudy.runs import blockers, failures, snakemake_log
from ptychostudy.runs.failures import Failure
from ptychostudy.study import layout

LEDGER = Path(layout.LEDGER)
REPORTS = Path("red")
TAIL = 40
"""Lines of a log that a report shows."""
_DIRECTORY = "--directory="
_OWN_WORDS = "ptychostudy "

_UNFINISHED = ".blocked_*.md.*.part"
_RANDOM = len("12345678.part")

Written = tuple[int, int, int]
"""Inode, time of change in nanoseconds, and size of a log."""


def logs(hub: Path = Path(".")) -> dict[str, Written]:
    """Return what tells each job's log from any other writing of it.

    The machine's clocks are not asked.
    """
    written = {}
    further = hub.glob(f"{layout.SEEDS_FOLDER}/*/{layout.LOGS_FOLDER}")
    for folder in (hub / layout.LOGS_FOLDER, *sorted(further)):
        for path in folder.rglob("*"):
            signs = _written(path)
            if signs:
                written[str(path.relative_to(hub))] = signs
    return written


def clear(hub: Path = Path(".")) -> None:
    """Remove what a run left that was killed as it wrote its report.

    Other files' next writers remove it; a report has a name of its own, and no next writer.
    """
    for path in (hub / REPORTS).glob(_UNFINISHED):
        with contextlib.suppress(OSError):  # no run fails for want of tidiness
            remove_stale(path.parent, path.name[:-_RANDOM], ".part")


def run(*, log: list[Path], command: str = "", hub: Path = Path(".")) -> None:
    """Write ``red/blocked_<UTC>.md`` and add one line a failed job to ``analysis/blocker.log``.

    Parameters
    ----------
    log : list of Path or str
        Snakemake's log.
    command : str
        What continues the run.
    hub : Path
        Working directory of the study.
    """
    report(log, command, {}, hub=hub)


def report(
    log: list[Path], command: str, before: Mapping[str, Written], *, hub: Path = Path(".")
) -> None:
    """Do what `run` does, with what is known of the start of the run.

    Parameters
    ----------
    log, command, hub
        As of `run`.
    before : mapping of str to tuple
        The `logs` at the start of the run: one that is the same now is an earlier run's, and is not
        shown.
    """
    try:
        _describe(log, command or "snakemake", hub, before)
    except Exception as error:  # whatever it is, Snakemake's own messages come first
        print(f"the failure could not be described ({error}); see {', '.join(map(str, log))}")


def continuation(arguments: Sequence[str], *, hub: Path = Path("."), shell_folder: str = "") -> str:
    """Return what a person types, wherever they are, to run Snakemake again as it was run.

    Parameters
    ----------
    arguments : sequence of str
        ``sys.argv`` of Snakemake, whose relative paths count from the folder where it was started.
    hub : Path
        Working directory of the study, which Snakemake has changed to.
    shell_folder : str
        ``PWD`` of its environment: that folder, where a shell started it.
    """
    hub = hub.resolve()
    given = _directory(arguments)
    # The shell's own name of the folder may go through links, and is what the person knows.
    candidates = [Path(shell_folder or "/"), hub, *hub.parents]
    starts = (folder for folder in candidates if (folder / given).resolve() == hub)
    start = next(starts, hub)
    return f"cd {shlex.quote(str(start))} && {shlex.join(arguments)}"


def _directory(arguments: Sequence[str]) -> str:
    """Return the working directory that a command line gives, the last one counting, or nothing."""
    given = ""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word in ("-d", "--directory"):
            given = following
        elif word.startswith(_DIRECTORY):
            given = word.removeprefix(_DIRECTORY)
    return given


def resolve(*, hub: Path = Path(".")) -> None:
    """Close the ledger's entries whose files are there by now, and list them."""
    try:
        _close(hub)
    except Exception as error:  # a run that succeeded stays a success
        print(f"{hub / LEDGER} could not be brought up to date ({error})")


def _describe(log: list[Path], resume: str, hub: Path, before: Mapping[str, Written]) -> None:
    text = "\n".join(_text(Path(path)) for path in log)
    failed = _failed(text)
    tails = [_tails(failure, hub, before) for failure in failed] or [_tail(text)]
    stamp = _stamp()
    report = REPORTS / f"blocked_{stamp}.md"
    named = ", ".join(map(str, log))
    described = blockers.blocked_report(
        failed, tails, stamp=stamp, snakemake_log=named, resume=resume
    )
    # The report first: the ledger names it.
    write_text(hub / report, described)
    _note(failed, stamp, str(report), hub)
    print(f"{hub / report} says what failed and how to continue")
    # Last on the screen: whoever looks there has the reason before their eyes.
    for words in dict.fromkeys(_words(failure, hub, before) for failure in failed):
        if words:
            print(words)


def _note(failed: list[Failure], stamp: str, report: str, hub: Path) -> None:
    absent = [_absent(failure, hub) for failure in failed]
    lines = blockers.blocked_lines(failed, absent, stamp=stamp, report=report)
    write_text(hub / LEDGER, _text(hub / LEDGER) + lines)


def _failed(text: str) -> list[Failure]:
    return [
        failures.identify(failure, _text(Path(failure.source)))
        for failure in failures.parse_failures(text)
    ]


def _tails(failure: Failure, hub: Path, before: Mapping[str, Written]) -> str:
    return "\n".join(_shown(path, hub, before) for path in failure.logs)


def _words(failure: Failure, hub: Path, before: Mapping[str, Written]) -> str:
    """Return a stage's own last words in the log of a job, which it begins with its name."""
    lines = [line for path in failure.logs for line in _shown(path, hub, before).splitlines()]
    begins = [place for place, line in enumerate(lines) if line.startswith(_OWN_WORDS)]
    return "\n".join(lines[begins[-1] :]) if begins else ""


def _absent(failure: Failure, hub: Path) -> list[str]:
    return [path for path in failures.files_of(failure) if not (hub / path).exists()]


def _close(hub: Path) -> None:
    ledger = _text(hub / LEDGER)
    entries = [
        entry
        for entry in blockers.open_entries(ledger)
        if all((hub / path).exists() for path in entry.awaited)
    ]
    if not entries:
        return
    write_text(hub / LEDGER, ledger + blockers.resolved_lines(entries, stamp=_stamp()))
    print("resolved by this run:")
    for entry in entries:
        print(f"  {entry.job} ({entry.report})")


def _shown(path: str, hub: Path, before: Mapping[str, Written]) -> str:
    """Return the last lines of a log, or that this run has not written it.

    A job may end before it begins.
    """
    if path in before and before[path] == _written(hub / path):
        return f"(this run wrote nothing to {path}, which is an earlier run's)"
    return _tail(_text(hub / path))


def _written(path: Path) -> Written | None:
    try:
        status = path.stat()
    except OSError:
        return None
    if not path.is_file():
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _tail(text: str) -> str:
    lines = text.splitlines()
    # A cancelled job may say much before it ends; what Slurm said comes first then, and explains
    # the rest.
    earlier = [line for line in lines[:-TAIL] if snakemake_log.is_slurms_word(line)]
    return "\n".join(earlier + lines[-TAIL:])


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
