"""Repetitions as Markdown: means with intervals, paired differences, rates of success."""

from collections.abc import Mapping, Sequence
from typing import Any

from ptychostudy.report.cell_texts import describe
from ptychostudy.report.cells import Cell, Summary, arms_in, cell_name, model_order, shown_cells
from ptychostudy.report.deltas import DELTAS, Delta
from ptychostudy.report.markdown import MISSING, interval, table
from ptychostudy.report.seeds import difference_name, paired, repeated, runs_of, seeds_text
from ptychostudy.study.arm_names import TRAINED, further
from ptychostudy.study.names import OTHERS, PARTS

# What the tables show of the scores that are followed over the seeds; the JSON has all.
_SHOWN = {
    ("ssim", "phase"): "SSIM, phase",
    ("ssim", "amplitude"): "SSIM, amplitude",
    ("ms_ssim", "phase"): "MS-SSIM, phase",
    ("frc50", "value"): "FRC50",
    ("rms_phase_rad", "phase"): "rms phase (rad)",
}
_SUCCESS_HEADER = ("Model", "Succeeded", "Rate of success [95 % Wilson interval]", "Converged")
_SUCCESS = "A run that collapsed, diverged or was constant did not succeed."
_DELTA_HEADER = ("Difference", "Amplitude", "Phase", "Seeds", "Cells")
_DELTA = (
    "Difference of the means over those cells, train and test, in which both arms have a result "
    "in every seed:"
)


def seed_blocks(summary: Summary) -> list[list[str]]:
    """Return the section Seeds: rates of success, and each shown cell with paired differences.

    One seed has neither intervals nor pairs, and the section ends with the rates.
    """
    seeds = summary["seeds"]
    blocks = [
        ["## Seeds"],
        [f"Drawn and trained anew: {seeds_text(summary)}."],
        [_SUCCESS],
        _success_table(seeds["success"], arms_in(summary["jobs"])),
    ]
    if seeds["n"] > 1:
        blocks += _repeated_blocks(summary)
    return blocks


def _success_table(success: Mapping[str, Mapping[str, Any]], arms: Sequence[str]) -> list[str]:
    return table(_SUCCESS_HEADER, [_success_row(arm, success[arm]) for arm in arms])


def _success_row(arm: str, counts: Mapping[str, Any]) -> list[str]:
    trials = "trainings" if arm in TRAINED else "reconstructions"
    succeeded = f"{counts['ok']} of {counts['trials']} {trials}"
    rate = f"{counts['rate']:.3f} [{counts['low']:.3f}, {counts['high']:.3f}]"
    return [arm, succeeded, rate, _converged(counts)]


def _converged(counts: Mapping[str, Any]) -> str:
    """Return how many runs converged, of those that can: networks are not asked."""
    return f"{counts['converged']} of {counts['judged']}" if counts["judged"] else MISSING


def _repeated_blocks(summary: Summary) -> list[list[str]]:
    seeds = summary["seeds"]
    method = (
        "Each score is `mean [low, high]` over the seeds in which the model succeeded. "
        f"{seeds['method']}."
    )
    blocks = [[method], [_DELTA], _delta_table(seeds["deltas"])]
    for cell in shown_cells(summary):
        blocks += [
            [f"### {cell_name(cell)}, {seeds['n']} seeds"],
            [f"{describe(cell)}."],
            _score_table(summary, cell),
            _paired_table(summary, cell),
        ]
    return blocks


def _delta_table(deltas: Mapping[str, Any]) -> list[str]:
    return table(_DELTA_HEADER, [_delta_row(one, one.of(deltas)) for one in DELTAS])


def _delta_row(delta: Delta, entry: Mapping[str, Mapping[str, Any]]) -> list[str]:
    counts = {(entry[column]["n"], entry[column]["n_cells"]) for column in PARTS}
    # A column without contrast has no pair and would hide the pairs of the other.
    pairs, cells = max(((n, n_cells) for n, n_cells in counts if n), default=(0, 0))
    texts = [interval(entry[column], delta.metric, signed=True) for column in PARTS]
    return [delta.label, *texts, str(pairs), str(cells)]


def _score_table(summary: Summary, cell: Cell) -> list[str]:
    models = model_order(summary["jobs"])
    rows = [_score_row(summary, cell, model) for model in models]
    return table(["Model", "Seeds", *_SHOWN.values(), "Converged"], rows)


def _score_row(summary: Summary, cell: Cell, model: str) -> list[str]:
    runs = runs_of(summary, cell, model)
    succeeded = f"{runs['n_ok']} of {summary['seeds']['n']}"
    texts = [_score(summary, cell, model, *key) for key in _SHOWN]
    return [model, succeeded, *texts, _converged(runs)]


def _score(summary: Summary, cell: Cell, model: str, metric: str, column: str) -> str:
    statistic = repeated(summary, cell, model, metric, column)
    text = interval(statistic, metric)
    # Below the counting floor an estimate draws on a prior, which a reader must know.
    if metric == "rms_phase_rad" and _is_below(statistic["mean"], cell["phase_floor_rad"]):
        text += " (below the floor)"
    return text


def _is_below(mean: float | None, floor: float) -> bool:
    return mean is not None and mean < floor


def _paired_table(summary: Summary, cell: Cell) -> list[str]:
    others = [*OTHERS, *further(cell["arms"])]
    rows = [_paired_row(summary, cell, other) for other in others]
    return table(["Paired difference", "Pairs", *_SHOWN.values()], rows)


def _paired_row(summary: Summary, cell: Cell, other: str) -> Sequence[str]:
    statistics = {key: paired(summary, cell, other, *key) for key in _SHOWN}
    pairs = max(statistic["n"] for statistic in statistics.values())
    texts = [
        interval(statistic, metric, signed=True) for (metric, _), statistic in statistics.items()
    ]
    return [difference_name(other), str(pairs), *texts]
