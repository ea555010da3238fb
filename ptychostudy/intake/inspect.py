"""Inspect: what a user's files are taken for, whether it holds, and what a study of them takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ptychostudy.formats.frames import FRAME_KEYS
from ptychostudy.formats.mask_keys import MASK_KEYS
from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.user_file import UserFile
from ptychostudy.intake.any_file import settings_of
from ptychostudy.intake.asked import check_asked
from ptychostudy.intake.convention_texts import SAME, described
from ptychostudy.intake.conventions import alike, of_both, plainest, search
from ptychostudy.intake.doubts import Doubt, Doubts
from ptychostudy.intake.first_pass import take_sample
from ptychostudy.intake.first_settings import FirstSettings
from ptychostudy.intake.geometry import (
    Geometry,
    compared,
    found_text,
    orienting_keys,
    problem_text,
)
from ptychostudy.io.atomic import DataError
from ptychostudy.study.sections.base import SourceSettings
from ptychostudy.study.settings import Study

Scan = dict[str, np.ndarray]
Take = Callable[[dict[str, Any], Doubts], Scan]

OK, CURED, DOUBT, REFUSED, OPEN = "ok", "set in the yaml", "look at it", "refused", "not reached"
"""How a check ended."""

CHECKS = {
    "units": ("units",),
    "layout": ("isolated", "line", "small", "files", "object"),
    "frames": ("frames", "axes"),
    "photons": ("gain", "background"),
    "pixels": ("pixels", "mask", "weights"),
    "centre": ("centre", "crop", "pad"),
    "probe": ("probe",),
}
"""Checks of a file, and the doubts that belong to each."""

# Conventions that are alike: each more is another mirror image.
_SHOWN = 4


@dataclass(frozen=True)
class Taken:
    """What came of taking a file in.

    Attributes
    ----------
    scan : dict or None
        None if the file was refused.
    refusal : str
        Why.
    said : list of str
        What was done.
    settled, open : list of Doubt
        Doubts that settings take away, and those that are left.
    """

    scan: Scan | None
    refusal: str
    said: list[str]
    settled: list[Doubt]
    open: list[Doubt]


def with_cures(path: str, settings: FirstSettings, take: Take) -> Taken:
    """Take a file in, with the settings that its own doubts ask for.

    Parameters
    ----------
    path : str
        For messages.
    settings : FirstSettings
        They are changed.
    take : callable
        Reads and judges the file by settings of the section ``base``.
    """
    settled: dict[str, Doubt] = {}
    while True:
        doubts = Doubts(path, listed=[])
        scan, refusal = _tried(settings, doubts, take)
        left = doubts.listed or []
        new = [each for each in left if each.cure and each.name not in settled]
        if not new:
            break
        # The first, for others may only follow from it.
        settled[new[0].name] = new[0]
        settings.settle(new[0].cure)
    # What is still doubted is not settled, whatever was set.
    names = {each.name for each in left}
    cured = [each for name, each in settled.items() if name not in names]
    return Taken(scan, refusal, doubts.said, cured, left)


def _tried(settings: FirstSettings, doubts: Doubts, take: Take) -> tuple[Scan | None, str]:
    try:
        return take(settings.base, doubts), ""
    except DataError as error:
        return None, str(error)


def contents(file: UserFile, npz: dict[str, Any]) -> list[dict[str, str]]:
    """Return what is in a file: key, shape and type, what it is taken for, unit and convention.

    Parameters
    ----------
    file : UserFile
    npz : dict
        Settings by which it is read.
    """
    return [
        {
            "key": file.places.get(key, key),
            "is": f"{array.shape} {array.dtype}",
            **_meaning(key, file, npz),
        }
        for key, array in file.arrays.items()
    ]


def _meaning(key: str, file: UserFile, npz: dict[str, Any]) -> dict[str, str]:
    unit = npz.get("position_unit") or file.declared.get("position_unit", "px")
    measurement = npz.get("measurement") or file.declared.get("measurement", "counts")
    if key in COORDINATES:
        which = "row" if key == COORDINATES[0] else "column"
        return _row(
            f"{which} of each window's centre", unit, f"grows with the {which}s of the object"
        )
    if key in FRAME_KEYS:
        units = "photons" if measurement != "amplitude" else "root of photons"
        return _row(f"frames: {measurement}", units, "zero frequency on pixel N // 2")
    if key in MASK_KEYS:
        return _row("mask of the detector", "", "")
    if key == "probeGuess":
        return _row("probe", "any scale", "centre on pixel N // 2")
    measured = any(name in file.arrays for name in FRAME_KEYS)
    return _row("object", "", "not used: frames are measured" if measured else "")


def _row(taken_for: str, unit: str, convention: str) -> dict[str, str]:
    return {"taken for": taken_for, "unit": unit, "convention": convention}


def checks(taken: Taken, file: UserFile) -> list[dict[str, str]]:
    """Return each check of a file with its verdict and a text."""
    rows = [_checked(name, words, taken) for name, words in CHECKS.items()]
    if taken.refusal:
        rows.append({"check": "file", "verdict": REFUSED, "text": taken.refusal})
    return [{**row, "text": file.words(row["text"])} for row in rows]


def _checked(name: str, words: Sequence[str], taken: Taken) -> dict[str, str]:
    found = [(DOUBT, _to_accept(each)) for each in taken.open if each.name in words]
    found += [(CURED, _as_set(each)) for each in taken.settled if each.name in words]
    if found:
        return {"check": name, "verdict": found[0][0], "text": "; ".join(text for _, text in found)}
    return {"check": name, "verdict": OPEN if taken.scan is None else OK, "text": ""}


def _to_accept(doubt: Doubt) -> str:
    return f"{doubt.text}; or, if it is right as it is, base.npz.accept: [{doubt.name}]"


def _as_set(doubt: Doubt) -> str:
    each = ", ".join(f"base.npz.{key}: {_in_yaml(value)}" for key, value in doubt.cure.items())
    return f"{doubt.text}. Set: {each}"


def _in_yaml(value: Any) -> str:
    return f"[{', '.join(value)}]" if isinstance(value, list) else str(value)


def look_at_parts(scan: Scan, study: Study, path: str) -> dict[str, str]:
    """Return the check whether a study can be cut out of a scan, as the stage `base` asks it.

    Parameters
    ----------
    scan : dict of str to ndarray
        As for `asked.check_asked`.
    study : Study
    path : str
        For messages.
    """
    doubts = Doubts(path, listed=[])
    base = study.base.model_dump()
    settings = SourceSettings(**base, split=study.split, doses=study.dose_list)
    try:
        check_asked(scan, settings, path, doubts)
    except DataError as error:
        return {"check": "parts", "verdict": DOUBT, "text": str(error)}
    problems = "; ".join(_to_accept(each) for each in doubts.listed or [])
    return {"check": "parts", "verdict": DOUBT if problems else OK, "text": problems}


def look_at_geometry(
    scan: Scan, settings: FirstSettings
) -> tuple[dict[str, str], list[str], dict[str, list[str]]]:
    """Try all conventions on a sample of a scan.

    Parameters
    ----------
    scan : dict of str to ndarray
        As for `geometry.check_geometry`.
    settings : FirstSettings
        By which it was taken.

    Returns
    -------
    check : dict
    fits : list of str
        What fits how well.
    cure : dict
        Keys of ``base.npz`` that lay the scan out as fits best.
    """
    probe = scan["probe"]
    valid = scan.get("valid", np.ones(probe.shape[-2:], dtype=bool))
    sample = take_sample(scan["counts"], scan["positions"], probe, valid)
    trials = search(sample, of_both(), half_turns_too=True)
    geometry = compared(sample, trials)
    base = settings_of(settings.base)
    doubt = Doubt("geometry", problem_text(geometry, base), orienting_keys(geometry, base.npz))
    return _verdict(geometry, doubt), _fits(geometry), dict(doubt.cure)


def _verdict(geometry: Geometry, doubt: Doubt) -> dict[str, str]:
    if doubt.cure:
        return {"check": "geometry", "verdict": CURED, "text": _as_set(doubt)}
    if doubt.text:
        return {"check": "geometry", "verdict": DOUBT, "text": _to_accept(doubt)}
    text = f"{found_text(geometry)}; no other layout fits clearly better"
    return {"check": "geometry", "verdict": OK, "text": text}


def _fits(geometry: Geometry) -> list[str]:
    best = geometry.trials[0].misfit
    same = [described(each) for each in plainest(alike(geometry.trials))]
    more = [f"and {len(same) - _SHOWN} more"] if len(same) > _SHOWN else []
    return [
        f"as given: R = {geometry.misfit.value:.3f}; best: {best.value:.3f}; "
        f"photon noise alone: {geometry.misfit.expected:.3f}",
        f"best: {same[0]}",
        *(f"as good: {each}" for each in same[1:_SHOWN]),
        *more,
        f"What no data tell: {SAME}; frames off by a part of a pixel are an object with a phase "
        "ramp; positions that are all off by the same are an object that is moved.",
    ]
