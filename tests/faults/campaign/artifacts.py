"""What the study wrote: its files, their kinds, and whether two hubs hold the same numbers."""

import re

from ptychostudy.io.atomic import sha256_of

NUMERIC = {".npz", ".csv", ".zip", ".png", ".md", ".txt", ".json", ".log"}
UNEQUAL = ("/manifest.json", "/hybrid.json", "_speed.json", "/speed.json", "/speed.md")
"""Ends of the names of files with a wall time: the records of iterative runs, and how long each arm took."""


def files(hub):
    """Return the hub-relative paths of a study's files, sorted."""
    found = [path for part in ("data", "analysis") for path in (hub / part).rglob("*") if path.is_file()]
    wanted = [path for path in found if path.suffix in NUMERIC and not path.name.startswith(".")]
    return sorted(path.relative_to(hub).as_posix() for path in wanted if path.name != "blocker.log")


def digests(hub):
    """Return the sha256 of every file that two runs have in common."""
    return {name: sha256_of(hub / name) for name in files(hub) if not name.endswith(UNEQUAL)}


def differences(hub, reference):
    """Return the files that are missing, too many or different, compared with the digests of an undisturbed hub."""
    found = digests(hub)
    return sorted(name for name in found.keys() | reference.keys() if found.get(name) != reference.get(name))


def one_of_each_kind(names):
    """Return the last file of each kind: the same name apart from numbers, view, split and dose is the same kind."""
    return list({_kind(name): name for name in names}.values())


def _kind(name):
    return re.sub(r"dose_\d+|\b(train|test)\b|\d+-of-\d+|(?<=_)(train|test)(?=\.)|(train|test)(?=_)", "*", name)


def partner(name, names):
    """Return another file that could be taken for this one: of its kind, else of its format, else any."""
    same = [other for other in names if other != name and _kind(other) == _kind(name)]
    alike = [other for other in names if other != name and other.rpartition(".")[2] == name.rpartition(".")[2]]
    return (same or alike or [other for other in names if other != name])[0]
