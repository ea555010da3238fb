"""Stage archive: move a finished or broken study aside, so that the next one starts from nothing."""

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
        raise DataError(
            f"{hub}: nothing to archive; needed: at least one of the folders {', '.join(FOLDERS)}"
        )
    target = hub / "archive" / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    if target.exists():
        raise DataError(f"{target}: is there already and is not overwritten; run the command again")
    for name in present:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (hub / name).rename(target / name)
    print(f"moved {', '.join(present)} to {target}")
    kept = sorted(path.as_posix() for path in (hub / "data").glob("*"))
    if kept:
        print(f"kept {', '.join(kept)}: not written by a stage")
