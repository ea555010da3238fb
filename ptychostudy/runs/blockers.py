"""The report and the ledger of jobs that failed. Values in, text out."""

from collections.abc import Sequence

from ptychostudy.runs.failures import Failure


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
    lines = [
        f"# Blocked at {stamp}",
        "",
        f"Snakemake's log: `{snakemake_log}`",
        "",
        "Continue, once the cause is gone:",
    ]
    lines += ["", *_fenced("sh", resume), ""]
    if not failures:
        return "\n".join(
            [
                *lines,
                "Snakemake named no failed job. Its last lines:",
                "",
                *_fenced("text", tails[0]),
                "",
            ]
        )
    for failure, tail in zip(failures, tails, strict=True):
        lines += [f"## {failure.rule or 'unknown rule'}", ""]
        lines += [
            f"- wildcards: {', '.join(f'{k}={v}' for k, v in failure.wildcards.items()) or 'none'}"
        ]
        lines += [f"- exit code: {failure.exit_code}{_meaning(failure)}"]
        lines += [f"- log: {', '.join(failure.logs) or 'none'}", ""]
        lines += ["Command:", "", *_fenced("sh", failure.command or "# not reported"), ""]
        lines += ["Last lines of its log:", "", *_fenced("text", tail or "(empty)"), ""]
    return "\n".join(lines)


# Not on the command line: there, --set-resources takes the place of all that the profile sets, partitions among it.
_MORE = "`set-resources` of the profile can give {rule} more"
_MEANINGS = {
    "2": "input, settings, disk or memory: the last line of its log names what is needed",
    "130": "Ctrl-C: continue with the command above",
    "143": "stopped by SIGTERM, as by a time limit or preemption: continue with the command above",
    "137": "killed, by hand or for its memory: continue with the command above; {more} mem_mb if it took too much",
    "Slurm says TIMEOUT": "continue with the command above; {more} runtime, in minutes, if it cannot do with less",
    "Slurm says OUT_OF_MEMORY": "continue with the command above; {more} mem_mb if a further attempt has too little",
    "Slurm says CANCELLED": "scancel: continue with the command above",
    "Slurm says PREEMPTED": "continue with the command above",
    "Slurm says NODE_FAIL": "continue with the command above",
}


def _meaning(failure: Failure) -> str:
    code = "137" if failure.exit_code == "killed by SIGKILL" else failure.exit_code
    text = (
        _MEANINGS.get(code, "").replace("{more}", _MORE).replace("{rule}", failure.rule or "RULE")
    )
    return f" ({text})" if text else ""


def _fenced(language: str, text: str) -> list[str]:
    return [f"````{language}", text.rstrip("\n"), "````"]


def blocked_lines(
    failures: Sequence[Failure], absent: Sequence[Sequence[str]], *, stamp: str, report: str
) -> str:
    """Return the ledger's lines of a failed run: time, ``blocked``, job, report, files still to be made."""
    rows = [(failure.job, " ".join(files)) for failure, files in zip(failures, absent, strict=True)]
    rows = rows or [("unknown job", "")]
    return "".join(f"{stamp}\tblocked\t{job}\t{report}\t{files}\n" for job, files in rows)


def open_entries(ledger: str) -> list[tuple[str, str, list[str]]]:
    """Return job, report and awaited files of the ledger's entries that no later line resolves."""
    rows = [line.split("\t") for line in ledger.splitlines()]
    rows = [row for row in rows if len(row) == 5]
    done = {(row[2], row[3]) for row in rows if row[1].startswith("resolved")}
    return [
        (row[2], row[3], row[4].split())
        for row in rows
        if row[1] == "blocked" and (row[2], row[3]) not in done
    ]


def resolved_lines(entries: Sequence[tuple[str, str, list[str]]], *, stamp: str) -> str:
    """Return the ledger's lines that close entries."""
    return "".join(
        f"{stamp}\tresolved by a later run\t{job}\t{report}\t{' '.join(f)}\n"
        for job, report, f in entries
    )
