"""Down to which dose an arm is usable: the answer of a study, by limits that its settings state.

An arm is usable in a cell where it is better than a flat object (`ptychostudy.report.usefulness`)
in every seed, its mean phase error is at most ``max_phase_rms_rad`` and the mean FRC50 at least
``min_frc50``. Where a score's interval reaches across its limit, seeds do not decide. Where the
truth has no phase contrast, no phase error is asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptychostudy.report.cells import (
    Cell,
    Summary,
    arms_in,
    cell_key,
    nominal_dose,
    shown_cells,
    shown_column,
    spoken,
)
from ptychostudy.report.seeds import repeated
from ptychostudy.report.usefulness import FAILED, NOT_JUDGED, USEFUL
from ptychostudy.study.arm_names import arms_of

if TYPE_CHECKING:
    from ptychostudy.study.sections.page import PageSettings

PHASE_ERROR = ("rms_phase_rad", "phase")
RESOLUTION = ("frc50", "value")
UNITS = {
    "fixed_frame": "photons per frame",
    "fixed_fluence": "photons per frame of the full scan",
}
"""What a dose counts, by the design of the study."""
_OVERLAP = "metric_2_image_based_avg"
# Errors of one seed that are closer than this tell no arms apart: as far from each other are those
# of the seeds of one arm (docs/networks.md).
_ALIKE = 1.02

Score = Mapping[str, Any]
"""``values mean low high`` over the seeds, from `ptychostudy.report.seeds.repeated`."""


@dataclass(frozen=True)
class Judged:
    """One arm in one cell.

    Attributes
    ----------
    cell : dict
        Of the summary.
    arm : str
    dose : int
        By which cells are compared, see `ptychostudy.report.cells.nominal_dose`.
    error, resolution : dict
        Phase error in rad and FRC50 over Nyquist, over the seeds.
    reasons : list of str
        Why it is not usable; none where it is.
    certain : bool
        Whether no interval reaches across a limit.
    """

    cell: Cell
    arm: str
    dose: int
    error: Score
    resolution: Score
    reasons: list[str]
    certain: bool

    @property
    def usable(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def judge(summary: Summary, limits: "PageSettings") -> list[Judged]:
    """Return every arm in every shown cell."""
    cells = shown_cells(summary)
    arms = arms_in(cells)
    return [_judged(summary, cell, arm, limits) for cell in cells for arm in arms]


def _judged(summary: Summary, cell: Cell, arm: str, limits: "PageSettings") -> Judged:
    error = repeated(summary, cell, arm, *PHASE_ERROR)
    resolution = repeated(summary, cell, arm, *RESOLUTION)
    asked = shown_column(summary) == "phase"
    reasons = _unfit(summary, cell, arm)
    # A failed arm has no score that could miss a limit.
    if not reasons and asked and _above(error["mean"], limits.max_phase_rms_rad):
        reasons.append("phase error")
    if resolution["mean"] is not None and resolution["mean"] < limits.min_frc50:
        reasons.append("resolution")
    undecided = _spans(resolution, limits.min_frc50)
    if asked:
        undecided = undecided or _spans(error, limits.max_phase_rms_rad)
    dose = nominal_dose(cell, summary["design"])
    return Judged(cell, arm, dose, error, resolution, reasons, not undecided)


def _unfit(summary: Summary, cell: Cell, arm: str) -> list[str]:
    """Return why an arm is no result at all, by the verdicts of every seed."""
    wanted = {**cell_key(cell), "arm": arm}
    verdicts = [
        one["verdict"]
        for one in summary["usefulness"]
        if all(one[key] == value for key, value in wanted.items())
    ]
    if FAILED in verdicts:
        return ["failed"]
    if NOT_JUDGED in verdicts:
        return [spoken("the truth has no contrast", summary["jobs"])]
    if all(verdict == USEFUL for verdict in verdicts):
        return []
    return ["no better than a flat object"]


def _above(value: float | None, limit: float) -> bool:
    return value is None or value > limit


def _spans(score: Score, limit: float) -> bool:
    """Return whether a limit lies within the interval of a score."""
    if score["low"] is None:
        return False
    return bool(score["low"] < limit < score["high"])


def criterion(summary: Summary, limits: "PageSettings") -> str:
    """Return what usable means in a study, with the keys that set it."""
    asked = []
    if shown_column(summary) == "phase":
        asked.append(f"rms phase error ≤ {limits.max_phase_rms_rad:g} rad (page.max_phase_rms_rad)")
    asked += [
        f"FRC50 ≥ {limits.min_frc50:g} of Nyquist (page.min_frc50)",
        "better than a flat object in every seed",
    ]
    return f"{', '.join(asked)}; at this dose and all higher ones"


def views_by_overlap(summary: Summary) -> list[str]:
    """Return the views shown, the densest first."""
    overlaps: dict[str, list[float]] = {}
    for cell in shown_cells(summary):
        overlaps.setdefault(cell["view"], []).append(cell["overlap"][_OVERLAP])
    return sorted(overlaps, key=lambda view: (-sum(overlaps[view]) / len(overlaps[view]), view))


def of_view(judged: Sequence[Judged], view: str, arm: str) -> list[Judged]:
    """Return one arm in the cells of one view, the highest dose first."""
    own = [one for one in judged if one.arm == arm and one.cell["view"] == view]
    return sorted(own, key=lambda one: -one.dose)


def lowest_usable(descending: Sequence[Judged]) -> Judged | None:
    """Return the lowest dose that is usable together with all above it; None where there is none.

    A usable dose below one that is not is luck of a seed or a fault, not an answer.
    """
    lowest = None
    for one in descending:
        if not one.usable:
            break
        lowest = one
    return lowest


def next_below(descending: Sequence[Judged]) -> Judged | None:
    """Return the highest dose that is not usable; None where all are."""
    return next((one for one in descending if not one.usable), None)


def best_of_view(judged: Sequence[Judged], view: str) -> Judged | None:
    """Return the arm whose usable dose is lowest in a view, of equal doses the smallest error."""
    arms = arms_of(one.arm for one in judged)
    lowest = [lowest_usable(of_view(judged, view, arm)) for arm in arms]
    known = [one for one in lowest if one is not None]
    return min(known, key=_order, default=None)


def alike(judged: Sequence[Judged], best: Judged) -> list[Judged]:
    """Return the usable arms in the cell of the best whose errors are not told from its, and it.

    Over seeds these are intervals that meet; of one seed, errors within 2 % of each other.
    """
    there = [one for one in judged if one.cell is best.cell and one.usable]
    kept = [one for one in there if one is best or _meets(one.error, best.error)]
    return sorted(kept, key=_order)


def _meets(one: Score, best: Score) -> bool:
    if one["mean"] is None or best["mean"] is None:
        return False
    if one["low"] is None or best["high"] is None:
        return bool(one["mean"] <= _ALIKE * best["mean"])
    return bool(one["low"] <= best["high"])


def just_below(judged: Sequence[Judged], best: Judged) -> list[Judged]:
    """Return all arms at the next lower dose that was studied in the view of a judged arm."""
    view = best.cell["view"]
    lower = [one for one in judged if one.cell["view"] == view and one.dose < best.dose]
    return [one for one in lower if one.dose == max(other.dose for other in lower)]


def _order(one: Judged) -> tuple[int, float]:
    error = one.error["mean"]
    return one.dose, float("inf") if error is None else error
