"""Verdicts in words: how many arms are useful, by what the others are not, and all the numbers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.report.cells import Summary
from ptychostudy.report.markdown import MISSING, number, table
from ptychostudy.report.usefulness import (
    AMPLITUDE_ERROR,
    FAILED,
    LEAST_PEARSON,
    NO_BETTER,
    NOT_JUDGED,
    NOT_USEFUL,
    PHASE_ERROR,
    STRUCTURE,
    USEFUL,
    place_name,
    sentence,
)
from ptychostudy.study.arm_names import arms_of

_WHAT = (
    "An arm is useful in a cell where its phase error is below the flat object's, its SSIM above "
    f"it, and its correlation beyond a plane at least {LEAST_PEARSON} above it. This is a result "
    "of the study; that its files are whole and its numbers right is what the verification says."
)
_PLACE = ("Model", "Dose", "View", "Split", "Seed")
# An error is asked of one column only, so its head need not name it.
_HEADS = {
    PHASE_ERROR: "Phase error (rad)",
    AMPLITUDE_ERROR: "Amplitude error",
    STRUCTURE: "Correlation beyond a plane, {column}",
}
_SIMILARITY_HEAD = "SSIM, {column}"

Verdict = Mapping[str, Any]
"""From `ptychostudy.report.usefulness.judge_arm`."""


def useful_blocks(summary: Summary, *, numbers: bool = False) -> list[list[str]]:
    """Return the paragraphs of a report on which arms are useful.

    A count, a sentence for each that is not, and, with `numbers`, a table.
    """
    judged = summary["usefulness"]
    blocks = [["## Better Than A Flat Object?"], [_WHAT], [counted(judged)]]
    poor = remarks(judged)
    if poor:
        blocks.append([f"- {text}" for text in poor])
    if numbers:
        blocks.append(verdict_table(judged))
    return blocks


def counted(verdicts: Iterable[Verdict]) -> str:
    """Return in how many cases each arm is useful, as a sentence.

    Cases that failed and those that were not judged are told apart.
    """
    known = list(verdicts)
    arms = arms_of(one["arm"] for one in known)
    parts = [_counted_arm(arm, [one for one in known if one["arm"] == arm]) for arm in arms]
    return f"Better than a flat object: {', '.join(parts)}."


def _counted_arm(arm: str, verdicts: Sequence[Verdict]) -> str:
    # Cases that failed stay in the total: an arm gains nothing by collapsing.
    words = [one["verdict"] for one in verdicts]
    text = f"{arm} in {words.count(USEFUL)} of {len(words)} cases"
    rest = [f"{words.count(word)} {word}" for word in (FAILED, NOT_JUDGED) if word in words]
    return f"{text} ({', '.join(rest)})" if rest else text


def remarks(verdicts: Iterable[Verdict]) -> list[str]:
    """Return a sentence for every arm and cell that is no better than a flat object.

    It is one for all its seeds.
    """
    groups: dict[tuple[Any, ...], list[Verdict]] = {}
    for one in verdicts:
        place = (one["arm"], one["dose"], one["view"], one["split"])
        groups.setdefault(place, []).append(one)
    texts = [_remark(group) for group in groups.values()]
    return [text for text in texts if text]


def _remark(group: Sequence[Verdict]) -> str:
    """Return the sentence of one arm and cell over its seeds; nothing where it is useful."""
    poor = [one for one in group if one["verdict"] == NOT_USEFUL]
    if not poor:
        return ""
    if len(group) == 1:
        return str(poor[0]["text"])
    # One seed speaks for all that failed: the one that misses the most measures.
    worst = max(poor, key=_n_missed)
    said = sentence(worst["measures"], worst["floor_rad"]).removeprefix(NO_BETTER)
    return (
        f"{place_name(worst, worst['arm'])}: no better than a flat object in {len(poor)} of "
        f"{len(group)} seeds; in seed {worst['seed']}: {said}"
    )


def _n_missed(verdict: Verdict) -> int:
    return sum(not measure["better"] for measure in verdict["measures"])


def verdict_table(verdicts: Sequence[Verdict]) -> list[str]:
    """Return all verdicts with their numbers as a Markdown table.

    ``flat`` is what the flat object gets; a number that is no better is in bold.
    """
    # Cells may differ in what is judged: a column is there if one of them has it.
    keys = list(dict.fromkeys(key for one in verdicts for key in _by_key(one)))
    heads = [_head(*key) for key in keys]
    rows = [_row(one, keys) for one in verdicts]
    return table([*_PLACE, *heads, "Floor (rad)", "Verdict"], rows)


def _by_key(verdict: Verdict) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(measure["metric"], measure["column"]): measure for measure in verdict["measures"]}


def _head(metric: str, column: str) -> str:
    return _HEADS.get(metric, _SIMILARITY_HEAD).format(column=column)


def _row(verdict: Verdict, keys: Sequence[tuple[str, str]]) -> list[str]:
    measures = _by_key(verdict)
    return [
        verdict["arm"],
        str(verdict["dose"]),
        verdict["view"],
        verdict["split"],
        str(verdict["seed"]),
        *(_measure_text(measures.get(key)) for key in keys),
        number(verdict["floor_rad"], PHASE_ERROR),
        verdict["verdict"],
    ]


def _measure_text(measure: Mapping[str, Any] | None) -> str:
    if measure is None:
        return MISSING
    metric = measure["metric"]
    text = number(measure["value"], metric)
    # Beyond a plane the flat object has no structure: its 0 needs no saying.
    if metric != STRUCTURE:
        text += f" (flat {number(measure['flat'], metric)})"
    return text if measure["better"] else f"**{text}**"
