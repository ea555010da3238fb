"""Repetitions as Markdown: means with intervals, paired differences, rates of success."""

from collections.abc import Mapping
from typing import Any

from ptychostudy.report.cell_tables import describe
from ptychostudy.report.cells import cell_name, model_order, shown_cells
from ptychostudy.report.markdown import interval, table
from ptychostudy.report.seeds import paired, repeated, runs_of, seeds_text
from ptychostudy.study.names import ARMS, DELTA_METRICS, OTHERS, PARTS

_SHOWN = {
    ("ssim", "phase"): "SSIM, phase",
    ("ssim", "amplitude"): "SSIM, amplitude",
    ("ms_ssim", "phase"): "MS-SSIM, phase",
    ("frc50", "value"): "FRC50",
    ("rms_phase_rad", "phase"): "rms phase (rad)",
}
_LABELS = {"ms_ssim": "MS-SSIM", "mae": "MAE"}
_TRIALS = {"PtychoPINN": "trainings", "Baseline": "trainings", "PtyChi": "reconstructions"}


def seed_blocks(summary: Mapping[str, Any]) -> list[list[str]]:
    """Return the section Seeds: rates of success and, of several seeds, each shown cell with its paired differences."""
    blocks = [["## Seeds"], [f"Drawn and trained anew: {seeds_text(summary)}."], *_success(summary)]
    if summary["seeds"]["n"] == 1:
        return blocks
    method = f"Each score is `mean [low, high]` over the seeds in which the model succeeded. {summary['seeds']['method']}."
    blocks += [[method], *_deltas(summary)]
    for job in shown_cells(summary):
        blocks += [[f"### {cell_name(job)}, {summary['seeds']['n']} seeds"], [f"{describe(job)}."]]
        blocks += [_cell(summary, job), _pairs(summary, job)]
    return blocks


def _success(summary: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for arm in ARMS:
        found = summary["seeds"]["success"][arm]
        rate = f"{found['rate']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
        ended = f"{found['converged']} of {found['judged']}" if found["judged"] else "N/A"
        rows.append([arm, f"{found['ok']} of {found['trials']} {_TRIALS[arm]}", rate, ended])
    header = ["Model", "Succeeded", "Rate of success [95 % Wilson interval]", "Converged"]
    return [
        ["A run that collapsed, diverged or was constant did not succeed."],
        table(header, rows),
    ]


def _deltas(summary: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for metric in DELTA_METRICS:
        for other in OTHERS:
            found = summary["seeds"]["deltas"][f"vs_{other}"][metric]
            counts = {(found[c]["n"], found[c]["n_cells"]) for c in PARTS if found[c]["n"]}
            pairs, cells = max(counts, default=(0, 0))
            texts = [interval(found[column], metric, signed=True) for column in PARTS]
            rows.append(
                [f"{_LABELS[metric]} Δ ({ARMS[0]} - {other})", *texts, str(pairs), str(cells)]
            )
    explained = "Difference of the means over those cells, train and test, in which both arms have a result in every seed:"
    return [[explained], table(["Difference", "Amplitude", "Phase", "Seeds", "Cells"], rows)]


def _cell(summary: Mapping[str, Any], job: Mapping[str, Any]) -> list[str]:
    rows, n = [], summary["seeds"]["n"]
    for model in model_order(summary["jobs"]):
        runs = runs_of(summary, job, model)
        texts = [_score(summary, job, model, key) for key in _SHOWN]
        ended = f"{runs['converged']} of {runs['judged']}" if runs["judged"] else "N/A"
        rows.append([model, f"{runs['n_ok']} of {n}", *texts, ended])
    return table(["Model", "Seeds", *_SHOWN.values(), "Converged"], rows)


def _score(
    summary: Mapping[str, Any], job: Mapping[str, Any], model: str, key: tuple[str, str]
) -> str:
    found = repeated(summary, job, model, *key)
    below = (
        key[0] == "rms_phase_rad"
        and found["mean"] is not None
        and found["mean"] < job["phase_floor_rad"]
    )
    return interval(found, key[0]) + (" (below the floor)" if below else "")


def _pairs(summary: Mapping[str, Any], job: Mapping[str, Any]) -> list[str]:
    rows = []
    for other in OTHERS:
        found = {key: paired(summary, job, other, *key) for key in _SHOWN}
        texts = [interval(one, key[0], signed=True) for key, one in found.items()]
        rows.append([f"{ARMS[0]} - {other}", str(max(one["n"] for one in found.values())), *texts])
    return table(["Paired difference", "Pairs", *_SHOWN.values()], rows)
