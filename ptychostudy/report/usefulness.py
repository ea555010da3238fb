"""Whether an arm is better than no reconstruction at all: a result of the study, not a fault of the run.

An arm is useful in a cell where it beats the flat object (ones, with one complex factor) by every measure below. What
is judged is the phase, and the amplitude only where the truth has no phase contrast.

error
    Phase error (rms, rad) below the flat object's: a map that is further from the truth than a constant tells nobody
    the phase, however much it looks like the object. Where photons are few the floor 1/sqrt(2n) may lie above the flat
    object's error; then no unbiased estimate is better, and the verdict says so. The flat object gets one complex
    factor from the alignment, an arm a phase ramp, too: in the quick study the ramp alone would take 4 to 7 % off the
    flat object's error, so an arm that is better by less owes it to the gauge.
similarity
    SSIM above the flat object's. It asks for contrast and structure window by window, which a small mean error does
    not: a faint image has nearly the flat object's error, and noise, which an area under a ring correlation may let
    pass with a value just above zero, falls below the flat object here.
structure
    Correlation beyond a plane at least `LEAST_PEARSON` above the flat object's 0. Beyond a plane, because the alignment
    hands the truth's phase ramp to whatever it aligns. Asked of the amplitude, too, if the truth has contrast there: an
    error or SSIM is not, since in the weak amplitude of a phase object an honest reconstruction is noisier than none.

A column in which the truth has no contrast is not judged. Where frames are measured, the truth is the full-dose
iterative reference, and so the flat object's numbers are those against that reference.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.report.cells import cell_key, score
from ptychostudy.report.markdown import number, photon_text, table
from ptychostudy.study.names import ARMS, PARTS

CONTROL = "Flat"
LEAST_PEARSON = 0.1
"""Five times the scatter of unrelated noise (1 / sqrt of some 2500 independent pixels)."""
USEFUL, NOT_USEFUL, FAILED, NOT_JUDGED = "useful", "not useful", "failed", "not judged"
_NAMES = {"rms_phase_rad": "phase error", "rms_amplitude": "amplitude error", "ssim": "SSIM"}
_STRUCTURE = "partial_pearson"


def verdicts(repetitions: Mapping[int, Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return the verdict on every arm, cell and seed.

    Parameters
    ----------
    repetitions : dict of int to iterable of dict
        Jobs of each seed, see `ptychostudy.report.summary.make_cell`.

    Returns
    -------
    list of dict
        From `judge_arm`, each with its ``seed``.
    """
    found = [(seed, job) for seed, jobs in repetitions.items() for job in jobs]
    several = len(repetitions) > 1
    return [judge_arm(job, arm, seed=seed, named=several) for seed, job in found for arm in ARMS]


def judge_arm(
    job: Mapping[str, Any], arm: str, *, seed: int = 0, named: bool = False
) -> dict[str, Any]:
    """Return the verdict on one arm in one cell.

    Parameters
    ----------
    job : dict
        The cell: its record with ``metrics``.
    arm : str
        ``PtychoPINN``, ``Baseline`` or ``PtyChi``.
    seed : int
        The cell's seed.
    named : bool
        Whether the sentence names the seed.

    Returns
    -------
    dict
        ``dose view split seed arm verdict useful measures floor_rad truth text``. ``verdict``: useful, not useful,
        failed (``useful`` None, no measures) or not judged (the truth has no contrast). ``measures``: for each
        ``metric column value flat margin better``. ``floor_rad``: 1/sqrt(2n), None where it does not hold. ``text``:
        one sentence.
    """
    name = f"{arm}, {photon_text(job['dose'])} photons, {job['view']}, {job['split']}" + (
        f", seed {seed}" if named else ""
    )
    found = {
        **cell_key(job),
        "seed": seed,
        "arm": arm,
        "floor_rad": _floor(job),
        "truth": job["truth"],
    }
    record = job["arms"].get(arm, {"status": "failed", "reason": "not run"})
    if record["status"] != "ok":
        text = f"{name}: failed: {record.get('reason') or 'no reason given'}"
        return found | {"verdict": FAILED, "useful": None, "measures": [], "text": text}
    measures = _measures(job, arm)
    if not measures:
        text = f"{name}: not judged: the truth has no contrast"
        return found | {"verdict": NOT_JUDGED, "useful": None, "measures": [], "text": text}
    useful = all(measure["better"] for measure in measures)
    found |= {"verdict": USEFUL if useful else NOT_USEFUL, "useful": useful, "measures": measures}
    return found | {"text": f"{name}: {_sentence(measures, found['floor_rad'])}"}


def _floor(job: Mapping[str, Any]) -> float | None:
    """Return the counting floor, or None for expected counts: they carry no noise."""
    free = any(condition.startswith("noise-free") for condition in job.get("conditions", []))
    return None if free else job.get("phase_floor_rad")


def _measures(job: Mapping[str, Any], arm: str) -> list[dict[str, Any]]:
    scored = [column for column in PARTS if score(job, CONTROL, "ssim", column) is not None]
    found = []
    if scored:
        judged = "phase" if "phase" in scored else "amplitude"
        error = "rms_phase_rad" if judged == "phase" else "rms_amplitude"
        found = [_measure(job, arm, error, judged), _measure(job, arm, "ssim", judged)]
    return found + [
        _measure(job, arm, _STRUCTURE, column)
        for column in scored
        if score(job, CONTROL, _STRUCTURE, column) is not None
    ]


def _measure(job: Mapping[str, Any], arm: str, metric: str, column: str) -> dict[str, Any]:
    own, flat = (_value(job, model, metric, column) for model in (arm, CONTROL))
    margin = LEAST_PEARSON if metric == _STRUCTURE else 0.0
    if own is None or flat is None:
        better = False
    elif metric in ("rms_phase_rad", "rms_amplitude"):
        better = own < flat
    else:
        better = own >= flat + margin if margin else own > flat
    return {
        "metric": metric,
        "column": column,
        "value": own,
        "flat": flat,
        "margin": margin,
        "better": better,
    }


def _value(job: Mapping[str, Any], model: str, metric: str, column: str) -> float | None:
    if metric != "rms_amplitude":
        return score(job, model, metric, column)
    squared = score(job, model, "mse", column)
    return None if squared is None else float(squared**0.5)


def _sentence(measures: Sequence[Mapping[str, Any]], floor: float | None) -> str:
    good, bad = (
        [_said(m, floor) for m in measures if m["better"] is kind] for kind in (True, False)
    )
    if not bad:
        return "better than a flat object: " + "; ".join(good)
    text = "no better than a flat object: " + "; ".join(bad)
    error = measures[0]
    if error["metric"] == "rms_phase_rad" and floor is not None and (error["flat"] or 0.0) < floor:
        text += "; with so few photons only an estimate with a prior is better"
    return text + (". Better: " + "; ".join(good) if good else "")


def _said(measure: Mapping[str, Any], floor: float | None) -> str:
    value, flat = (number(measure[key], measure["metric"]) for key in ("value", "flat"))
    if measure["metric"] == _STRUCTURE:
        needed = number(measure["flat"] + measure["margin"])
        return f"{measure['column']} correlation beyond a plane {value}, needed {needed}"
    if measure["metric"] == "ssim":
        return f"{measure['column']} SSIM {value}, flat {flat}"
    unit = " rad" if measure["metric"] == "rms_phase_rad" else ""
    limit = f" (floor {number(floor, 'rms_phase_rad')})" if unit and floor is not None else ""
    return f"{_NAMES[measure['metric']]} {value}{unit}, flat {flat}{limit}"


def useful_blocks(summary: Mapping[str, Any], *, numbers: bool = False) -> list[list[str]]:
    """Return the paragraphs of a report on which arms are useful: a count, a sentence for each that is not, a table."""
    judged = summary["usefulness"]
    what = (
        "An arm is useful in a cell where its phase error is below the flat object's, its SSIM above it, and its "
        f"correlation beyond a plane at least {LEAST_PEARSON} above it. This is a result of the study; that its files "
        "are whole and its numbers right is what the verification says."
    )
    blocks = [["## Better Than A Flat Object?"], [what], [counted(judged)]]
    if poor := remarks(judged):
        blocks.append([f"- {text}" for text in poor])
    return [*blocks, verdict_table(judged)] if numbers else blocks


def counted(found: Iterable[Mapping[str, Any]]) -> str:
    """Return in how many cases each arm is useful, as a sentence; failed and unjudged ones are told apart."""
    found, parts = list(found), []
    for arm in ARMS:
        own = [entry["verdict"] for entry in found if entry["arm"] == arm]
        rest = [f"{own.count(kind)} {kind}" for kind in (FAILED, NOT_JUDGED) if kind in own]
        parts.append(
            f"{arm} in {own.count(USEFUL)} of {len(own)} cases"
            + (f" ({', '.join(rest)})" if rest else "")
        )
    return "Better than a flat object: " + ", ".join(parts) + "."


def remarks(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for every arm and cell that is no better than a flat object, one for all its seeds."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for entry in found:
        groups.setdefault((entry["arm"], entry["dose"], entry["view"], entry["split"]), []).append(
            entry
        )
    return [text for group in groups.values() if (text := _remark(group))]


def _remark(group: Sequence[Mapping[str, Any]]) -> str:
    poor = [entry for entry in group if entry["verdict"] == NOT_USEFUL]
    if not poor or len(group) == 1:
        return str(poor[0]["text"]) if poor else ""
    first = poor[0]
    worst = max(poor, key=lambda entry: sum(not measure["better"] for measure in entry["measures"]))
    place = (
        f"{first['arm']}, {photon_text(first['dose'])} photons, {first['view']}, {first['split']}"
    )
    said = _sentence(worst["measures"], worst["floor_rad"]).removeprefix(
        "no better than a flat object: "
    )
    return f"{place}: no better than a flat object in {len(poor)} of {len(group)} seeds; in seed {worst['seed']}: {said}"


def verdict_table(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return all verdicts with their numbers as a Markdown table; ``flat`` is what the flat object gets."""
    keys = list(
        dict.fromkeys((m["metric"], m["column"]) for entry in found for m in entry["measures"])
    )
    heads = [_head(*key) for key in keys]
    rows = []
    for entry in found:
        known = {(m["metric"], m["column"]): m for m in entry["measures"]}
        place = [
            entry["arm"],
            str(entry["dose"]),
            entry["view"],
            entry["split"],
            str(entry["seed"]),
        ]
        floor = number(entry["floor_rad"], "rms_phase_rad")
        rows.append([*place, *(_cell(known.get(key)) for key in keys), floor, entry["verdict"]])
    return table(["Model", "Dose", "View", "Split", "Seed", *heads, "Floor (rad)", "Verdict"], rows)


def _head(metric: str, column: str) -> str:
    if metric == _STRUCTURE:
        return f"Correlation beyond a plane, {column}"
    return {"rms_phase_rad": "Phase error (rad)", "rms_amplitude": "Amplitude error"}.get(
        metric, f"SSIM, {column}"
    )


def _cell(measure: Mapping[str, Any] | None) -> str:
    if measure is None:
        return "N/A"
    text = number(measure["value"], measure["metric"])
    if measure["metric"] != _STRUCTURE:
        text += f" (flat {number(measure['flat'], measure['metric'])})"
    return text if measure["better"] else f"**{text}**"
