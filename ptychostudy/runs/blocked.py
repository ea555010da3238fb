"""Stage blocked: say what stopped a run and how to continue; note later what was resolved. Called by the Snakefile.

Neither `run` nor `resolve` ever raises: a report that cannot be written must not hide the failure it is about.
"""

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ptychostudy.runs import blockers, failures, snakemake_log

LEDGER = Path("analysis/blocker.log")
TAIL = 40


Written = tuple[int, int, int]


def logs(hub: Path = Path(".")) -> dict[str, Written]:
    """Return what tells each job's log from any other writing of it: the machine's clocks are not asked."""
    found = {}
    for folder in (hub / "logs", *sorted(hub.glob("seeds/*/logs"))):
        for path in folder.rglob("*"):
            if written := _written(path):
                found[str(path.relative_to(hub))] = written
    return found


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
        The `logs` at the start of the run: one that is the same now is an earlier run's, and is not shown.
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
    hub, given = hub.resolve(), ""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word in ("-d", "--directory"):
            given = following
        elif word.startswith("--directory="):
            given = word.partition("=")[2]
    start = next(
        (p for p in (Path(shell_folder or "/"), hub, *hub.parents) if (p / given).resolve() == hub),
        hub,
    )
    return f"cd {shlex.quote(str(start))} && {shlex.join(arguments)}"


def resolve(*, hub: Path = Path(".")) -> None:
    """Close the ledger's entries whose files are there by now, and list them."""
    try:
        _close(hub)
    except Exception as error:  # a run that succeeded stays a success
        print(f"{hub / LEDGER} could not be brought up to date ({error})")


def _describe(log: list[Path], resume: str, hub: Path, before: Mapping[str, Written]) -> None:
    text = "\n".join(_text(Path(path)) for path in log)
    failed = [
        failures.identify(failure, _text(Path(failure.source)))
        for failure in failures.parse_failures(text)
    ]
    tails = [
        "\n".join(_shown(path, hub, before) for path in failure.logs) for failure in failed
    ] or [_tail(text)]
    absent = [
        [path for path in failures.files_of(failure) if not (hub / path).exists()]
        for failure in failed
    ]
    stamp = _stamp()
    report = Path("red") / f"blocked_{stamp}.md"
    names = {"stamp": stamp, "snakemake_log": ", ".join(map(str, log)), "resume": resume}
    _write(hub / report, blockers.blocked_report(failed, tails, **names))
    _write(
        hub / LEDGER,
        _text(hub / LEDGER)
        + blockers.blocked_lines(failed, absent, stamp=stamp, report=str(report)),
    )
    print(f"{hub / report} says what failed and how to continue")


def _close(hub: Path) -> None:
    ledger = _text(hub / LEDGER)
    entries = [
        entry
        for entry in blockers.open_entries(ledger)
        if all((hub / path).exists() for path in entry[2])
    ]
    if entries:
        _write(hub / LEDGER, ledger + blockers.resolved_lines(entries, stamp=_stamp()))
        print(
            "resolved by this run:",
            *(f"  {job} ({report})" for job, report, _ in entries),
            sep="\n",
        )


def _shown(path: str, hub: Path, before: Mapping[str, Written]) -> str:
    """Return the last lines of a log, or that this run has not written it: a job may end before it begins."""
    if path in before and before[path] == _written(hub / path):
        return f"(this run wrote nothing to {path}, which is an earlier run's)"
    return _tail(_text(hub / path))


def _written(path: Path) -> Written | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size) if path.is_file() else None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _tail(text: str) -> str:
    lines = text.splitlines()
    # A cancelled job may say much before it ends; what Slurm said comes first then, and explains the rest.
    return "\n".join(
        [line for line in lines[:-TAIL] if snakemake_log.is_slurms_word(line)] + lines[-TAIL:]
    )


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def _write(path: Path, text: str) -> None:
    from ptychostudy.io.text import (
        write_text,  # NumPy and HDF5, which every parse of the workflow would pay for otherwise
    )

    write_text(path, text)
