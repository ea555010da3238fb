"""Stage inventory: every file of the study with its size and sha256."""

from pathlib import Path

from ptychostudy.io.atomic import DataError, sha256_of
from ptychostudy.io.records import write_json
from ptychostudy.io.text import write_text
from ptychostudy.study import layout

VOLATILE = (
    layout.PRODUCT_RECORD,
    layout.HYBRID_RECORD,
    layout.LIKELIHOOD_SPEED,
    layout.CANVAS_SPEED,
    layout.SPEED,
    layout.SPEED_TEXT,
)
"""Files that hold a wall time: listed, but without size and sha256.

Both differ from run to run, and the inventory of the same study has the same bytes.
"""

_ANY = dict.fromkeys(("dose", "view", "split", "arm"), "*")
# Of every seed: its own files lie under its folder.
_PATTERNS = tuple(path.format(**_ANY) for path in VOLATILE)


def run(*, files: list[Path], text: Path, record: Path, hub: Path = Path(".")) -> None:
    """List the study's files.

    Parameters
    ----------
    files : list of Path
        In the hub, spelt as its folder is.
    text, record : Path
        Outputs ``artifact_inventory.txt`` (one sorted path a line) and ``artifact_inventory.json``.
    hub : Path
        Folder of the study: paths are listed relative to it.
    """
    outside = [path for path in files if path.is_absolute() or not path.is_relative_to(hub)]
    if outside:
        raise DataError(f"{outside[0]}: an inventory holds hub-relative paths only")
    entries = {path.relative_to(hub).as_posix(): _entry(path) for path in sorted(set(files))}
    # Paths sort by their parts, texts by their characters; it is the text that is listed.
    names = sorted(entries)
    write_json(record, {"files": entries, "n_files": len(entries)})
    write_text(text, "".join(f"{name}\n" for name in names))


def _entry(path: Path) -> dict[str, object]:
    if not path.is_file():
        raise DataError(f"{path}: is part of the study but does not exist")
    if any(path.match(pattern) for pattern in _PATTERNS):
        return {"volatile": True}
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
