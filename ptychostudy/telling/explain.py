"""Stage explain: what made a file, from what, with which settings, and why it is out of date."""

import re
import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ptychostudy import provenance
from ptychostudy.runs.code_record import RECORD
from ptychostudy.telling import reasons
from ptychostudy.telling.answer import in_time, show, wrapped
from ptychostudy.telling.dry_run import Job, dry_run, makers_of
from ptychostudy.telling.reasons import Reason
from ptychostudy.telling.records import Record, record_of, records, seconds_of

_INDENT = 12
_LISTED = 6
"""Inputs and reasons that a person is shown of one file."""
_DIGEST = re.compile(r"'([0-9a-f]{16})'")
_CURRENT = "up to date"
_STALE = "out of date"
_ABSENT = "not there"
_FOREIGN = "made by no rule of this study"
_BLOCKED = "cannot be made anew"


def run(
    file: list[str],
    *,
    configfile: Path | None = None,
    hub: Path = Path("."),
    json: bool = False,
) -> None:
    """Print of each file rule, time, inputs, settings and code, and whether it is up to date.

    Where it is not: the key, the module or the input that changed, in its own rule or before it.
    That is asked of Snakemake's dry run.

    Parameters
    ----------
    file : list of str
        Files of the study, relative to the hub.
    configfile : Path, optional
        As of ``snakemake --configfile``.
    hub : Path
        Working directory of the study.
    json : bool
        One JSON object instead.
    """
    explained = [_explained(name, hub, configfile) for name in file]
    lines = [line for record in explained for line in [*_lines(record), ""]]
    show(lines[:-1], {"files": explained}, as_json=json)


def _explained(name: str, hub: Path, configfile: Path | None) -> dict[str, Any]:
    made = record_of(hub, name)
    explained = {"file": name, "made": None if made is None else _made(made)}
    try:
        # Of itself Snakemake makes no deleted file anew whose followers are all there.
        jobs = dry_run(hub, [name, *_deleted(name, hub)], configfile)
    except ValueError as error:
        return {**explained, "state": _BLOCKED, "why": [_entry("", "", "refused", [str(error)])]}
    makers = makers_of(jobs)
    if name not in makers:
        return {**explained, "state": _FOREIGN if made is None else _CURRENT, "why": []}
    state = _STALE if (hub / name).exists() else _ABSENT
    return {**explained, "state": state, "why": _why(makers[name], makers, hub)}


def _deleted(name: str, hub: Path) -> list[str]:
    """Return the files that a file was made of, directly or not, and that are gone."""
    known = records(hub)
    pending, seen = [name], {name}
    while pending:
        inputs = known.get(pending.pop(), {}).get("input") or []
        fresh = [path for path in inputs if path not in seen]
        seen.update(fresh)
        pending += fresh
    return sorted(path for path in seen - {name} if path in known and not (hub / path).exists())


def _why(job: Job, makers: Mapping[str, Job], hub: Path) -> list[dict[str, Any]]:
    """Return the last reasons, jobs of one rule with the same reason once."""
    entries: dict[tuple[str, Reason], dict[str, Any]] = {}
    for cause, reason in reasons.roots(job, makers, hub):
        what = list(reason.what)
        if reason.kind == reasons.CODE and not what:
            what = _by_time(cause, hub)
        entry = _entry(cause.rule, cause.outputs[0], reason.kind, what)
        entries.setdefault((cause.rule, reason), entry)
    return list(entries.values())


def _entry(rule: str, file: str, kind: str, what: list[str]) -> dict[str, Any]:
    return {"rule": rule, "file": file, "kind": kind, "what": what}


def _by_time(job: Job, hub: Path) -> list[str]:
    """Return the modules that are younger than a job's file, where no run noted what they were."""
    made = record_of(hub, job.outputs[0]) or {}
    paths = provenance.import_closure(f"ptychostudy.stages.{reasons.stage_of(job.rule)}")
    young = [path for path in paths if path.stat().st_mtime > (made.get("endtime") or 0.0)]
    names = [path.relative_to(provenance.ROOT).with_suffix("").as_posix() for path in young]
    return [name.replace("/", ".") for name in names]


def _made(record: Record) -> dict[str, Any]:
    """Return what Snakemake's record says of how a file was made."""
    words = _words(record.get("shellcmd") or "")
    code = _DIGEST.search(" ".join(record.get("params") or []))
    ended = record.get("endtime")
    return {
        "rule": record["rule"],
        "inputs": list(record.get("input") or []),
        "settings": words[words.index("--settings") + 1] if "--settings" in words else None,
        "code": code[1] if code else None,
        "log": list(record.get("log") or []),
        "ended": datetime.fromtimestamp(ended).isoformat(" ", "seconds") if ended else None,
        "seconds": seconds_of(record),
    }


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _lines(record: Mapping[str, Any]) -> list[str]:
    lines = [record["file"]]
    if record["made"] is not None:
        lines += _how(record["made"])
    lines += wrapped(record["state"], _INDENT, "  state")
    for entry in record["why"][:_LISTED]:
        lines += wrapped(_reason(entry), _INDENT, "  because")
    hidden = len(record["why"]) - _LISTED
    return [*lines, f"  and {hidden} further reasons: --json names them"] if hidden > 0 else lines


def _how(made: Mapping[str, Any]) -> list[str]:
    took = "" if made["seconds"] is None else f", in {in_time(made['seconds'])}"
    inputs, hidden = made["inputs"][:_LISTED], len(made["inputs"]) - _LISTED
    more = f" and {hidden} more" if hidden > 0 else ""
    told = {
        "made by": f"rule {made['rule']}, {made['ended']}{took}",
        "from": f"{' '.join(inputs)}{more}" if inputs else "no file",
        "settings": made["settings"] or "none",
        "code": made["code"] or "not counted",
        "log": " ".join(made["log"]),
    }
    return [line for name, text in told.items() for line in wrapped(text, _INDENT, f"  {name}")]


def _reason(entry: Mapping[str, Any]) -> str:
    what = entry["what"]
    hidden = len(what) - _LISTED
    more = f" and {hidden} more" if hidden > 0 else ""
    text = f"{entry['kind']}: {', '.join(what[:_LISTED])}{more}" if what else entry["kind"]
    if entry["kind"] == reasons.CODE and not what:
        text += f" (which module is not known: {RECORD} has nothing of that time)"
    return f"{text} (rule {entry['rule']}, {entry['file']})" if entry["rule"] else text
