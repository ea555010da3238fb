"""The closing table of a study: what a reader sees last on the terminal."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ptychostudy.report.cells import (
    DESIGNS,
    model_order,
    nominal_dose,
    shown_column,
    shown_cells,
    shown_splits,
    truth_name,
)
from ptychostudy.report.markdown import interval, number, photon_text
from ptychostudy.report.seeds import repeated, runs_of, seeds_text
from ptychostudy.report.usefulness import counted, remarks
from ptychostudy.study.names import ARMS

WIDTH = 110
_SCORES = ("SSIM", "MS-SSIM", "FRC50", "rms rad")
_ALONE, _REPEATED = (10, 10, 10, 10), (22, 23, 21, 24)


def closing_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return the closing table, at most 110 characters wide: a heading per cell of the test split, a row per model.

    Arms come first, controls below. With several seeds a score is ``mean [low, high]`` and the row says in how many
    seeds the model succeeded. The best arm (never a control) of a cell is marked with ``*`` in each score.
    """
    keys = _keys(shown_column(summary))
    widths = _ALONE if summary["seeds"]["n"] == 1 else _REPEATED
    lines = [_line("Model", _SCORES, "OK", "Conv", widths=widths)]
    lines += ["─" * len(lines[0])]
    for job in shown_cells(summary):
        lines += [_heading(job, summary["design"]), *_block(summary, job, keys, widths), ""]
    return lines


def _keys(column: str) -> list[tuple[str, str]]:
    return [("ssim", column), ("ms_ssim", column), ("frc50", "value"), ("rms_phase_rad", "phase")]


def _heading(job: Mapping[str, Any], design: str) -> str:
    fluence = (
        f" (nominal {photon_text(nominal_dose(job, design))})" if design == "fixed_fluence" else ""
    )
    area, linear = (
        number(job["overlap"].get(key)) for key in ("metric_2_image_based_avg", "linear_overlap")
    )
    facts = f"n = {photon_text(job['photons_per_pixel'])}, overlap {area} (linear {linear})"
    floor = number(job["phase_floor_rad"], "rms_phase_rad")
    return f"{photon_text(job['dose'])} photons per frame{fluence}, {job['view']}: {facts}, floor {floor} rad"


def _line(
    model: str, scores: Sequence[str], seeds: str, ended: str, *, widths: Sequence[int]
) -> str:
    cells = "".join(f"{text:>{width}}" for text, width in zip(scores, widths, strict=True))
    return f"{model:<10}{cells}{seeds:>5}{ended:>5}".rstrip()


def _block(
    summary: Mapping[str, Any],
    job: Mapping[str, Any],
    keys: Sequence[tuple[str, str]],
    widths: Sequence[int],
) -> list[str]:
    models, n = model_order(summary["jobs"]), summary["seeds"]["n"]
    scored = {model: [repeated(summary, job, model, *key) for key in keys] for model in models}
    best = [
        _best([scored[arm][k]["mean"] for arm in ARMS], smallest=k == 3) for k in range(len(keys))
    ]
    lines = []
    for model in models:
        runs = runs_of(summary, job, model)
        texts = [
            ("*" if model in ARMS and found["mean"] is not None and found["mean"] == top else "")
            + interval(found, key[0]).replace(",", "")
            for found, key, top in zip(scored[model], keys, best, strict=True)
        ]
        ended = f"{runs['converged']}/{runs['judged']}" if runs["judged"] else ""
        lines.append(_line(model, texts, f"{runs['n_ok']}/{n}", ended, widths=widths))
    return lines


def _best(values: Sequence[float | None], *, smallest: bool) -> float | None:
    known = [value for value in values if value is not None]
    return (min if smallest else max)(known, default=None)


def legend(summary: Mapping[str, Any]) -> list[str]:
    """Return what the columns of the closing table mean."""
    models = model_order(summary["jobs"])
    sentences = [
        f"Scored against: {truth_name(summary)}; {shown_splits(summary)} split; {seeds_text(summary)}.",
        f"SSIM (Wang 2004) and MS-SSIM (Wang 2003): {shown_column(summary)}, data range = span of the truth. "
        "FRC50: where the complex ring correlation with the truth falls below 0.5, of Nyquist. "
        "rms: phase error. Floor: 1/sqrt(2n); below it an estimate uses a prior.",
        "n: detected photons per object pixel. Overlap: mean disc overlap (metric 2), linear 1 - step / diameter. "
        "*: best of the three arms. OK: seeds that succeeded; Conv: in which PtyChi converged.",
        f"{' and '.join(models[len(ARMS) :]) or 'None'}: controls. What Flat gets is the zero of a metric.",
        f"Design: {DESIGNS[summary['design']]}.",
    ]
    if summary["seeds"]["n"] > 1:
        sentences.append("[low, high]: " + summary["seeds"]["method"] + ".")
    return [
        line for text in sentences for line in textwrap.wrap(text, WIDTH, break_on_hyphens=False)
    ]


def usefulness_lines(summary: Mapping[str, Any]) -> list[str]:
    """Return which arms are better than a flat object in the cells that are shown, and by what the others are not."""
    splits = {job["split"] for job in shown_cells(summary)}
    judged = [entry for entry in summary["usefulness"] if entry["split"] in splits]
    lines = textwrap.wrap(counted(judged), WIDTH, break_on_hyphens=False)
    for text in remarks(judged):
        lines += textwrap.wrap(
            text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
        )
    return lines


def verdict(report: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the failed checks of a verification report and those that could not be made, one sentence each."""
    sentences: dict[Any, list[str]] = {True: [], False: [], None: []}
    for check in report["validations"]:
        reason = check.get("error") or "no reason given"
        sentences[check["valid"]].append(f"{check['description']} ({check['path']}): {reason}")
    return sentences[False], sentences[None]
