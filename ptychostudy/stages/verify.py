"""Stage verify: check every artifact and recompute its numbers; the report is written whatever the result."""

from pathlib import Path
from typing import Any

from ptychostudy import io
from ptychostudy.stages.checks import Hub, artifacts, numbers, perform

SCHEMA = "1.0"


def run(settings: dict[str, Any], *, output: Path, hub: Path = Path(".")) -> None:
    """Write ``verification_report.json``: one entry a check, pass, fail or could-not-check with path and reason.

    Parameters
    ----------
    settings : dict
        Section ``verify``, and ``ms_ssim_threshold``, ``pairs``, ``seeds``, ``trained_on`` and ``gridsize``.
    output : Path
        The report. It holds no timestamp: the same study gives the same bytes.
    hub : Path
        Working directory of the study.
    """
    study = Hub(hub, settings)
    found = [perform(check, study) for check in (*artifacts.CHECKS, *numbers.CHECKS)]
    for seed, repeated in zip(settings["seeds"][1:], study.repetitions(), strict=True):
        for check in (perform(check, repeated) for check in numbers.REPEATED):
            found.append(check | {"path": f"seeds/seed_{seed}/{check['path']}"})
    invalid = [check for check in found if check["valid"] is False]
    report = {
        "schema_version": SCHEMA,
        "hub": ".",
        "all_valid": not invalid,
        "n_checks": len(found),
        "n_valid": sum(check["valid"] is True for check in found),
        "n_invalid": len(invalid),
        "n_unchecked": sum(check["valid"] is None for check in found),
        "doses": study.doses,
        "views": study.views,
        "seeds": settings["seeds"],
        "validations": found,
    }
    io.write_json(output, report)
