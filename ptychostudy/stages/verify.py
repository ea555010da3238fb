"""Stage verify: check every artifact and recompute its numbers; the report is always written."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptychostudy.checks.summaries import usefulness
from ptychostudy.checks.verification import perform_all
from ptychostudy.io.records import write_json
from ptychostudy.study.hub import Hub

if TYPE_CHECKING:
    from ptychostudy.study.sections.verify import VerificationSettings

SCHEMA = "1.1"


def run(settings: "VerificationSettings", *, output: Path, hub: Path = Path(".")) -> None:
    """Write ``verification_report.json``: whether the run is sound, and which arms are useful.

    Soundness is one entry a check, pass, fail or could-not-check with path and reason;
    ``all_valid`` is its verdict, and the only one that fails a run. ``usefulness`` is the verdict
    on every arm, cell and seed with its numbers, worked out anew from the cells' own files; see
    `ptychostudy.report.usefulness`.

    Parameters
    ----------
    settings : VerificationSettings
        Section ``verify``, and ``ms_ssim_threshold``, ``pairs``, ``seeds``, ``trained_on`` and
        ``gridsize``.
    output : Path
        The report. It holds no timestamp: the same study gives the same bytes.
    hub : Path
        Working directory of the study.
    """
    study = Hub(hub, settings)
    entries = perform_all(study)
    report = {
        "schema_version": SCHEMA,
        "hub": ".",
        **_soundness(entries),
        "doses": study.doses,
        "views": study.views,
        "seeds": settings.seeds,
        "validations": entries,
        "usefulness": usefulness(study),
    }
    write_json(output, report)


def _soundness(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the verdict on the run, and how many checks passed."""
    # None is a check that has no meaning for this study; it fails no run.
    verdicts = Counter(entry["valid"] for entry in entries)
    return {
        "all_valid": not verdicts[False],
        "n_checks": len(entries),
        "n_valid": verdicts[True],
        "n_invalid": verdicts[False],
        "n_unchecked": verdicts[None],
    }
