"""What every shard records of its network: whether it ran, on frames of its dose, and to what."""

from collections.abc import Mapping
from typing import Any

from ptychostudy.formats.scan import Scan
from ptychostudy.io.atomic import DataError
from ptychostudy.measure.outcome import Statistics
from ptychostudy.recipes.normalization import dose_key


def failure(bundle: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return how the training of a network failed, or None where it did not."""
    outcome: Mapping[str, Any] = bundle["provenance"]["outcome"]
    return None if outcome["status"] == "ok" else outcome


def check_dose(bundle: Mapping[str, Any], source: Scan) -> str:
    """Return the dose of frames by its name in a bundle; refuse one it was not trained on."""
    dose = dose_key(source)
    learned = bundle["normalization"]
    if dose not in learned:
        raise DataError(
            f"the network {bundle['config']['arm']} was trained on doses {', '.join(learned)}, "
            f"the frames have {dose}; needed: frames of a dose it was trained on"
        )
    return dose


def failed_record(outcome: Mapping[str, Any], what: str = "training") -> dict[str, Any]:
    """Return the record of a network that was not run, because its training or input failed."""
    return {
        "status": "failed",
        "reason": f"{what}: {outcome['reason']}",
        "diagnostic": "not run",
        "groups": 0,
        "nonzero_inputs": 0,
        "statistics": outcome.get("statistics") or {},
    }


def ran_record(groups: int, inputs: Statistics, outputs: Statistics) -> dict[str, Any]:
    """Return the record of a shard that ran: of so many groups, what went in and came out."""
    # Only what no other shard can mend fails here: dark frames and a constant output are judged on
    # the whole canvas.
    reason = f"{outputs.bad} values of the output are not finite" if outputs.bad else ""
    return {
        "status": "failed" if reason else "ok",
        "reason": reason,
        "diagnostic": f"input photons {inputs.text()}; output {outputs.text()}",
        "groups": groups,
        "nonzero_inputs": inputs.nonzero,
        "statistics": _seen(outputs) if reason else {},
    }


def _seen(outputs: Statistics) -> dict[str, float]:
    """Return the numbers of an output that is not finite."""
    return {
        "not_finite": outputs.bad,
        "largest": outputs.largest,
        "nonzero": outputs.nonzero,
        "values": outputs.size,
    }
