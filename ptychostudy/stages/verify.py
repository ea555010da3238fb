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
        Sections ``verify`` and ``ms_ssim_threshold``, ``doses``, ``views`` and ``gridsize``.
    output : Path
        The report. It holds no timestamp: the same study gives the same bytes.
    hub : Path
        Working directory of the study.
    """
    study = Hub(hub, settings)
    found = [perform(check, study) for check in (*artifacts.CHECKS, *numbers.CHECKS)]
    invalid = [check for check in found if check["valid"] is False]
    report = {
        "schema_version": SCHEMA,
        "hub": ".",
        "all_valid": not invalid,
        "n_checks": len(found),
        "n_valid": sum(check["valid"] is True for check in found),
        "n_invalid": len(invalid),
        "n_unchecked": sum(check["valid"] is None for check in found),
        "doses": settings["doses"],
        "views": settings["views"],
        "validations": found,
    }
    io.write_json(output, report)
