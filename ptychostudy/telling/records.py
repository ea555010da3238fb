"""What Snakemake has noted of each file it made: rule, command, inputs, times."""

import base64
import json
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ptychostudy.runs.liveness import STATE

_MADE = STATE / "metadata"
_BEGUN = STATE / "incomplete"
_SEED = re.compile(r"^seed_\d+_")

Record = Mapping[str, Any]


def _names(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the file that each record is about, and the record's own; names are in base 64."""
    for path in folder.rglob("*"):
        if path.is_file():
            # A long name is cut into folders whose names begin with an @.
            encoded = "".join(part.lstrip("@") for part in path.relative_to(folder).parts)
            try:
                yield base64.urlsafe_b64decode(encoded).decode(), path
            except ValueError:
                continue


def begun(hub: Path) -> dict[str, float]:
    """Return the files that jobs have begun and not finished, and when: seconds since 1970."""
    found = {}
    for name, path in _names(hub / _BEGUN):
        try:
            found[name] = path.stat().st_mtime
        except OSError:
            # Its job has just ended.
            continue
    return found


def record_of(hub: Path, name: str) -> Record | None:
    """Return the record of one file, or None where Snakemake has none."""
    found = [path for known, path in _names(hub / _MADE) if known == name]
    return _read(found[0]) if found else None


def records(hub: Path) -> dict[str, Record]:
    """Return all records, by their files."""
    read = {name: _read(path) for name, path in _names(hub / _MADE)}
    return {name: record for name, record in read.items() if record is not None}


def _read(path: Path) -> Record | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "rule" in record else None


def of_any_seed(rule: str) -> str:
    """Return the name of a rule without that of the further seed whose copy of it this is."""
    return _SEED.sub("", rule)


def seconds_of(record: Record) -> float | None:
    """Return how long the job of a record took, its start included."""
    started, ended = record.get("starttime"), record.get("endtime")
    return ended - started if started and ended else None


def mean_seconds(known: Mapping[str, Record]) -> dict[str, float]:
    """Return how long a job of each rule takes on average."""
    times = defaultdict(list)
    for record in known.values():
        seconds = seconds_of(record)
        if seconds is not None:
            times[of_any_seed(record["rule"])].append(seconds)
    return {rule: statistics.fmean(each) for rule, each in times.items()}
