"""The closing table of a study: what a reader sees last on the terminal."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.report.cell_texts import floor_text, overlap_text
from ptychostudy.report.cells import (
    DESIGNS,
    Cell,
    Summary,
    arms_in,
    model_order,
    nominal_dose,
    shown_cells,
    shown_column,
    shown_splits,
    truth_name,
)
from ptychostudy.report.markdown import interval, photon_text
from ptychostudy.report.seeds import repeated, runs_of, seeds_text
from ptychostudy.report.usefulness import USEFUL
from ptychostudy.report.verdict_texts import counted, remarks

WIDTH = 110
_SCORES = ("SSIM", "MS-SSIM", "FRC50", "rms rad")
# Of names; a longer one takes from the blanks before the first score.
_NAMES = 10
# With several seeds an interval stands beside each score.
_WIDTHS_ALONE = (10, 10, 10, 10)
_WIDTHS_REPEATED = (22, 23, 21, 24)
_COLUMNS = (
    "SSIM, MS-SSIM: {column}. FRC50: of Nyquist. rms: phase error; below the floor by its "
    "prior. n: detected photons per object pixel. Overlap: of area (linear). *: best arm. OK: "
    "seeds that succeeded; Conv: in which PtyChi converged."
)

Key = tuple[str, str]
"""Metric and column of a score."""


def closing_lines(summary: Summary) -> list[str]:
    """Return the closing table, at most 110 characters wide.

    A heading per cell of the test split, a row per arm; of each control one row of the best that
    it gets anywhere. With several seeds a score is ``mean [low, high]`` and the row says in how
    many seeds the model succeeded. The best arm of a cell is marked with ``*`` in each score.
    """
    alone = summary["seeds"]["n"] == 1
    widths = _WIDTHS_ALONE if alone else _WIDTHS_REPEATED
    header = _line(("Model", *_SCORES, "OK", "Conv"), widths)
    lines = [header, "─" * len(header)]
    for cell in shown_cells(summary):
        rows = [_line(texts, widths) for texts in _rows(summary, cell)]
        lines += [_heading(cell, summary["design"]), *rows]
    controls = [_line(_control(summary, model), widths) for model in _controls(summary)]
    return [*lines, "Controls, the best of all these cells", *controls] if controls else lines


def _controls(summary: Summary) -> list[str]:
    cells = summary["jobs"]
    return model_order(cells)[len(arms_in(cells)) :]


def _control(summary: Summary, model: str) -> list[str]:
    """Return the row of a control: a metric on which it does well anywhere says little."""
    cells = shown_cells(summary)
    texts = []
    for key in _keys(shown_column(summary)):
        statistics = [repeated(summary, cell, model, *key) for cell in cells]
        best = _best(statistics, key)
        shown = next((one for one in statistics if one["mean"] == best), statistics[0])
        texts += _scores([shown], [key], [None])
    succeeded = sum(runs_of(summary, cell, model)["n_ok"] for cell in cells)
    return [model, *texts, f"{succeeded}/{len(cells) * summary['seeds']['n']}", ""]


def _line(texts: Sequence[str], widths: Sequence[int]) -> str:
    model, first, *scores, succeeded, converged = texts
    room = _NAMES + widths[0] - len(model) - 1
    padded = [f"{text:>{width}}" for text, width in zip(scores, widths[1:], strict=True)]
    return f"{model} {first:>{room}}{''.join(padded)}{succeeded:>5}{converged:>5}".rstrip()


def _heading(cell: Cell, design: str) -> str:
    dose = f"{photon_text(cell['dose'])} photons per frame"
    if design == "fixed_fluence":
        dose += f" (nominal {photon_text(nominal_dose(cell, design))})"
    n = photon_text(cell["photons_per_pixel"])
    facts = f"n = {n}, overlap {overlap_text(cell)}, floor {floor_text(cell)} rad"
    return f"{dose}, {cell['view']}: {facts}"


def _rows(summary: Summary, cell: Cell) -> list[list[str]]:
    keys = _keys(shown_column(summary))
    arms = arms_in(summary["jobs"])
    statistics = {arm: [repeated(summary, cell, arm, *key) for key in keys] for arm in arms}
    # One column of the table at a time: the same score of each arm.
    columns = zip(*statistics.values(), strict=True)
    best = [_best(column, key) for column, key in zip(columns, keys, strict=True)]
    return [
        [arm, *_scores(scores, keys, best), *_runs(summary, cell, arm)]
        for arm, scores in statistics.items()
    ]


def _keys(column: str) -> list[Key]:
    return [("ssim", column), ("ms_ssim", column), ("frc50", "value"), ("rms_phase_rad", "phase")]


def _best(column: Iterable[Mapping[str, Any]], key: Key) -> float | None:
    means = [statistic["mean"] for statistic in column]
    known = [mean for mean in means if mean is not None]
    # Of an error, the smallest one.
    choose = min if key[0] == "rms_phase_rad" else max
    return choose(known, default=None)


def _scores(
    statistics: Sequence[Mapping[str, Any]],
    keys: Sequence[Key],
    best: Sequence[float | None],
) -> list[str]:
    texts = []
    for statistic, (metric, _), top in zip(statistics, keys, best, strict=True):
        mean = statistic["mean"]
        is_best = mean is not None and mean == top
        # Without its comma an interval fits the width of the terminal.
        text = interval(statistic, metric).replace(",", "")
        texts.append(f"*{text}" if is_best else text)
    return texts


def _runs(summary: Summary, cell: Cell, model: str) -> tuple[str, str]:
    runs = runs_of(summary, cell, model)
    succeeded = f"{runs['n_ok']}/{summary['seeds']['n']}"
    converged = f"{runs['converged']}/{runs['judged']}" if runs["judged"] else ""
    return succeeded, converged


def legend(summary: Summary, width: int = WIDTH) -> list[str]:
    """Return what the columns of the closing table mean, in lines of so many columns."""
    sentences = [
        f"Scored against: {truth_name(summary)}; {shown_splits(summary)} split; "
        f"{seeds_text(summary)}.",
        f"Design: {DESIGNS[summary['design']]}.",
        _COLUMNS.format(column=shown_column(summary)),
        f"{_listed(_controls(summary))}: controls. What Flat gets is the zero of a metric.",
    ]
    seeds = summary["seeds"]
    if seeds["n"] > 1:
        sentences.append(f"[low, high]: {seeds['method']}.")
    return wrapped(" ".join(sentences), width)


def _listed(models: Sequence[str]) -> str:
    """Return names with commas and an `and`."""
    if not models:
        return "None"
    *others, last = models
    return f"{', '.join(others)} and {last}" if others else last


def wrapped(text: str, width: int, *, indent: str = "") -> list[str]:
    """Return a text in lines of so many columns, broken between words."""
    # What is continued stands two spaces further in; a paragraph does not.
    hanging = f"{indent}  " if indent else ""
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )


def usefulness_lines(summary: Summary, width: int = WIDTH) -> list[str]:
    """Return which arms are better than a flat object, and by what the others are not.

    Only the cells that are shown count. No line is longer than `width`.
    """
    splits = {cell["split"] for cell in shown_cells(summary)}
    judged = [one for one in summary["usefulness"] if one["split"] in splits]
    if judged and all(one["verdict"] == USEFUL for one in judged):
        lines = wrapped("Better than a flat object: every arm in every cell.", width)
    else:
        lines = wrapped(counted(judged), width)
    for text in remarks(judged):
        lines += wrapped(text, width, indent="  ")
    return lines


def verdict(report: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the failed checks of a verification report and those that could not be made.

    One sentence each.
    """
    sentences: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for check in report["validations"]:
        reason = check.get("error") or "no reason given"
        sentence = f"{check['description']} ({check['path']}): {reason}"
        sentences[check["valid"]].append(sentence)
    return sentences[False], sentences[None]


def advice_lines(report: Mapping[str, Any], width: int = WIDTH) -> list[str]:
    """Return what to look at and what to change for each failed check, the same advice once.

    No line is longer than `width`.
    """
    told: dict[str, list[str]] = {}
    for check in report["validations"]:
        if check["valid"] is False and check.get("advice"):
            told.setdefault(check["advice"], []).append(check["description"])
    lines = []
    for advice, descriptions in told.items():
        lines += wrapped(f"{', '.join(dict.fromkeys(descriptions))}: {advice}", width, indent="  ")
    return ["What to do:", *lines] if lines else []
