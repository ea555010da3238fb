"""What referees of such a study ask, answered from its own records and numbers.

The ten questions are those that reviewers of the field's papers put again and again: errors beside
SSIM, the truth beside the arms, a rival without learning, a wrong probe, other objects, where the
frames come from, how patches are merged, why so many neighbours, who knows the probe, and whether
the methods part stands on its own.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptychostudy.report import html
from ptychostudy.report.cells import (
    Cell,
    Summary,
    arm_record,
    score,
    shown_cells,
    shown_column,
    truth_name,
)
from ptychostudy.report.markdown import number, photon_text
from ptychostudy.study.arm_names import TRAINED
from ptychostudy.study.names import ARMS, BASELINE, NETWORKS, PHYSICS, PTYCHI

_NO_LEARNING = tuple(arm for arm in ARMS if arm not in NETWORKS)
_RMS = "rms_phase_rad"
_THOUSANDS = re.compile(r"(?<=\d) (?=\d{3}\b)")


@dataclass(frozen=True)
class Made:
    """How a study was made, as its records say.

    Attributes
    ----------
    steps : dict
        Parameters by operation, of the metadata of frames: ``canonicalize``, ``detect``.
    groups : dict
        Record of the groups of a view, ``VIEW/SPLIT_metrics.json``.
    solver : dict
        Settings of the iterative arm.
    trainings : dict
        Of each network that was trained, what it was told: ``kind``, ``options``, of canvases
        ``objects``.
    """

    steps: Mapping[str, Mapping[str, Any]]
    groups: Mapping[str, Any]
    solver: Mapping[str, Any]
    trainings: Mapping[str, Mapping[str, Any]]


def referee_answers(summary: Summary, made: Made) -> list[tuple[str, str]]:
    """Return the ten questions, each with its answer, as plain text."""
    hardest = hardest_cell(summary)
    return [
        ("Which direct error stands beside SSIM?", _errors(summary, hardest)),
        ("Are the arms shown beside what they are scored against?", _truth(summary)),
        ("What does a method without learning reach?", _rivals(summary, hardest)),
        ("What if the probe is wrong?", _wrong_probe(made)),
        ("Do the networks know this object?", _objects(made)),
        ("Which data is a dose curve made from?", _data(summary, made)),
        ("Does it matter how patches are merged?", _merging(summary)),
        ("Why that many neighbours?", _neighbours(made)),
        ("Is the probe solved for or given?", _probe(made)),
        ("Does the methods part stand on its own?", _methods(summary)),
    ]


def referee_table(answers: Iterable[tuple[str, str]]) -> str:
    """Return questions and answers as markup."""
    rows = [[html.text(question), html.text(_whole(said))] for question, said in answers]
    return html.table(["Question", "Answer"], rows)


def _whole(words: str) -> str:
    # A number is not broken at the end of a line.
    return _THOUSANDS.sub("\N{NO-BREAK SPACE}", words)


def hardest_cell(summary: Summary) -> Cell:
    """Return the cell shown first to a doubter: the fewest photons on an object pixel."""
    return min(shown_cells(summary), key=lambda cell: cell["photons_per_pixel"])


def _place(cell: Cell) -> str:
    dose = photon_text(cell["dose"])
    n = photon_text(cell["photons_per_pixel"])
    return f"{dose} photons per frame, {cell['view']} (n = {n} photons per object pixel)"


def _errors(summary: Summary, cell: Cell) -> str:
    if shown_column(summary) != "phase":
        return f"The mean absolute error of the amplitude. At {_place(cell)}: {_listed(cell)}."
    floor = number(cell["phase_floor_rad"], _RMS)
    return (
        "The root mean square of the wrapped phase difference and the mean absolute errors, of "
        f"every arm in every cell. At {_place(cell)}: {_listed(cell)}; counting floor of an "
        f"unbiased estimate {floor} rad."
    )


def _listed(cell: Cell, models: Sequence[str] = ARMS) -> str:
    return ", ".join(f"{model} {_error(cell, model)}" for model in models)


def _error(cell: Cell, model: str) -> str:
    if arm_record(cell, model)["status"] != "ok":
        return "failed"
    value = score(cell, model, _RMS)
    if value is not None:
        return f"{number(value, _RMS)} rad"
    return number(score(cell, model, "mae", "amplitude"), "mae")


def _truth(summary: Summary) -> str:
    return (
        f"Each picture begins with it, {truth_name(summary)}; arms share its colour scales, and "
        "beneath each stands its phase error."
    )


def _rivals(summary: Summary, cell: Cell) -> str:
    alone = f"{PHYSICS}, the likelihood without a prior, {_error(cell, PHYSICS)}"
    return (
        f"At {_place(cell)}: {_listed(cell, _NO_LEARNING)}; {alone}; "
        f"the networks {_listed(cell, _networks(cell))}."
    )


def _networks(cell: Cell) -> list[str]:
    return [arm for arm in TRAINED if arm in cell["arms"]]


def _wrong_probe(made: Made) -> str:
    wrong = made.steps.get("detect", {}).get("wrong_probe", {})
    told = [f"{key} {_plain(value)}" for key, value in wrong.items() if _differs(value)]
    if told:
        return f"Every arm is given a wrong one: {', '.join(told)}; the frames are the true one's."
    return (
        "Not asked here: all arms are given the same probe, that of the reference. The keys of "
        "simulate.wrong_probe (defocus, shift, blur) make the study of it."
    )


def _differs(value: Any) -> bool:
    return any(value) if isinstance(value, list) else bool(value)


def _plain(value: Any) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def _objects(made: Made) -> str:
    told = [_lessons(network, made.trainings[network]) for network in made.trainings]
    return " ".join(
        [
            *told,
            "They are scored on the part of the scan that they did not train on. One complex "
            "factor and one linear phase ramp are removed from every arm alike, no background.",
        ]
    )


def _lessons(network: str, told: Mapping[str, Any]) -> str:
    if network != BASELINE or told["kind"] != "supervised":
        return f"{network} learns from frames alone, without the object."
    # Networks of groups learn from the object of their frames alone.
    kinds = told.get("objects", [])
    others = f", and from simulated ones: {', '.join(kinds)}" if kinds else ""
    return f"{network} learns from the training half of this object{others}."


def _data(summary: Summary, made: Made) -> str:
    source = made.steps.get("canonicalize", {})
    measured = source.get("frames") != "simulate"
    how = "measured frames, thinned photon by photon" if measured else "simulated frames"
    counted = [
        f"{photon_text(cell['photons_requested'])} asked, "
        f"{photon_text(cell['photons_measured'])} counted"
        for cell in shown_cells(summary)
    ]
    # Views of a dose share their frames' dose: each is told once.
    told = "; ".join(dict.fromkeys(counted))
    return f"One scan ({source.get('kind', 'unknown')}), {how}. Mean photons per frame: {told}."


def _merging(summary: Summary) -> str:
    known = [
        (arm_record(cell, arm)["disagreement"], arm, _place(cell))
        for cell in shown_cells(summary)
        for arm in _networks(cell)
        if arm_record(cell, arm).get("disagreement") is not None
    ]
    rule = (
        "Patches are weighted by the light that made them, their phases set by all overlaps at "
        "once; no constant enters the weights."
    )
    if not known:
        return rule
    widest, arm, place = max(known)
    return (
        f"{rule} Patches that overlap differ from their mean by at most {widest:.2g} of the "
        f"complex field, root mean square ({arm} at {place})."
    )


def _neighbours(made: Made) -> str:
    groups = made.groups
    size = int(groups["gridsize"]) ** 2
    text = (
        f"Groups of C = {size} frames among K = {groups['neighbor_count']} nearest neighbours, "
        f"{groups['n_groups']} of them in view {groups['view']}; their frames overlap by "
        f"{groups['metric_1_group_based_avg']:.3f}, neighbours of the scan by "
        f"{groups['metric_2_image_based_avg']:.3f}."
    )
    canvas = [
        network
        for network, told in made.trainings.items()
        if told["options"].get("architecture") == "canvas"
    ]
    if canvas:
        text += f" {' and '.join(canvas)} see all frames of a view at once, whatever the groups."
    return text


def _probe(made: Made) -> str:
    refined = made.solver.get("refine_probe")
    arms = f"{PTYCHI} refines it, the others keep it" if refined else "no arm changes it"
    return f"Given, the same to all arms: that of the reference; {arms} (reconstruct.refine_probe)."


def _methods(summary: Summary) -> str:
    return (
        f"Every one of {len(summary['definitions'])} metrics is defined beneath its tables; "
        "versions, seeds and settings stand under Provenance, each file with its sha256 in the "
        "inventory, and the verification recomputes the numbers from the stored arrays."
    )
