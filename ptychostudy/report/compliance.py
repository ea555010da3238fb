"""Whether the simulated files (phase C) tell where they came from."""

from collections.abc import Iterable, Mapping
from typing import Any

_NO_STEP = "_metadata lists no data_transformations with the operation 'canonicalize'"


def judge_metadata(
    path: str, metadata: Mapping[str, Any] | None, error: str = ""
) -> dict[str, Any]:
    """Say whether a phase C file tells where it came from.

    Parameters
    ----------
    path : str
        File, relative to the hub.
    metadata : dict or None
        Its JSON metadata; None where it could not be read.
    error : str
        Why it could not be read.

    Returns
    -------
    dict
        ``npz_path has_metadata has_canonical_transform compliant`` and, where not compliant,
        ``error``. The canonical transform is the step ``canonicalize`` in the list
        ``data_transformations``.
    """
    canonical = _is_canonical((metadata or {}).get("data_transformations"))
    compliant = metadata is not None and canonical
    judged: dict[str, Any] = {
        "npz_path": path,
        "has_metadata": metadata is not None,
        "has_canonical_transform": canonical,
        "compliant": compliant,
    }
    if not compliant:
        judged["error"] = error or _NO_STEP
    return judged


def _is_canonical(steps: Any) -> bool:
    # A file from elsewhere may hold anything under this key.
    if not isinstance(steps, list):
        return False
    operations = [step.get("operation") for step in steps if isinstance(step, dict)]
    return "canonicalize" in operations


def collect_compliance(judged: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Arrange records of `judge_metadata` as ``{dose_d: {split: record}}``.

    Dose and split are read from the path, ``dose_d/patched_split.npz``.
    """
    by_dose: dict[str, dict[str, Any]] = {}
    for record in judged:
        # What stands before these two is the way from the hub.
        *_, dose, name = record["npz_path"].split("/")
        split = name.removesuffix(".npz").removeprefix("patched_")
        by_dose.setdefault(dose, {})[split] = dict(record)
    return by_dose
