"""Which modules a digest of code was of: a digest says that something changed, this says what.

Each run notes it in the hub. A later question finds there what each module was when a file was
made; without the note it is only known that the digests differ.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ptychostudy import provenance
from ptychostudy.runs.liveness import STATE

RECORD = STATE / "ptychostudy.code.json"

_KEPT = 300
"""Digests that are kept, the youngest: a dozen versions of all stages, some 2 MB."""

Modules = dict[str, str]
"""Digest of each module, by its path in the package's folder."""


def note(code: Mapping[str, Sequence[str]], hub: Path = Path(".")) -> None:
    """Add the modules of each digest to the hub's record; what cannot be written is left out.

    Parameters
    ----------
    code : mapping of str to sequence of str
        Of each digest, the dotted names it was taken of.
    hub : Path
    """
    known = read(hub)
    new = {digest: names for digest, names in code.items() if digest not in known}
    if not new:
        return
    known |= {digest: provenance.file_digests(*names) for digest, names in new.items()}
    known = dict(list(known.items())[-_KEPT:])
    part = (hub / RECORD).with_suffix(".part")
    try:
        part.write_text(json.dumps(known), encoding="utf-8")
        part.replace(hub / RECORD)
    except OSError:
        # It only helps to explain: no run fails for it.
        return


def read(hub: Path = Path(".")) -> dict[str, Modules]:
    """Return the modules of each digest that runs in a hub have noted."""
    try:
        known = json.loads((hub / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def changed(before: str, now: str, stage: str, hub: Path = Path(".")) -> list[str] | None:
    """Return the modules in which two digests of a stage differ, as dotted names.

    Parameters
    ----------
    before, now : str
        The digests.
    stage : str
        Whose code it is: what it is now is read from the sources where no run has noted it.
    hub : Path

    Returns
    -------
    list of str or None
        None where what was before was not noted.
    """
    known = read(hub)
    if before not in known:
        return None
    old = known[before]
    new = known.get(now) or _sources(stage, old)
    paths = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    return [_dotted(path) for path in paths]


def _sources(stage: str, old: Modules) -> Modules:
    """Return what the modules of a stage are now; the readers of its study are among the old."""
    still = [path for path in old if (provenance.ROOT / path).is_file()]
    return provenance.file_digests(f"ptychostudy.stages.{stage}", *map(_dotted, still))


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")
