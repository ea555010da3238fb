"""Inspect: what a user's files are taken for, whether it holds, and what a study of them takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ptychostudy.formats.frames import FRAME_KEYS
from ptychostudy.formats.mask_keys import MASK_KEYS
from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.user_file import UserFile
from ptychostudy.intake.doubts import Doubt, Doubts
from ptychostudy.intake.position_units import median_step
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.probe_width import bright_diameter_px
from ptychostudy.physics.probes import probe_diameter_px
from ptychostudy.recipes.convention_texts import SAME, described
from ptychostudy.recipes.conventions import alike, of_both, plainest, search
from ptychostudy.recipes.first_pass import take_sample
from ptychostudy.recipes.first_settings import FirstSettings
from ptychostudy.recipes.geometry import Geometry, compared, found_text, problem_text
from ptychostudy.recipes.study_cost import study_cost
from ptychostudy.sampling.spacing import linear_overlap
from ptychostudy.sampling.split import split_scan
from ptychostudy.study.settings import Study

Scan = dict[str, np.ndarray]
Take = Callable[[dict[str, Any], Doubts], Scan]

OK, CURED, DOUBT, REFUSED, OPEN = "ok", "set in the yaml", "look at it", "refused", "not reached"
"""How a check ended."""

CHECKS = {
    "units": ("units",),
    "layout": ("isolated", "line", "small", "files"),
    "frames": ("frames", "axes"),
    "photons": ("gain", "background"),
    "pixels": ("pixels",),
    "centre": ("centre",),
    "probe": ("probe",),
}
"""Checks of a file, and the doubts that belong to each."""

# Each settles what the one before it brought to light.
_ATTEMPTS = 5
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
    for _ in range(_ATTEMPTS):
        doubts = Doubts(path, listed=[])
        scan, refusal = _tried(settings, doubts, take)
        listed = doubts.listed or []
        new = [each for each in listed if each.cure and each.name not in settled]
        if not new:
            break
        # The first, for others may only follow from it.
        settled[new[0].name] = new[0]
        settings.settle(new[0].cure)
    left = [each for each in listed if each.name not in settled]
    return Taken(scan, refusal, doubts.said, list(settled.values()), left)


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
    return _row("object", "", "not used with measured frames")


def _row(taken_for: str, unit: str, convention: str) -> dict[str, str]:
    return {"taken for": taken_for, "unit": unit, "convention": convention}


def checks(taken: Taken, file: UserFile) -> list[dict[str, str]]:
    """Return each check of a file with its verdict and a text."""
    rows = [_checked(name, words, taken) for name, words in CHECKS.items()]
    if taken.refusal:
        rows.append({"check": "file", "verdict": REFUSED, "text": taken.refusal})
    return [{**row, "text": file.words(row["text"])} for row in rows]


def _checked(name: str, words: Sequence[str], taken: Taken) -> dict[str, str]:
    found = [(DOUBT, each.text) for each in taken.open if each.name in words]
    found += [(CURED, each.text) for each in taken.settled if each.name in words]
    if found:
        return {"check": name, "verdict": found[0][0], "text": "; ".join(text for _, text in found)}
    return {"check": name, "verdict": OPEN if taken.scan is None else OK, "text": ""}


def look_at_geometry(scan: Scan) -> tuple[dict[str, str], list[str]]:
    """Try all conventions on a sample of a scan; return the check, and what fits how well.

    Parameters
    ----------
    scan : dict of str to ndarray
        As for `geometry.check_geometry`.
    """
    probe = scan["probe"]
    valid = scan.get("valid", np.ones(probe.shape[-2:], dtype=bool))
    sample = take_sample(scan["counts"], scan["positions"], probe, valid)
    trials = search(sample, of_both(), half_turns_too=True)
    geometry = compared(sample, trials)
    problem = problem_text(geometry)
    verdict = {
        "check": "geometry",
        "verdict": DOUBT if problem else OK,
        "text": problem or f"{found_text(geometry)}; no other layout fits clearly better",
    }
    return verdict, _fits(geometry)


def _fits(geometry: Geometry) -> list[str]:
    best = geometry.trials[0].misfit
    same = [described(each) for each in plainest(alike(geometry.trials))]
    more = f"; and {len(same) - _SHOWN} more" if len(same) > _SHOWN else ""
    lines = [
        f"as given: R = {geometry.misfit.value:.3f}; best: {best.value:.3f}; "
        f"photon noise alone: {geometry.misfit.expected:.3f}",
        f"these data do not tell apart: {'; '.join(same[:_SHOWN])}{more}",
        f"nor any others: {SAME}; frames off by a part of a pixel are an object with a phase ramp, "
        "positions all off by the same an object that is moved",
    ]
    return lines


def numbers(scan: Scan, study: Study) -> dict[str, str]:
    """Return what a study of a scan would have: photons, overlap, parts, time and memory."""
    positions, probe = scan["positions"], scan["probe"]
    diameter = probe_diameter_px(probe)
    bright = bright_diameter_px(probe)
    rows, cols = np.ptp(positions, axis=0).tolist()
    found = {
        "positions": f"{len(positions)}, over {rows:.4g} x {cols:.4g} px, "
        f"neighbours {median_step(positions):.3g} px apart",
        "probe": f"{bright:.3g} px wide at a tenth of its peak, "
        f"{diameter:.3g} px hold 99 % of its power",
        "overlap": f"{linear_overlap(positions, bright):.0%} (1 - step / diameter)",
    }
    if "counts" in scan:
        found |= {"photons per frame": _photons(scan["counts"])}
    # By the bright part its frames are parted, too.
    return found | _of_study(positions, probe, study)


def _photons(counts: np.ndarray) -> str:
    totals = np.array([int(frame.sum(dtype=np.int64)) for frame in counts])
    low, high = (f"{value:.4g}" for value in (totals.min(), totals.max()))
    return f"median {np.median(totals):.4g}, mean {totals.mean():.4g}, from {low} to {high}"


def _of_study(positions: np.ndarray, probe: np.ndarray, study: Study) -> dict[str, str]:
    split = study.split
    diameter = bright_diameter_px(probe)
    try:
        parts = split_scan(
            positions,
            diameter,
            axis=split.axis,
            fraction=split.fraction,
            guard_px=split.guard_px,
        )
    except ValueError as error:
        return {"parts": str(error)}
    sizes = {name: len(frames) for name, frames in parts.items()}
    kept = sum(sizes.values())
    cost = study_cost(study, len(probe), len(positions), kept)
    each = ", ".join(f"{size} in {name}" for name, size in sizes.items())
    left_out = f"{len(positions) - kept} of {len(positions)} frames between them are left out"
    return {
        "parts": f"{each}; {left_out}",
        "study takes": f"about {cost.minutes:.2g} CPU minutes (half of it on two cores), "
        f"{cost.memory_mb / 1000:.2g} GB for the largest job",
    }
