"""Whether a hub can be written, has room, and is not locked by a run that is gone."""

import shutil
import tempfile
from pathlib import Path

from ptychostudy.runs import liveness
from ptychostudy.study import layout
from ptychostudy.telling.answer import in_bytes
from ptychostudy.telling.finding import OK, PROBLEM, WARNING, Finding

FULL = 1e9
TIGHT = 10e9
"""Bytes: the quick study writes 0.1 GB, a large one tens of GB."""


def findings(hub: Path) -> list[Finding]:
    """Return what there is of disk, write access and locks."""
    return [disk(hub), access(hub), lock(hub)]


def disk(hub: Path) -> Finding:
    """Say how much room the file system of the hub has."""
    try:
        free = shutil.disk_usage(hub).free
    except OSError as error:
        return Finding("disk", PROBLEM, f"{hub}: {error.strerror}", "name a folder that is there")
    text = f"{in_bytes(free)} free where {hub.resolve()} lies"
    remedy = "remove old studies (python -m ptychostudy archive moves one), or use --directory"
    if free < FULL:
        return Finding("disk", PROBLEM, text, remedy)
    return Finding("disk", WARNING, text, remedy) if free < TIGHT else Finding("disk", OK, text)


def access(hub: Path) -> Finding:
    """Try a file without a name in the hub and in each of its folders that is there."""
    folders = [hub, hub / liveness.STATE, *(hub / folder for folder in layout.FOLDERS)]
    for folder in folders:
        if folder == hub or folder.exists():
            reason = _refused(folder)
            if reason:
                text = f"{folder} cannot be written: {reason}"
                remedy = f"ls -ld {folder}; chown or chmod it, or use --directory elsewhere"
                return Finding("write access", PROBLEM, text, remedy)
    return Finding("write access", OK, f"{hub.resolve()} and its folders can be written")


def _refused(folder: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def lock(hub: Path) -> Finding:
    """Say whose Snakemake's lock is, and whether that run is alive."""
    claim = liveness.claimant(hub)
    locked = bool(liveness.locks(hub))
    if claim is None:
        if not locked:
            return Finding("lock", OK, "none: no run has this folder")
        text = f"{hub / liveness.STATE}/locks is there and no run has claimed it"
        return Finding("lock", PROBLEM, text, "snakemake --unlock, if no other Snakemake runs here")
    return _claimed(*claim, alive=liveness.is_alive(claim), locked=locked)


def _claimed(host: str, process: int, *, alive: bool | None, locked: bool) -> Finding:
    if alive:
        return Finding("lock", OK, f"a run is at work: process {process}; see `status`")
    if alive is None:
        text = f"of process {process} on {host}, which cannot be seen from here"
        remedy = f"look on {host}: ps -p {process}; if it is gone, snakemake --unlock"
        return Finding("lock", WARNING, text, remedy)
    text = f"process {process} was killed during its run" + (" and left a lock" if locked else "")
    remedy = "start Snakemake again: it takes the lock away and continues"
    return Finding("lock", WARNING, text, remedy)
