"""The closing table of a study: what a reader sees last on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from ptychostudy.core.summary import ARMS, model_order, score, shown_column, shown_jobs, truth_name
from ptychostudy.core.tables import number

HEADER = ("Dose", "View", "n", "Overlap", "Floor", "Model", "SSIM", "MS-SSIM", "FRC50", "rms rad")


def final_rows(summary: Mapping[str, Any]) -> list[list[list[str]]]:
    """Return the closing table: one block of rows per cell of the test split, arms first, controls below.

    Each row is what `HEADER` says; the cell's own facts stand in its first row only. The best arm (never a control)
    of a cell is marked with ``*`` in each score.
    """
    column = shown_column(summary)
    return [_block(job, model_order(summary["jobs"]), column) for job in shown_jobs(summary)]


def _block(job: Mapping[str, Any], models: Sequence[str], column: str) -> list[list[str]]:
    overlap = number(job["overlap"].get("metric_2_image_based_avg"))
    n = job["photons_per_pixel"]
    facts = [
        str(job["dose"]),
        job["view"],
        f"{n:.0f}" if n >= 100 else f"{n:.3g}",
        overlap,
        number(job["phase_floor_rad"]),
    ]
    scored = {model: _scores(job, model, column) for model in models}
    best = [max((v for arm in ARMS if (v := scored[arm][k]) is not None), default=None) for k in range(3)]
    rows = []
    for model in models:
        arm = job["arms"].get(model, {"status": "failed"})
        marks = [
            "*" if model in ARMS and v is not None and v == b else "" for v, b in zip(scored[model], best, strict=True)
        ]
        texts = [mark + number(value) for value, mark in zip(scored[model], marks, strict=True)]
        error = arm.get("rms_phase_rad")
        name = model + (" (not converged)" if arm.get("converged") is False else "")
        rows.append([*facts, name, *texts, number(error) if arm["status"] == "ok" else "failed"])
        facts = [""] * len(facts)
    return rows


def _scores(job: Mapping[str, Any], model: str, column: str) -> list[float | None]:
    return [
        score(job, model, "ssim", column),
        score(job, model, "ms_ssim", column),
        score(job, model, "frc50", "value"),
    ]


def legend(summary: Mapping[str, Any]) -> str:
    """Return what the columns of the closing table mean."""
    splits = " and ".join(sorted({job["split"] for job in shown_jobs(summary)}))
    return "\n".join(
        [
            f"Scored against: {truth_name(summary)}; {splits} split.",
            f"SSIM, MS-SSIM: {shown_column(summary)}. FRC50: complex, of Nyquist. rms: phase error; Floor: 1/sqrt(2n).",
            "n: photons per object pixel. Overlap: mean disc overlap (metric 2). *: best of the three arms.",
            f"{', '.join(model_order(summary['jobs'])[len(ARMS) :]) or 'No'}: controls, whose scores should be near 0.",
        ]
    )


def verdict(report: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the failed checks of a verification report and those that could not be made, one sentence each."""
    sentences: dict[Any, list[str]] = {True: [], False: [], None: []}
    for check in report["validations"]:
        reason = check.get("error") or "no reason given"
        sentences[check["valid"]].append(f"{check['description']} ({check['path']}): {reason}")
    return sentences[False], sentences[None]
