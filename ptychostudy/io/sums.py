"""The files of a study against the sums recorded beside them, without reading again what has not been touched."""

import contextlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ptychostudy.io.atomic import DataError, check_sums, recorded_sum

_LARGE = 4e9
"""Bytes whose reading takes long enough to say so."""


def check_touched(paths: Iterable[str | Path], seen: Path, inventory: Path | None = None) -> None:
    """Compare with their recorded sha256 the files that do not look as they did when they were last compared.

    A file looks the same while its size, inode, time of change and time of status change are: the latter cannot be set
    back, so a file that was replaced by an older one is compared, too.

    Parameters
    ----------
    paths : iterable of str or Path
        Files that are missing or have no recorded sum pass.
    seen : Path
        Where the looks are kept from one call to the next. Without it, or where it cannot be written, all are compared.
    inventory : Path, optional
        ``artifact_inventory.json`` of the study. A whole file of another study, put in with its sum, is not the one
        that is listed. Made anew since the inventory it may be another; only its time tells these two apart.

    Raises
    ------
    DataError
        Naming the first file that is not what was written, see `check_sums`, or is another than the inventory lists.
    """
    known, listed = _read(seen), _read(inventory).get("files", {}) if inventory else {}
    made = inventory.stat().st_mtime_ns if inventory and listed else 0
    looks = {os.fspath(path): _look(path) for path in paths}
    touched = [name for name, look in looks.items() if look and known.get(name) != look]
    size = sum(looks[name][0] for name in touched)
    if size > _LARGE:
        print(
            f"comparing {len(touched)} files ({size / 1e9:.0f} GB) with their recorded sums",
            file=sys.stderr,
        )
    same = {name: look for name, look in looks.items() if known.get(name) == look}
    try:
        for name in touched:
            check_sums([name])
            if looks[name][2] <= made:
                _check_listed(name, listed)
            same[name] = looks[name]
    finally:
        if touched:
            _write(seen, same)


def _check_listed(name: str, listed: Any) -> None:
    recorded, wanted = recorded_sum(Path(name)), listed.get(name, {}).get("sha256")
    if recorded and wanted and recorded != wanted:
        raise DataError(
            f"{name}: older than the inventory of this study and not the file that it lists (sha256 {recorded[:12]}, "
            f"listed {wanted[:12]}). Needed: delete it, so that it is made anew, or touch it to take it as it is and "
            "make anew what follows from it"
        )


def _look(path: str | Path) -> list[int]:
    """Return size, inode and both times of a file; nothing where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return []
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # the looks only save reading; a damaged inventory is named as every other file is
    return found if isinstance(found, dict) else {}


def _write(seen: Path, looks: dict[str, list[int]]) -> None:
    temporary = seen.with_name(f"{seen.name}.{os.getpid()}")
    with contextlib.suppress(OSError):  # next time everything is read again
        try:
            temporary.write_text(json.dumps(looks), encoding="utf-8")
            os.replace(temporary, seen)
        finally:
            temporary.unlink(missing_ok=True)
