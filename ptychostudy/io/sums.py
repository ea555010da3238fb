"""Files of a study against the sums recorded beside them; what nobody touched is not read again."""

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptychostudy.io.atomic import DataError, check_sums, recorded_sum

_LARGE = 4e9
"""Bytes whose reading takes long enough to say so."""
# Places in a look, which is a list because JSON keeps it.
_SIZE = 0
_CHANGED = 2


@dataclass(frozen=True)
class _Listed:
    """What an inventory lists.

    Attributes
    ----------
    sums : dict of str to str
        The sha256 of each file that has one, by its path.
    made_ns : int
        When the inventory was written; 0 where it lists nothing.
    """

    sums: Mapping[str, str]
    made_ns: int


def check_touched(paths: Iterable[str | Path], seen: Path, inventory: Path | None = None) -> None:
    """Compare with their recorded sha256 the files that look otherwise than at the last comparison.

    A file looks the same while its size, inode, time of change and time of status change are: the
    latter cannot be set back, so a file that was replaced by an older one is compared, too.

    Parameters
    ----------
    paths : iterable of str or Path
        Files that are missing or have no recorded sum pass.
    seen : Path
        Where the looks are kept from one call to the next. Without it, or where it cannot be
        written, all are compared.
    inventory : Path, optional
        ``artifact_inventory.json`` of the study. A whole file of another study, put in with its
        sum, is not the one that is listed. Made anew since the inventory it may be another; only
        its time tells these two apart.

    Raises
    ------
    DataError
        Naming the first file that is not what was written, see `check_sums`, or is another than the
        inventory lists.
    """
    known = _read(seen)
    looks = {os.fspath(path): _look(path) for path in paths}
    same = {name: look for name, look in looks.items() if known.get(name) == look}
    touched = {name: look for name, look in looks.items() if look and name not in same}
    if not touched:
        return
    _announce(touched)
    listed = _listed(inventory)
    try:
        for name, look in touched.items():
            check_sums([name])
            if look[_CHANGED] <= listed.made_ns:
                _check_listed(name, listed)
            same[name] = look
    finally:
        # Also when one is damaged: the others need not be read again.
        _write(seen, same)


def _announce(touched: Mapping[str, list[int]]) -> None:
    size = sum(look[_SIZE] for look in touched.values())
    if size > _LARGE:
        message = f"comparing {len(touched)} files ({size / 1e9:.0f} GB) with their recorded sums"
        print(message, file=sys.stderr)


def _listed(inventory: Path | None) -> _Listed:
    files = _read(inventory).get("files") if inventory else None
    # A damaged inventory lists nothing here; that it is damaged is said of it as of any file.
    entries = files.items() if isinstance(files, dict) else ()
    sums = {name: entry["sha256"] for name, entry in entries if _has_sum(entry)}
    return _Listed(sums, inventory.stat().st_mtime_ns if inventory and sums else 0)


def _has_sum(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("sha256"), str)


def _check_listed(name: str, listed: _Listed) -> None:
    recorded = recorded_sum(Path(name))
    wanted = listed.sums.get(name)
    if recorded and wanted and recorded != wanted:
        raise DataError(
            f"{name}: older than the inventory of this study and not the file that it lists "
            f"(sha256 {recorded[:12]}, listed {wanted[:12]}). Needed: delete it, so that it is "
            "made anew, or touch it to take it as it is and make anew what follows from it"
        )


def _look(path: str | Path) -> list[int]:
    """Return size, inode and both times of a file; nothing where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return []
    return [status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns]


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        # The looks only save reading; a damaged inventory is named as every other file is.
        return {}
    return value if isinstance(value, dict) else {}


def _write(seen: Path, looks: dict[str, list[int]]) -> None:
    temporary = seen.with_name(f"{seen.name}.{os.getpid()}")
    with contextlib.suppress(OSError):  # next time everything is read again
        try:
            temporary.write_text(json.dumps(looks), encoding="utf-8")
            os.replace(temporary, seen)
        finally:
            temporary.unlink(missing_ok=True)
