"""Stage archive: move a finished or broken study aside, so that the next one starts from nothing."""

from datetime import UTC, datetime
from pathlib import Path

from ptychostudy import io

FOLDERS = ("data", "analysis", "logs", "red", "benchmarks", "products")


def run(*, hub: Path = Path(".")) -> None:
    """Move the folders of a study to ``archive/<UTC>/``; nothing is deleted or overwritten.

    Parameters
    ----------
    hub : Path
        Working directory of the study.

    Raises
    ------
    DataError
        If there is nothing to move, or the target is there already.
    """
    present = [hub / name for name in FOLDERS if (hub / name).is_dir()]
    if not present:
        raise io.DataError(f"{hub}: nothing to archive; needed: at least one of the folders {', '.join(FOLDERS)}")
    target = hub / "archive" / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    if target.exists():
        raise io.DataError(f"{target}: is there already and is not overwritten; run the command again")
    target.mkdir(parents=True)
    for folder in present:
        folder.rename(target / folder.name)
    print(f"moved {', '.join(folder.name for folder in present)} to {target}")
