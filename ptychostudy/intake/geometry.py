"""Geometry: whether positions, probe and layout of measured frames explain what was counted.

A first pass on some frames ends at a misfit R. Of what photon noise does not explain of it, honest
scans are left with less than 0.02 where they were simulated (30 to 1e7 photons a frame, steps of 3
to 28 pixels, discs, zone plates, speckle, gratings), less than 0.04 where two modes share the light
or a detector blurs it, and 0.07 on the measured Siemens star; with an axis reversed or exchanged it
is 0.04 to 0.17. These ranges meet, so that no limit on R stops the wrong ones alone. What is left
over a limit only starts a comparison of the same frames: with all positions longer or shorter by
one factor, with the other layouts of the detector, and with the positions dealt out anew.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.intake.convention_texts import described
from ptychostudy.intake.conventions import (
    GIVEN,
    Convention,
    Trial,
    alike,
    clearly_better,
    of_frames,
    plainest,
    search,
)
from ptychostudy.intake.doubts import Doubts
from ptychostudy.intake.first_pass import PASSES, Sample, first_pass, take_sample
from ptychostudy.intake.position_scale import Scaled, better_scale
from ptychostudy.measure.misfit import Misfit
from ptychostudy.physics.orientation import Orientation

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings
    from ptychostudy.study.sections.npz import NpzSettings

SLIGHT = 0.012
"""What R may be over that of photon noise before longer and shorter positions are tried.

A tenth too long they leave 0.01, a fifth 0.03."""

LIMIT = 0.03
"""And before the layouts are compared."""

HOPELESS = 0.1
"""And before positions that tell no more than any others stop a study."""

# Of the R of photon noise: where photons are few the fit follows their noise, too.
_OF_NOISE = 0.2
# As many as are enough where all is well.
_QUICK_PASSES = 8
# Layouts that fit as well and are named; the object of each is mirrored.
_WAYS = 2
# Of what is left with positions dealt out anew: a sample of so little object fits any.
_AS_BAD = 0.95


@dataclass(frozen=True)
class Geometry:
    """How well a scan explains its frames.

    Attributes
    ----------
    misfit : Misfit
        Of a first pass on a sample, as the scan is given.
    frames : int
        In this sample.
    trials : list of Trial
        The layouts that were tried, the best first; none where all was well at once.
    shuffled : Misfit or None
        With the same positions in another order, where nothing else fits better.
    scaled : Scaled or None
        With all positions longer or shorter by one factor, where that fits clearly better and no
        layout does.
    """

    misfit: Misfit
    frames: int
    trials: list[Trial]
    shuffled: Misfit | None
    scaled: Scaled | None = None

    @property
    def better(self) -> Misfit | None:
        """The smallest misfit, if the given layout's is clearly larger."""
        best = self.trials[0].misfit if self.trials else self.misfit
        return best if clearly_better(best, self.misfit) else None

    @property
    def right(self) -> list[Convention]:
        """The layouts that fit best and are not told apart, the plainest first."""
        return plainest(alike(self.trials)) if self.trials else [GIVEN]

    @property
    def hopeless(self) -> bool:
        """Whether the positions explain no more than any others would."""
        if self.shuffled is None:
            return False
        return self.misfit.excess > _AS_BAD * self.shuffled.excess

    @property
    def record(self) -> dict[str, Any]:
        """Return what metadata say of it."""
        return {**self.misfit.record, "frames": self.frames}


def judge_geometry(sample: Sample) -> Geometry:
    """Reconstruct a sample as it is given and, if much is left unexplained, in other ways.

    Parameters
    ----------
    sample : Sample
    """
    for passes in (_QUICK_PASSES, PASSES):
        misfit = first_pass(sample, passes).misfit
        if misfit.excess <= _explained(misfit, SLIGHT):
            return Geometry(misfit, len(sample.positions), [], None)
    if misfit.excess <= _explained(misfit, LIMIT):
        scaled = better_scale(sample, misfit)
        return Geometry(misfit, len(sample.positions), [], None, scaled)
    # Where the zero frequency is was looked at before, and with more certainty.
    return compared(sample, search(sample, of_frames(), half_turns_too=False))


def _explained(misfit: Misfit, limit: float) -> float:
    return max(limit, _OF_NOISE * misfit.expected)


def compared(sample: Sample, trials: list[Trial]) -> Geometry:
    """Return what trials say of a sample; without a better one its positions are changed, too."""
    (misfit,) = [each.misfit for each in trials if each.convention == GIVEN]
    geometry = Geometry(misfit, len(sample.positions), trials, None)
    if geometry.better is not None:
        return geometry
    geometry = replace(geometry, scaled=better_scale(sample, misfit))
    if geometry.scaled is not None or misfit.excess <= max(HOPELESS, misfit.expected):
        return geometry
    return replace(geometry, shuffled=first_pass(_shuffled(sample), PASSES).misfit)


def _shuffled(sample: Sample) -> Sample:
    rng = np.random.Generator(np.random.PCG64(0))
    return replace(sample, positions=rng.permutation(sample.positions))


def check_geometry(
    scan: dict[str, np.ndarray], base: "BaseSettings", path: str | Path
) -> dict[str, Any]:
    """Refuse a measured scan whose frames another layout explains better, or none.

    Parameters
    ----------
    scan : dict of str to ndarray
        ``counts``, ``positions``, ``probe`` and, where some pixels do not count, ``valid``, as from
        `intake.user.take_scan`.
    base : BaseSettings
        By which the scan was taken; ``npz.accept`` names doubts that the user has looked at, ours
        is ``geometry``.
    path : str or Path
        The file, for messages.

    Returns
    -------
    dict
        For the metadata: ``R``, ``R_expected`` from photon noise alone, ``frames``.

    Raises
    ------
    DataError
        Naming what fits better.
    """
    doubts = Doubts(path, tuple(base.npz.accept))
    probe = scan["probe"]
    valid = scan.get("valid", np.ones(probe.shape[-2:], dtype=bool))
    sample = take_sample(scan["counts"], scan["positions"], probe, valid)
    geometry = judge_geometry(sample)
    doubts.say(found_text(geometry))
    problem = problem_text(geometry, base)
    if problem:
        doubts.doubt("geometry", problem)
    doubts.log()
    return {**geometry.record, **doubts.done}


def found_text(geometry: Geometry) -> str:
    """Return how well a scan explains its frames, in one line."""
    misfit = geometry.misfit
    return (
        f"a first pass on {geometry.frames} neighbouring frames ends at a misfit "
        f"R = {misfit.value:.3f}; photon noise alone gives {misfit.expected:.3f}"
    )


def orienting_keys(geometry: Geometry, npz: "NpzSettings") -> dict[str, list[str]]:
    """Return the keys of ``base.npz`` that lay a scan out as fits best, the plainest way.

    Parameters
    ----------
    geometry : Geometry
    npz : NpzSettings
        By which the scan was taken: what they change already goes before.

    Returns
    -------
    dict
        Empty where nothing fits clearly better, or where frames would have to be rolled, too.
    """
    best = geometry.right[0]
    if geometry.better is None or any(best.rolled_px):
        return {}
    keys = {
        "orient_frames": (npz.orient_frames, best.frames),
        "orient_positions": (npz.orient_positions, best.positions),
    }
    return {
        key: Orientation.of(words).then(further).words
        for key, (words, further) in keys.items()
        if not further.is_given
    }


def problem_text(geometry: Geometry, base: "BaseSettings") -> str:
    """Return what is wrong with the geometry of a scan that was taken by some settings."""
    if geometry.better is not None:
        keys = orienting_keys(geometry, base.npz)
        return _better_text(geometry, geometry.better.value, keys)
    if geometry.scaled is not None:
        return _scale_text(geometry, geometry.scaled, base.pixel_size_m)
    return _hopeless_text(geometry) if geometry.hopeless else ""


def _better_text(geometry: Geometry, best: float, keys: dict[str, list[str]]) -> str:
    ways = [described(each) for each in geometry.right]
    rest = len(ways) - _WAYS
    more = f" (or with {rest} others, which change more)" if rest > 0 else ""
    return (
        f"{found_text(geometry)}; it is {best:.3f} with {', or with '.join(ways[:_WAYS])}{more}; "
        f"needed: a file with frames and positions laid out so{_or_keys(keys)}"
    )


def _or_keys(keys: dict[str, list[str]]) -> str:
    each = [f"base.npz.{key}: [{', '.join(words)}]" for key, words in keys.items()]
    return f", or {' and '.join(each)}" if each else ""


def _scale_text(geometry: Geometry, scaled: Scaled, pixel_size_m: float) -> str:
    factor = scaled.factor
    return (
        f"{found_text(geometry)}; it is {scaled.misfit.value:.3f} with all positions multiplied by "
        f"{factor:.2f}; needed: positions of that length: in another unit "
        "(base.npz.position_unit) or, where they are lengths, with a base.pixel_size_m of about "
        f"{pixel_size_m / factor:.2g} in place of {pixel_size_m:g}"
    )


def _hopeless_text(geometry: Geometry) -> str:
    other = "" if geometry.shuffled is None else f"{geometry.shuffled.value:.3f}"
    return (
        f"{found_text(geometry)}, and {other} with the positions in another order: positions and "
        "probe do not explain the frames; needed: each frame at its own position (their order, "
        "their unit), and the probe of this scan"
    )
