"""The answer in a few lines of the terminal: lowest usable doses, and how fast the arms are."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ptychostudy.report.cells import Summary
from ptychostudy.report.closing import WIDTH, wrapped
from ptychostudy.report.markdown import photon_text
from ptychostudy.report.speed import arms_in, rate_text
from ptychostudy.report.usable import (
    UNITS,
    Judged,
    criterion,
    judge,
    lowest_usable,
    of_view,
    views_by_overlap,
)
from ptychostudy.study.arm_names import arms_of
from ptychostudy.study.names import TEST_SPLIT

if TYPE_CHECKING:
    from ptychostudy.study.sections.page import PageSettings


def usable_lines(summary: Summary, limits: "PageSettings", width: int = WIDTH) -> list[str]:
    """Return down to which dose each arm is usable in each view, and by which criterion.

    No line is longer than `width`.

    Parameters
    ----------
    summary : dict
        ``metrics_summary.json``.
    limits : PageSettings
        From when on a dose is usable.
    width : int
        Columns.
    """
    judged = judge(summary, limits)
    views = views_by_overlap(summary)
    lines = [f"Lowest usable dose, {UNITS[summary['design']]}:"]
    for view in views:
        lines += wrapped(f"{view}: {_of_view(judged, view)}", width, indent="  ")
    return lines + wrapped(f"Usable: {criterion(summary, limits)}.", width, indent="  ")


def _of_view(judged: Sequence[Judged], view: str) -> str:
    arms = arms_of(one.arm for one in judged)
    return ", ".join(f"{arm} {_lowest(of_view(judged, view, arm))}" for arm in arms)


def _lowest(descending: Sequence[Judged]) -> str:
    lowest = lowest_usable(descending)
    if lowest is None:
        return f"none up to {photon_text(descending[0].dose)}"
    # Nothing is known of what was not studied.
    sign = "≤ " if lowest is descending[-1] else ""
    doubt = "" if lowest.certain else " (its interval reaches across a limit)"
    return f"{sign}{photon_text(lowest.dose)}{doubt}"


def speed_span(cells: Sequence[Mapping[str, Any]], width: int = WIDTH) -> list[str]:
    """Return how fast each arm was, in the slowest and the fastest of the test cells.

    Parameters
    ----------
    cells : list of dict
        Of ``speed.json``.
    width : int
        Columns.
    """
    shown = [cell for cell in cells if cell["split"] == TEST_SPLIT]
    spans = {arm: _span([cell["arms"][arm] for cell in shown]) for arm in arms_in(shown)}
    parts = [f"{arm} {span}" for arm, span in spans.items() if span]
    return wrapped(f"Frames per second: {', '.join(parts)}.", width) if parts else []


def _span(speeds: Sequence[Mapping[str, float | None]]) -> str:
    """Return the least and the most of some speeds; nothing of what never ran."""
    ran = [one for one in speeds if one["frames_per_second"] is not None]
    if not ran:
        return ""
    ordered = sorted(ran, key=lambda one: one["frames_per_second"] or 0.0)
    texts = [rate_text(one) for one in (ordered[0], ordered[-1])]
    return " to ".join(dict.fromkeys(texts))
