"""The report and the ledger of jobs that failed. Values in, text out."""

from collections.abc import Sequence
from dataclasses import dataclass

from ptychostudy.runs.failures import Failure

# Not on the command line: there, --set-resources takes the place of all that the profile sets,
# partitions among it.
_MORE = "`set-resources` of the profile can give {rule} more"
_MEANINGS = {
    "2": "input, settings, disk or memory: the last line of its log names what is needed",
    "130": "Ctrl-C: continue with the command above",
    "143": "stopped by SIGTERM, as by a time limit or preemption: continue with the command above",
    "137": (
        "killed, by hand or for its memory: continue with the command above; {more} mem_mb if it "
        "took too much"
    ),
    "Slurm says TIMEOUT": (
        "continue with the command above; {more} runtime, in minutes, if it cannot do with less"
    ),
    "Slurm says OUT_OF_MEMORY": (
        "continue with the command above; {more} mem_mb if a further attempt has too little"
    ),
    "Slurm says CANCELLED": "scancel: continue with the command above",
    "Slurm says PREEMPTED": "continue with the command above",
    "Slurm says NODE_FAIL": "continue with the command above",
}
"""What an exit code means, and what to do about it."""
_HEAD = """# Blocked at {stamp}

Snakemake's log: `{snakemake_log}`

Continue, once the cause is gone:
"""
_NO_JOB = "Snakemake named no failed job. Its last lines:\n"
_BLOCKED = "blocked"
_RESOLVED = "resolved by a later run"
_COLUMNS = 5


@dataclass(frozen=True)
class Entry:
    """A failed job in the ledger.

    Attributes
    ----------
    job : str
        Rule and wildcards.
    report : str
        Path of the report that describes it.
    awaited : tuple of str
        Files that were still to be made.
    """

    job: str
    report: str
    awaited: tuple[str, ...] = ()


def blocked_report(
    failures: Sequence[Failure],
    tails: Sequence[str],
    *,
    stamp: str,
    snakemake_log: str,
    resume: str,
) -> str:
    """Return the Markdown that says which jobs failed, why, and how to continue.

    Parameters
    ----------
    failures : sequence of Failure
    tails : sequence of str
        Last lines of each job's log; with no failure one entry, the last lines of Snakemake's log.
    stamp : str
        UTC time.
    snakemake_log, resume : str
        Its path; the command that continues.
    """
    lines = [_HEAD.format(stamp=stamp, snakemake_log=snakemake_log)]
    lines += [*_fenced("sh", resume), ""]
    if not failures:
        return "\n".join([*lines, _NO_JOB, *_fenced("text", tails[0]), ""])
    for failure, tail in zip(failures, tails, strict=True):
        lines += _section(failure, tail)
    return "\n".join(lines)


def _section(failure: Failure, tail: str) -> list[str]:
    wildcards = [f"{name}={value}" for name, value in failure.wildcards.items()]
    return [
        f"## {failure.rule or 'unknown rule'}",
        "",
        f"- wildcards: {', '.join(wildcards) or 'none'}",
        f"- exit code: {failure.exit_code}{_meaning(failure)}",
        f"- log: {', '.join(failure.logs) or 'none'}",
        "",
        "Command:",
        "",
        *_fenced("sh", failure.command or "# not reported"),
        "",
        "Last lines of its log:",
        "",
        *_fenced("text", tail or "(empty)"),
        "",
    ]


def _meaning(failure: Failure) -> str:
    killed = failure.exit_code == "killed by SIGKILL"
    text = _MEANINGS.get("137" if killed else failure.exit_code, "")
    if not text:
        return ""
    # First the one that holds the other.
    text = text.replace("{more}", _MORE).replace("{rule}", failure.rule or "RULE")
    return f" ({text})"


def _fenced(language: str, text: str) -> list[str]:
    # Four, so that a log with three of its own does not end the block.
    return [f"````{language}", text.rstrip("\n"), "````"]


def blocked_lines(
    failures: Sequence[Failure], absent: Sequence[Sequence[str]], *, stamp: str, report: str
) -> str:
    """Return the ledger's lines of a failed run.

    Their columns are time, ``blocked``, job, report, and files still to be made.
    """
    entries = [
        Entry(failure.job, report, tuple(files))
        for failure, files in zip(failures, absent, strict=True)
    ]
    return _lines(entries or [Entry("unknown job", report)], stamp=stamp, word=_BLOCKED)


def open_entries(ledger: str) -> list[Entry]:
    """Return the ledger's entries that no later line resolves."""
    rows = [line.split("\t") for line in ledger.splitlines()]
    # People may write into it: what has other columns is a note of theirs.
    rows = [row for row in rows if len(row) == _COLUMNS]
    resolved = {(job, report) for _, word, job, report, _ in rows if word.startswith("resolved")}
    return [
        Entry(job, report, tuple(files.split()))
        for _, word, job, report, files in rows
        if word == _BLOCKED and (job, report) not in resolved
    ]


def resolved_lines(entries: Sequence[Entry], *, stamp: str) -> str:
    """Return the ledger's lines that close entries."""
    return _lines(entries, stamp=stamp, word=_RESOLVED)


def _lines(entries: Sequence[Entry], *, stamp: str, word: str) -> str:
    lines = ""
    for entry in entries:
        columns = (stamp, word, entry.job, entry.report, " ".join(entry.awaited))
        lines += "\t".join(columns) + "\n"
    return lines
