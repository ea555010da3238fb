"""Check of the inventory: every file of the study is there and is the one that was written."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ptychostudy.io.atomic import DataError, check_sums, sha256_of
from ptychostudy.io.records import read_json
from ptychostudy.io.text import read_text
from ptychostudy.study import layout
from ptychostudy.study.hub import Hub

_ANY = "*"
_SHARDS = layout.SHARD.format(dose=_ANY, view=_ANY, split=_ANY, network=_ANY, scatteritem="*-of-*")
_SEEDS = ("", layout.SEED.format(seed=_ANY))


def listed_files(hub: Hub) -> list[str]:
    """Check that listed files are relative, exist and have their sha256, and shards theirs."""
    names = read_text(hub.root / layout.INVENTORY_TEXT).splitlines()
    entries = read_json(hub.root / layout.INVENTORY, ["files"])["files"]
    problems = []
    if sorted(entries) != names:
        problems.append("artifact_inventory.txt and artifact_inventory.json list different files")
    for name in names:
        problems += _problems_of_file(hub.root, name, entries.get(name, {}))
    return problems + _damaged_shards(hub.root)


def _problems_of_file(root: Path, name: str, entry: Mapping[str, Any]) -> list[str]:
    # Such a name may lead out of the study, or be another file on another system.
    if PurePosixPath(name).is_absolute() or "\\" in name or ".." in name:
        return [f"{name!r} is not a hub-relative POSIX path"]
    if not (root / name).is_file():
        return [f"{name}: does not exist"]
    # Records of iterative runs hold a wall time and are listed without a hash.
    if "sha256" not in entry or sha256_of(root / name) == entry["sha256"]:
        return []
    return [f"{name}: its sha256 is not the recorded one; the file changed after the run"]


def _damaged_shards(root: Path) -> list[str]:
    """Compare shards with the sums beside them.

    How many shards there are says how a study was computed, not what it is: they are not listed.
    """
    shards: list[Path] = []
    for folder in _SEEDS:
        shards += root.glob(folder + _SHARDS)
    problems = []
    for shard in sorted(shards):
        try:
            check_sums([shard])
        except DataError as error:
            problems.append(str(error))
    return problems
