"""Stage plan: what would run, why, how long, and how much memory and disk; in thirty lines."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptychostudy.telling import course, reasons
from ptychostudy.telling.answer import in_bytes, in_time, show, table
from ptychostudy.telling.dry_run import Job, dry_run, makers_of
from ptychostudy.telling.first_guess import first_guess
from ptychostudy.telling.machine import usable_cores
from ptychostudy.telling.reasons import Reason, reasons_of
from ptychostudy.telling.records import of_any_seed, records

_ROWS = 24
"""Rules that are listed; the workflow has that many."""
_UNKNOWN = "?"
_EARLIER, _SIZE = "earlier runs", "the size of the scan"
"""What the time of the whole is told by."""
_NAMED = 2
"""Keys, modules, files or rules that stand in the line of a rule."""


@dataclass(frozen=True)
class _Group:
    """Jobs of one rule."""

    rule: str
    jobs: Sequence[Job]
    seconds: Sequence[float | None]
    why: Sequence[Reason]


def run(
    target: list[str] = [],  # noqa: B006  (the command line's; nothing changes it)
    *,
    configfile: Path | None = None,
    cores: int | None = None,
    hub: Path = Path("."),
    json: bool = False,
) -> None:
    """Print which jobs would run and why, one line a rule, and what they cost.

    It is Snakemake's own dry run, reduced. Times are those of earlier runs in this hub; of a
    study that has not run, the whole is told by the size of its scan.

    Parameters
    ----------
    target : list of str
        Files or rules, as for Snakemake; none is the whole study.
    configfile : Path, optional
        As of ``snakemake --configfile``.
    cores : int, optional
        As of ``snakemake --cores``; all there are.
    hub : Path
        Working directory of the study.
    json : bool
        One JSON object instead.
    """
    jobs = dry_run(hub, target, configfile)
    known = records(hub)
    times = course.seconds(jobs, known, hub)
    groups = _groups(jobs, times, hub)
    record = _costs(jobs, times, cores or max(1, int(usable_cores()[1])), hub)
    record["by"] = None if record["seconds"] is None else _EARLIER
    if jobs and not known and not target:
        record["seconds"] = first_guess(hub, configfile, record["cores"])
        record["by"] = None if record["seconds"] is None else _SIZE
    record["rules"] = [_plain(group) for group in groups]
    show(_lines(groups, record, first=not known), record, as_json=json)


def _groups(jobs: Sequence[Job], times: Sequence[float | None], hub: Path) -> list[_Group]:
    """Put the jobs of a rule together, in the order in which their rules would begin."""
    groups = []
    makers = makers_of(jobs)
    rules = [of_any_seed(job.rule) for job in jobs]
    for rule in dict.fromkeys(rules):
        places = [k for k, own in enumerate(rules) if own == rule]
        own = [jobs[k] for k in places]
        why = [reasons.worded(reason, makers) for job in own for reason in reasons_of(job, hub)]
        groups.append(_Group(rule, own, [times[k] for k in places], why))
    return groups


def _costs(
    jobs: Sequence[Job], times: Sequence[float | None], cores: int, hub: Path
) -> dict[str, Any]:
    known = [time for time in times if time is not None]
    # A job of which nothing is known is as most are, and is counted.
    usual = course.usual(known)
    filled = [usual if time is None else time for time in times]
    return {
        "jobs": len(jobs),
        "cores": cores,
        "seconds": round(course.elapsed(jobs, filled, cores), 1) if known else None,
        "jobs_of_unknown_time": len(jobs) - len(known),
        "memory_mb": max((job.memory_mb for job in jobs), default=0),
        "disk_bytes": _disk(jobs, hub),
    }


def _disk(jobs: Sequence[Job], hub: Path) -> int | None:
    """Return the bytes of what would be written, by what is there of the same rules."""
    total, unknown = 0.0, False
    for rule in {job.rule for job in jobs}:
        own = [job.outputs for job in jobs if job.rule == rule]
        sizes = [size for outputs in own if (size := _size(outputs, hub)) is not None]
        unknown |= not sizes
        total += len(own) * statistics.fmean(sizes) if sizes else 0.0
    return None if unknown else round(total)


def _size(outputs: Sequence[str], hub: Path) -> int | None:
    try:
        return sum((hub / path).stat().st_size for path in outputs)
    except OSError:
        return None


def _plain(group: _Group) -> dict[str, Any]:
    known = [time for time in group.seconds if time is not None]
    merged: dict[str, dict[str, None]] = {}
    for reason in group.why:
        merged.setdefault(reason.kind, {}).update(dict.fromkeys(reason.what))
    return {
        "rule": group.rule,
        "jobs": len(group.jobs),
        "seconds": round(sum(known), 1) if len(known) == len(group.jobs) else None,
        "memory_mb": max(job.memory_mb for job in group.jobs),
        "why": {kind: list(merged[kind]) for kind in reasons.ORDER if kind in merged},
    }


def _lines(groups: Sequence[_Group], record: Mapping[str, Any], *, first: bool) -> list[str]:
    if not groups:
        return ["Nothing would run: every file is there and up to date."]
    rows = [["rule", "jobs", "time", "memory", "why"]]
    rows += [_row(rule, first=first) for rule in record["rules"][:_ROWS]]
    lines = [_heading(record), _needs(record), "", *table(rows, right=(1, 2, 3))]
    left = record["rules"][_ROWS:]
    if left:
        counted = sum(rule["jobs"] for rule in left)
        lines.append(f"and {counted} jobs of {len(left)} further rules: --json names them")
    return lines


def _heading(record: Mapping[str, Any]) -> str:
    text = f"{record['jobs']} jobs of {len(record['rules'])} rules would run"
    if record["seconds"] is None:
        return f"{text}; how long is not known: no job of these rules has run in this folder"
    text += f", about {in_time(record['seconds'])} on {record['cores']} cores"
    if record["by"] == _SIZE:
        return f"{text}, by {_SIZE}: none has run here"
    unknown = record["jobs_of_unknown_time"]
    return f"{text} ({unknown} of them never timed here)" if unknown else text


def _needs(record: Mapping[str, Any]) -> str:
    disk = record["disk_bytes"]
    size = "not known before a first run" if disk is None else f"{in_bytes(disk)} to write"
    memory = in_bytes(record["memory_mb"] * 1e6)
    return f"memory: up to {memory} a job, as the rules ask; disk: {size}"


def _row(rule: Mapping[str, Any], *, first: bool) -> list[str]:
    time = _UNKNOWN if rule["seconds"] is None else in_time(rule["seconds"])
    memory = in_bytes(rule["memory_mb"] * 1e6)
    return [rule["rule"], str(rule["jobs"]), time, memory, _why(rule["why"], first=first)]


def _why(why: Mapping[str, Sequence[str]], *, first: bool) -> str:
    """Return the most telling reason in a few words."""
    if first and set(why) <= {reasons.MISSING, reasons.FOLLOWS}:
        return "not made yet"
    kind = next(iter(why), "")
    what = why.get(kind, ())
    if not what:
        return kind
    hidden = len(what) - _NAMED
    more = f" and {hidden} more" if hidden > 0 else ""
    return f"{kind}: {', '.join(what[:_NAMED])}{more}"
