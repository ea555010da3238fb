"""The first screen of the page: is the run sound, which doses are usable, how fast, what next."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ptychostudy.measure.statistics import LEAST_VALUES
from ptychostudy.report import html, usable
from ptychostudy.report.cell_texts import overlap_text
from ptychostudy.report.cells import (
    DESIGNS,
    Cell,
    Summary,
    arms_in,
    nominal_dose,
    shown_cells,
    shown_splits,
    truth_name,
)
from ptychostudy.report.hybrid import epochs_saved
from ptychostudy.report.markdown import interval, joined, photon_text
from ptychostudy.report.seeds import seeds_text
from ptychostudy.report.speed import Speed
from ptychostudy.report.usable import (
    UNITS,
    Judged,
    alike,
    best_of_view,
    just_below,
    lowest_usable,
    next_below,
    of_view,
    views_by_overlap,
)
from ptychostudy.study.arm_names import FEED_FORWARD, HYBRID, arms_of

if TYPE_CHECKING:
    from ptychostudy.study.sections.page import PageSettings

# Told apart without colour, too.
_MARKS = {"yes": "✓", "unsure": "~", "no": "✗"}
_MEANINGS = "✓ usable, ✗ not usable, ~ an interval over seeds reaches across a limit"
_TERMS = (
    "PtychoPINN: network that learns from frames alone. Baseline: supervised network. PtyChi: "
    "iterative solver. TV: likelihood with a total-variation prior. photons/px: detected photons "
    "per object pixel. Overlap: area that two illuminated discs share, mean over nearest "
    "neighbours; linear: 1 - step / probe diameter. FRC50: up to where the ring correlation is "
    "above 0.5, of Nyquist; ≥ 1: everywhere."
)
_OF_FEED_FORWARD = (
    " FeedForward: PtychoPINN as published, one pass over groups of frames with the physics in the "
    "loss alone."
)
_TIMES = (
    "One pass over the frames of a test cell (one dose, one view), mean; first seed, start-up "
    "apart, beside what else the machine did. Networks of a canvas start from TV, whose time "
    "counts. Training: wall time of all jobs."
)
_OF_HYBRID = (
    " Hybrid: PtyChi from a network's canvas; time and training are those of the network, and "
    "all epochs."
)
# Times of a shared machine scatter by so much.
_AS_FAST = 0.9


def verdict_line(report: Mapping[str, Any]) -> str:
    """Return whether the run is sound, as the banner of the page."""
    sound = report["all_valid"] is True
    n_checks = report["n_checks"]
    if not sound:
        failed = f"{report['n_invalid']} of {n_checks} checks failed"
        words = f"✗ The run is not sound: {failed}. No number below can be relied on."
    elif report["n_unchecked"]:
        done = n_checks - report["n_unchecked"]
        words = f"✓ The run is sound: {done} of {n_checks} checks passed, none failed."
    else:
        words = f"✓ The run is sound: all {n_checks} checks passed."
    link = html.element("a", "What was checked", href="#verification")
    return html.paragraph(f"{html.text(words)} {link}", class_="sound" if sound else "unsound")


def answer(summary: Summary, judged: Sequence[Judged], limits: "PageSettings") -> str:
    """Return the answer in a sentence a view, and the criterion it rests on."""
    sentences = [_of_view(summary, judged, view) for view in views_by_overlap(summary)]
    return html.items(sentences) + html.paragraph(criterion(summary, limits), class_="note")


def _of_view(summary: Summary, judged: Sequence[Judged], view: str) -> str:
    head = html.element("b", html.text(f"{view}, overlap {_overlap(summary, view)}"))
    best = best_of_view(judged, view)
    if best is None:
        return f"{head}: no arm is usable at any of the studied doses."
    unit = UNITS[summary["design"]]
    dose = html.element("b", f"{_photons(best.dose)} {unit}")
    there = [one for one in judged if one.cell is best.cell]
    able = [html.text(one.arm) for one in there if one.usable]
    by = "" if len(able) == len(there) else f" with {joined(able)}"
    below = just_below(judged, best)
    reach = (
        f"usable at {dose}{by}, {_reached(below)} at {_photons(below[0].dose)}"
        if below
        else f"usable down to {dose}{by}, the lowest studied"
    )
    return f"{head}: {reach}; least phase error there: {_named(alike(judged, best))}."


def _reached(missed: Sequence[Judged]) -> str:
    """Return whether arms that are not usable surely are not."""
    return "not" if all(one.certain for one in missed) else "undecided"


def _named(best: Sequence[Judged]) -> str:
    """Return the arms that are not told apart, with their errors."""
    names = [html.element("b", html.text(one.arm)) for one in best]
    errors = [interval(one.error, "rms_phase_rad") for one in best]
    if best[0].error["mean"] is None:
        return joined(names)
    return f"{joined(names)} (rms {html.text(joined(errors))} rad)"


def _overlap(summary: Summary, view: str) -> str:
    cell = next(cell for cell in shown_cells(summary) if cell["view"] == view)
    return overlap_text(cell)


def _scores(one: Judged) -> str:
    return ", ".join(part for part in (_error(one), _resolution(one)) if part)


def _error(one: Judged) -> str:
    if one.error["mean"] is None:
        return ""
    return _whole(f"rms {interval(one.error, 'rms_phase_rad')} rad")


def _resolution(one: Judged) -> str:
    mean = one.resolution["mean"]
    # Correlated up to the corner of the spectrum: no frequency is the one.
    value = "≥ 1" if mean is not None and mean >= 1 else interval(one.resolution)
    return _whole(f"FRC50 {value}")


def _whole(words: str) -> str:
    # A number is not broken at the end of a line, nor taken from what it is of.
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def criterion(summary: Summary, limits: "PageSettings") -> str:
    """Return what usable means here, with the keys that set it."""
    scored = f"Scored on the {shown_splits(summary)} split against the {truth_name(summary)}"
    said = usable.criterion(summary, limits)
    return html.text(f"Usable: {said}. {scored}; {seeds_text(summary)}. {_told_apart(summary)}")


def _told_apart(summary: Summary) -> str:
    """Return when arms are named together."""
    if len(summary["seeds"]["list"]) < LEAST_VALUES:
        return "Errors within 2 % of the least are named with it."
    return (
        "[low, high]: 95 % interval over seeds, of three their range; arms whose intervals meet "
        "are named together."
    )


def lowest_table(summary: Summary, judged: Sequence[Judged]) -> str:
    """Return the lowest usable dose of each arm in each view, with its scores."""
    views = views_by_overlap(summary)
    heads = ["Arm", *(f"{html.text(view)}<br>{_overlap(summary, view)}" for view in views)]
    arms = arms_of(one.arm for one in judged)
    rows = [
        [html.text(arm), *(_lowest(of_view(judged, view, arm)) for view in views)] for arm in arms
    ]
    unit = UNITS[summary["design"]]
    return html.table(heads, rows, f"Lowest usable dose, {unit}")


def terms(summary: Summary) -> str:
    """Return what the words of the first screen mean."""
    design = f"Design: {DESIGNS[summary['design']]}."
    form = _OF_FEED_FORWARD if FEED_FORWARD in arms_in(summary["jobs"]) else ""
    return html.paragraph(html.text(f"{_TERMS}{form} {design}"), class_="note")


def _lowest(descending: Sequence[Judged]) -> str:
    lowest = lowest_usable(descending)
    if lowest is None:
        highest = descending[0]
        words = f"none up to {_photons(highest.dose)}"
        return f"{html.element('b', words)}{_small(_missed(highest))}"
    # Nothing is known of what was not studied.
    sign = "≤ " if lowest is descending[-1] else ""
    dose = html.element("b", f"{sign}{_photons(lowest.dose)}")
    light = _whole(f"{photon_text(lowest.cell['photons_per_pixel'])} photons/px")
    surely = "" if lowest.certain else "; its interval reaches across a limit"
    below = next_below(descending)
    missed = (
        ""
        if below is None
        else (f"; {_reached([below])} at {_photons(below.dose)}: {_missed(below)}")
    )
    return f"{dose}{_small(f'{light}; {_scores(lowest)}{surely}{missed}')}"


def _missed(one: Judged) -> str:
    """Return by what an arm misses the limits, or why it has no result."""
    numbers = {"phase error": _error(one), "resolution": _resolution(one)}
    return ", ".join(numbers.get(reason) or reason for reason in one.reasons)


def _small(words: str) -> str:
    return html.element("small", html.text(words))


def overlap_map(summary: Summary, judged: Sequence[Judged]) -> str:
    """Return which arms are usable at which dose and overlap: doses downwards, views across."""
    views = views_by_overlap(summary)
    doses = sorted({one.dose for one in judged}, reverse=True)
    heads = ["Dose", *(f"{html.text(view)}<br>{_overlap(summary, view)}" for view in views)]
    rows = []
    for dose in doses:
        cells = [_chips([one for one in judged if _is_at(one, dose, view)]) for view in views]
        rows.append([_photons(dose), *cells])
    table = html.table(heads, rows, "Dose-overlap map")
    return table + html.paragraph(_MEANINGS, class_="note")


def _photons(value: float) -> str:
    return _whole(photon_text(value))


def _is_at(one: Judged, dose: int, view: str) -> bool:
    return one.dose == dose and one.cell["view"] == view


def _chips(judged: Sequence[Judged]) -> str:
    return "".join(_chip(one) for one in judged)


def _chip(one: Judged) -> str:
    state = "unsure" if not one.certain else "yes" if one.usable else "no"
    why = f" ({', '.join(one.reasons)})" if one.reasons else ""
    title = f"{one.arm}: {_scores(one)}{why}"
    words = html.text(f"{_MARKS[state]} {one.arm}")
    return html.element("span", words, class_=f"chip {state}", title=title)


def speed_table(speeds: Sequence[Speed]) -> str:
    """Return how fast the arms were, the fastest first."""
    if not speeds:
        return html.paragraph("No times are recorded beside this study.", class_="note")
    rows = [[html.text(speed.arm), *_times(speed)] for speed in speeds]
    heads = ["Arm", "Frames/s", "s per cell", "Training, s"]
    first = [one.arm for one in speeds if one.frames_per_s >= _AS_FAST * speeds[0].frames_per_s]
    verb = "is" if len(first) == 1 else "are, within 10 %,"
    times = _TIMES + (_OF_HYBRID if HYBRID in (one.arm for one in speeds) else "")
    table = html.table(heads, rows, f"Speed: fastest {verb} {html.text(joined(first))}")
    return table + html.paragraph(times, class_="note")


def _times(speed: Speed) -> list[str]:
    training = "none" if speed.training_s is None else f"{speed.training_s:.0f}"
    return [f"{speed.frames_per_s:.3g}", f"{speed.seconds:.3g}", training]


def saved(summary: Summary) -> str:
    """Return how many epochs a network's canvas saves the solver; nothing without that arm."""
    sentences = epochs_saved(summary)
    if not sentences:
        return ""
    head = html.paragraph(html.element("b", "Epochs that a network's canvas saves the solver"))
    return head + html.items(html.text(sentence) for sentence in sentences)


def next_steps(sentences: Sequence[str]) -> str:
    """Return what would improve the answer."""
    head = html.paragraph(html.element("b", "What would improve the answer"))
    if not sentences:
        return head + html.paragraph("Nothing in this design: each answer is enclosed and certain.")
    return head + html.items(html.text(sentence) for sentence in sentences)


def decisive_cells(summary: Summary, judged: Sequence[Judged]) -> list[Cell]:
    """Return the shown cells in the order in which their pictures are wanted.

    In each view the lowest usable dose comes first, then the one below it, then the others.
    """
    first, second, rest = [], [], []
    for view in views_by_overlap(summary):
        cells = [cell for cell in shown_cells(summary) if cell["view"] == view]
        ordered = sorted(cells, key=lambda cell: nominal_dose(cell, summary["design"]))
        best = best_of_view(judged, view)
        at = 0 if best is None else ordered.index(best.cell)
        first.append(ordered[at])
        second += ordered[:at][-1:]
        rest += [*ordered[: max(at - 1, 0)], *ordered[at + 1 :]]
    return [*first, *second, *rest]
