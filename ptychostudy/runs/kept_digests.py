"""Kept digests: `provenance.code_digest`, remembered in the user's cache folder.

Every `snakemake` asks for the digests of all stages, and to parse the package takes longer than to
plan a small study. They follow from the sources and from Python alone, so they hold as long as both
are the same, byte for byte.
"""

import contextlib
import functools
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

from ptychostudy import provenance

_VERSIONS = 20
"""Files that are kept, the youngest: one for each version of the sources, of a few kB."""


def code_digest(*modules: str) -> str:
    """Return what `provenance.code_digest` does, of the process's first look at the sources.

    Parameters
    ----------
    *modules : str
        Dotted names, such as ``ptychostudy.stages.train``.

    Raises
    ------
    ValueError
        If no module has a source file.
    """
    place = _folder() / f"{_state(provenance.ROOT)}.json"
    digests = _kept(place)
    name = " ".join(modules)
    if name not in digests:
        digests[name] = provenance.code_digest(*modules)
        _write(place, digests)
    return digests[name]


def _folder() -> Path:
    """Return the folder that holds them, beside Snakemake's own cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(cache) / "ptychostudy"


@functools.cache
def _state(root: Path) -> str:
    """Return a digest of all sources of a folder's package, with their names, and of Python."""
    whole = hashlib.sha256(sys.version.encode())
    for path in sorted((root / "ptychostudy").rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return whole.hexdigest()


@functools.cache
def _kept(place: Path) -> dict[str, str]:
    """Return the digests by module names; none where there is no such file, or a damaged one."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(place.read_text(encoding="utf-8"))
        if isinstance(found, dict) and all(isinstance(value, str) for value in found.values()):
            return found
    return {}


def _write(place: Path, digests: dict[str, str]) -> None:
    """Write them down where that is possible, and remove the oldest files."""
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        # Jobs of a cluster do this at once: each reader sees a whole file.
        # Called as they are: what a full disk leaves half written is removed with the oldest.
        handle, temporary = tempfile.mkstemp(dir=place.parent, suffix=".json")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(digests, file)
        os.replace(temporary, place)
        by_age = sorted(place.parent.glob("*.json"), key=os.path.getmtime)
        for old in by_age[:-_VERSIONS]:
            old.unlink()
