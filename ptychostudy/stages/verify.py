"""Stage verify: check every artifact and recompute its numbers; the report is written whatever the result."""

from pathlib import Path
from typing import Any

from ptychostudy.checks import artifacts, numbers
from ptychostudy.checks.check import perform
from ptychostudy.io.atomic import DataError
from ptychostudy.io.records import write_json
from ptychostudy.report.verdict_texts import counted
from ptychostudy.study.layout import Hub

SCHEMA = "1.1"


def run(settings: dict[str, Any], *, output: Path, hub: Path = Path(".")) -> None:
    """Write ``verification_report.json``: whether the run is sound, and, apart from it, which arms are useful.

    Soundness is one entry a check, pass, fail or could-not-check with path and reason; ``all_valid`` is its verdict,
    and the only one that fails a run. ``usefulness`` is the verdict on every arm, cell and seed with its numbers,
    worked out anew from the cells' own files; see `ptychostudy.report.usefulness`.

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
        "usefulness": _usefulness(study),
    }
    write_json(output, report)


def _usefulness(study: Hub) -> dict[str, Any]:
    """Return the verdicts on all arms, or the reason for which there are none: then a check has failed, too."""
    try:
        judged = artifacts.rebuilt(study)["usefulness"]
    except (DataError, OSError, ValueError, KeyError, TypeError, IndexError) as error:
        return {"reason": f"could not judge: {error}", "verdicts": []}
    return {"reason": counted(judged), "verdicts": judged}
