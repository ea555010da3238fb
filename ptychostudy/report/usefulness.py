"""Whether an arm is better than no reconstruction: a result of the study, not a fault of the run.

An arm is useful in a cell where it beats the flat object (ones, with one complex factor) by every
measure below. What is judged is the phase, and the amplitude only where the truth has no phase
contrast.

error
    Phase error (rms, rad) below the flat object's: a map that is further from the truth than a
    constant tells nobody the phase, however much it looks like the object. Where photons are few
    the floor 1/sqrt(2n) may lie above the flat object's error; then no unbiased estimate is better,
    and the verdict says so. The flat object gets one complex factor from the alignment, an arm a
    phase ramp, too: in the quick study the ramp alone would take 4 to 7 % off the flat object's
    error, so an arm that is better by less owes it to the gauge.
similarity
    SSIM above the flat object's. It asks for contrast and structure window by window, which a small
    mean error does not: a faint image has nearly the flat object's error, and noise, which an area
    under a ring correlation may let pass with a value just above zero, falls below the flat object
    here.
structure
    Correlation beyond a plane at least `LEAST_PEARSON` above the flat object's 0. Beyond a plane,
    because the alignment hands the truth's phase ramp to whatever it aligns. Asked of the
    amplitude, too, if the truth has contrast there: an error or SSIM is not, since in the weak
    amplitude of a phase object an honest reconstruction is noisier than none.

A column in which the truth has no contrast is not judged. Where frames are measured, the truth is
the full-dose iterative reference, and so the flat object's numbers are those against that
reference.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.report.cells import (
    CONTROL,
    Cell,
    arm_record,
    arms_in,
    cell_key,
    reason_of,
    score,
    spoken,
)
from ptychostudy.report.markdown import number, photon_text
from ptychostudy.study.names import PARTS

LEAST_PEARSON = 0.1
"""Five times the scatter of unrelated noise (1 / sqrt of some 2500 independent pixels)."""

USEFUL, NOT_USEFUL, FAILED, NOT_JUDGED = "useful", "not useful", "failed", "not judged"
NO_BETTER = "no better than a flat object: "
PHASE_ERROR, AMPLITUDE_ERROR = "rms_phase_rad", "rms_amplitude"
SIMILARITY = "ssim"
STRUCTURE = "partial_pearson"
_IS_USEFUL = {USEFUL: True, NOT_USEFUL: False, FAILED: None, NOT_JUDGED: None}
_NEEDS_A_PRIOR = "; with so few photons only an estimate with a prior is better"


def verdicts(repetitions: Mapping[int, Iterable[Cell]]) -> list[dict[str, Any]]:
    """Return the verdict on every arm, cell and seed.

    Parameters
    ----------
    repetitions : dict of int to iterable of dict
        Cells of each seed, see `ptychostudy.report.cell_records.make_cell`.

    Returns
    -------
    list of dict
        From `judge_arm`, each with its ``seed``.
    """
    # A study of one seed need not say which.
    several = len(repetitions) > 1
    judged = []
    for seed, cells in repetitions.items():
        for cell in cells:
            arms = arms_in([cell])
            judged += [judge_arm(cell, arm, seed=seed, named=several) for arm in arms]
    return judged


def judge_arm(cell: Cell, arm: str, *, seed: int = 0, named: bool = False) -> dict[str, Any]:
    """Return the verdict on one arm in one cell.

    Parameters
    ----------
    cell : dict
        Its record with ``metrics``.
    arm : str
        One of `ptychostudy.study.names.arms_of`.
    seed : int
        The cell's seed.
    named : bool
        Whether the sentence names the seed.

    Returns
    -------
    dict
        ``dose view split seed arm verdict useful measures floor_rad truth text``. ``verdict``:
        useful, not useful, failed (``useful`` None, no measures) or not judged (the truth has no
        contrast). ``measures``: for each ``metric column value flat margin better``. ``floor_rad``:
        1/sqrt(2n), None where it does not hold. ``text``: one sentence.
    """
    record = arm_record(cell, arm)
    # A failed arm left no field to compare, so it is neither better nor worse than the flat one.
    measures = _measures(cell, arm) if record["status"] == "ok" else []
    verdict = _verdict(record, measures)
    floor = _floor(cell)
    name = place_name(cell, arm)
    if named:
        name += f", seed {seed}"
    return {
        **cell_key(cell),
        "seed": seed,
        "arm": arm,
        "floor_rad": floor,
        "truth": cell["truth"],
        "verdict": verdict,
        "useful": _IS_USEFUL[verdict],
        "measures": measures,
        "text": f"{name}: {spoken(_explained(verdict, record, measures, floor), [cell])}",
    }


def _verdict(record: Mapping[str, Any], measures: Sequence[Mapping[str, Any]]) -> str:
    if record["status"] != "ok":
        return FAILED
    if not measures:
        return NOT_JUDGED
    return USEFUL if all(measure["better"] for measure in measures) else NOT_USEFUL


def place_name(place: Mapping[str, Any], arm: str) -> str:
    """Return how an arm in a cell is called in a sentence; `place` has dose, view and split."""
    return f"{arm}, {photon_text(place['dose'])} photons, {place['view']}, {place['split']}"


def _floor(cell: Cell) -> float | None:
    """Return the counting floor, or None for expected counts: they carry no noise."""
    conditions = cell.get("conditions", [])
    free = any(condition.startswith("noise-free") for condition in conditions)
    return None if free else cell.get("phase_floor_rad")


def _measures(cell: Cell, arm: str) -> list[dict[str, Any]]:
    """Return what decides; nothing where the truth has no contrast in any column."""
    # The flat object lacks a score only where the truth has no contrast.
    scored = [column for column in PARTS if score(cell, CONTROL, SIMILARITY, column) is not None]
    # A truth that is a plane has contrast, but none beyond it.
    structured = [
        column for column in scored if score(cell, CONTROL, STRUCTURE, column) is not None
    ]
    keys = _closeness(scored) + [(STRUCTURE, column) for column in structured]
    return [_measure(cell, arm, metric, column) for metric, column in keys]


def _closeness(scored: Sequence[str]) -> list[tuple[str, str]]:
    """Return the error and the similarity that are asked for: of the phase, if it has contrast."""
    if "phase" in scored:
        return [(PHASE_ERROR, "phase"), (SIMILARITY, "phase")]
    if "amplitude" in scored:
        return [(AMPLITUDE_ERROR, "amplitude"), (SIMILARITY, "amplitude")]
    return []


def _measure(cell: Cell, arm: str, metric: str, column: str) -> dict[str, Any]:
    own = _value(cell, arm, metric, column)
    flat = _value(cell, CONTROL, metric, column)
    return {
        "metric": metric,
        "column": column,
        "value": own,
        "flat": flat,
        "margin": LEAST_PEARSON if metric == STRUCTURE else 0.0,
        "better": _is_better(metric, own, flat),
    }


def _value(cell: Cell, model: str, metric: str, column: str) -> float | None:
    if metric != AMPLITUDE_ERROR:
        return score(cell, model, metric, column)
    # The table holds the square of this error only; the root has the amplitude's own unit.
    squared = score(cell, model, "mse", column)
    return None if squared is None else float(squared**0.5)


def _is_better(metric: str, own: float | None, flat: float | None) -> bool:
    if own is None or flat is None:
        return False
    if metric in (PHASE_ERROR, AMPLITUDE_ERROR):
        return own < flat
    if metric == STRUCTURE:
        return own >= flat + LEAST_PEARSON
    # As good as the flat object is not better.
    return own > flat


def _explained(
    verdict: str,
    record: Mapping[str, Any],
    measures: Sequence[Mapping[str, Any]],
    floor: float | None,
) -> str:
    if verdict == FAILED:
        return f"failed: {reason_of(record)}"
    if verdict == NOT_JUDGED:
        return "not judged: the truth has no contrast"
    return sentence(measures, floor)


def sentence(measures: Sequence[Mapping[str, Any]], floor: float | None) -> str:
    """Return by what an arm is no better than a flat object, and by what it is."""
    good = [_said(measure, floor) for measure in measures if measure["better"]]
    bad = [_said(measure, floor) for measure in measures if not measure["better"]]
    if not bad:
        return "better than a flat object: " + "; ".join(good)
    # One measure that fails decides, so those come first.
    text = NO_BETTER + "; ".join(bad)
    if _needs_a_prior(measures[0], floor):
        text += _NEEDS_A_PRIOR
    return f"{text}. Better: {'; '.join(good)}" if good else text


def _needs_a_prior(error: Mapping[str, Any], floor: float | None) -> bool:
    """Return whether the flat object's phase error lies below the floor: no fair arm beats it."""
    if error["metric"] != PHASE_ERROR or floor is None:
        return False
    return (error["flat"] or 0.0) < floor


def _said(measure: Mapping[str, Any], floor: float | None) -> str:
    metric = measure["metric"]
    value = number(measure["value"], metric)
    flat = number(measure["flat"], metric)
    if metric == STRUCTURE:
        # Here the flat object's own value is no bar: the margin stands above it.
        needed = number(measure["flat"] + measure["margin"])
        return f"{measure['column']} correlation beyond a plane {value}, needed {needed}"
    if metric == SIMILARITY:
        return f"{measure['column']} SSIM {value}, flat {flat}"
    if metric == AMPLITUDE_ERROR:
        return f"amplitude error {value}, flat {flat}"
    return f"phase error {value} rad, flat {flat}{_limit(floor)}"


def _limit(floor: float | None) -> str:
    return "" if floor is None else f" (floor {number(floor, PHASE_ERROR)})"
