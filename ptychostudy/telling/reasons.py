"""Why a job would run, in the user's words: Snakemake's reasons, taken apart and made plain."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptychostudy.runs import code_record
from ptychostudy.telling.dry_run import Job
from ptychostudy.telling.records import of_any_seed

KEY = "key changed"
CODE = "code changed"
NEWER = "input newer"
INPUTS = "other inputs"
RULE = "rule changed"
ENVIRONMENT = "environment changed"
FORCED = "forced"
HALF = "half written"
MISSING = "file missing"
FOLLOWS = "follows"
ORDER = (KEY, CODE, RULE, ENVIRONMENT, INPUTS, NEWER, FORCED, HALF, MISSING, FOLLOWS)
"""Kinds of reasons, the most telling first."""
_PLAIN = {
    "Missing output files": MISSING,
    "Incomplete output files": HALF,
    "Updated input files": NEWER,
    "Input files updated by another job": FOLLOWS,
    "Set of input files has changed": INPUTS,
    "Code has changed": RULE,
    "Software environment definition has changed": ENVIRONMENT,
    "Forced execution": FORCED,
}
"""How a sentence of Snakemake begins, and what it means."""
_PARAMS = re.compile(r"Params have changed.*?before: (?P<before>.*) now: (?P<now>.*?) *$")
_DIGEST = re.compile(r"[0-9a-f]{16}")
_ABSENT = "absent"


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes
    ----------
    kind : str
        One of `ORDER`.
    what : tuple of str
        Keys with their values, modules, or files.
    """

    kind: str
    what: tuple[str, ...] = ()


def reasons_of(job: Job, hub: Path) -> list[Reason]:
    """Return the reasons of a job, the most telling first."""
    found: list[Reason] = []
    for sentence in _sentences(job.reason):
        match = _PARAMS.match(sentence)
        found += _params(job.rule, match, hub) if match else _plain(sentence)
    return sorted(found, key=lambda reason: ORDER.index(reason.kind))


def worded(reason: Reason, makers: Mapping[str, Job]) -> Reason:
    """Return a reason in which files of other jobs are named by the rules that make them."""
    if reason.kind != FOLLOWS:
        return reason
    rules = {of_any_seed(makers[path].rule) if path in makers else path for path in reason.what}
    return Reason(reason.kind, tuple(sorted(rules)))


def roots(job: Job, makers: Mapping[str, Job], hub: Path) -> list[tuple[Job, Reason]]:
    """Return why a job would run in the end: reasons of its own, or of those it waits for.

    Parameters
    ----------
    job : Job
    makers : mapping of str to Job
        From `dry_run.makers_of`.
    hub : Path

    Returns
    -------
    list of (Job, Reason)
        The job's own first. That a file is missing is no last reason where its inputs change, too.
    """
    found = []
    pending, seen = [job], {job.outputs}
    while pending:
        here = pending.pop(0)
        before = [makers[path] for path in here.inputs if path in makers]
        caused = (FOLLOWS, MISSING) if before else (FOLLOWS,)
        found += [(here, reason) for reason in reasons_of(here, hub) if reason.kind not in caused]
        for earlier in before:
            if earlier.outputs not in seen:
                seen.add(earlier.outputs)
                pending.append(earlier)
    return found


def _sentences(text: str) -> list[str]:
    # A semicolon in a setting is followed by no sentence of Snakemake's.
    begins = "|".join([*map(re.escape, _PLAIN), "Params have changed"])
    return re.split(rf"; (?={begins})", text)


def _plain(sentence: str) -> list[Reason]:
    for begin, kind in _PLAIN.items():
        if sentence.startswith(begin):
            files = sentence.partition(": ")[2]
            return [Reason(kind, tuple(sorted(files.split(", "))) if files else ())]
    return []


def _params(rule: str, match: re.Match[str], hub: Path) -> Iterator[Reason]:
    """Yield what changed in the parameters of a rule: settings, and the digest of its code."""
    before, now = _texts(match["before"]), _texts(match["now"])
    olds, news = _digests(before), _digests(now)
    if olds or news:
        yield Reason(CODE, _modules(olds, news, rule, hub))
    keys = tuple(_differences(_settings(before), _settings(now)))
    if keys:
        yield Reason(KEY, keys)
    elif not (olds or news):
        yield Reason(KEY, (f"{', '.join(before) or _ABSENT} -> {', '.join(now) or _ABSENT}",))


def _texts(listed: str) -> list[str]:
    """Return the parameters in Snakemake's list; it writes each as Python does."""
    try:
        return [str(one) for one in ast.literal_eval(f"[{listed}]")]
    except (SyntaxError, ValueError):
        return [] if listed.startswith("<") else [listed]


def _digests(texts: list[str]) -> list[str]:
    return [text for text in texts if _DIGEST.fullmatch(text)]


def _modules(before: list[str], now: list[str], rule: str, hub: Path) -> tuple[str, ...]:
    """Return the modules that changed; none where no run has noted what they were."""
    stage = stage_of(rule)
    names: set[str] = set()
    for old, new in zip(before, now, strict=False):
        names.update(code_record.changed(old, new, stage, hub) or ())
    return tuple(sorted(names))


def stage_of(rule: str) -> str:
    """Return the stage that a rule runs: the first word of its name."""
    return of_any_seed(rule).partition("_")[0]


def _settings(texts: list[str]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for text in texts:
        if text.startswith("{"):
            merged |= json.loads(text)
    return merged


def _differences(before: Any, now: Any, key: str = "") -> Iterator[str]:
    """Yield each key whose value differs, with both values."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted(before.keys() | now.keys()):
            inner = f"{key}.{name}" if key else name
            yield from _differences(before.get(name, _ABSENT), now.get(name, _ABSENT), inner)
    elif before != now:
        yield f"{key} {_value(before)} -> {_value(now)}"


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
