"""Stage archive: move a finished or broken study aside, so that the next starts from nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ptychostudy.io.atomic import DataError
from ptychostudy.study.layout import FOLDERS


def run(*, hub: Path = Path(".")) -> None:
    """Move the folders of a study to ``archive/<UTC>/``; nothing is deleted or overwritten.

    Parameters
    ----------
    hub : Path
        Working directory of the study. Other files under its ``data/`` stay where they are.

    Raises
    ------
    DataError
        If there is nothing to move, or the target is there already.
    """
    present = [name for name in FOLDERS if (hub / name).is_dir()]
    if not present:
        needed = f"at least one of the folders {', '.join(FOLDERS)}"
        raise DataError(f"{hub}: nothing to archive; needed: {needed}")
    target = hub / "archive" / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    if target.exists():
        raise DataError(f"{target}: is there already and is not overwritten; run the command again")
    _move(present, hub, target)
    print(f"moved {', '.join(present)} to {target}")
    kept = sorted(path.as_posix() for path in (hub / "data").glob("*"))
    if kept:
        print(f"kept {', '.join(kept)}: not written by a stage")


def _move(folders: Sequence[str], hub: Path, target: Path) -> None:
    for name in folders:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        # Within one file system a folder is renamed whole, however large it is.
        (hub / name).rename(target / name)
