"""Geometry: whether positions, probe and layout of measured frames explain what was counted.

A first pass on some frames ends at a misfit R. Of what photon noise does not explain of it, honest
scans are left with less than 0.02 where they were simulated (30 to 1e7 photons a frame, steps of 3
to 28 pixels, discs, zone plates, speckle, gratings), less than 0.04 where two modes share the light
or a detector blurs it, and 0.07 on the measured Siemens star; with an axis reversed or exchanged it
is 0.04 to 0.17. These ranges meet, so that no limit on R stops the wrong ones alone. What is left
over `LIMIT` only starts a comparison of the same frames: with the other layouts of the detector,
and with the positions dealt out anew.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
from ptychostudy.measure.misfit import Misfit

LIMIT = 0.03
"""What R may be over that of photon noise before the layouts are compared."""

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
    """

    misfit: Misfit
    frames: int
    trials: list[Trial]
    shuffled: Misfit | None

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
        if misfit.excess <= max(LIMIT, _OF_NOISE * misfit.expected):
            return Geometry(misfit, len(sample.positions), [], None)
    # Where the zero frequency is was looked at before, and with more certainty.
    return compared(sample, search(sample, of_frames(), half_turns_too=False))


def compared(sample: Sample, trials: list[Trial]) -> Geometry:
    """Return what trials say of a sample; without a better one also its positions are dealt out."""
    (misfit,) = [each.misfit for each in trials if each.convention == GIVEN]
    geometry = Geometry(misfit, len(sample.positions), trials, None)
    if geometry.better is not None or misfit.excess <= max(HOPELESS, misfit.expected):
        return geometry
    return replace(geometry, shuffled=first_pass(_shuffled(sample), PASSES).misfit)


def _shuffled(sample: Sample) -> Sample:
    rng = np.random.Generator(np.random.PCG64(0))
    return replace(sample, positions=rng.permutation(sample.positions))


def check_geometry(
    scan: dict[str, np.ndarray], accepted: list[str], path: str | Path
) -> dict[str, Any]:
    """Refuse a measured scan whose frames another layout explains better, or none.

    Parameters
    ----------
    scan : dict of str to ndarray
        ``counts``, ``positions``, ``probe`` and, where some pixels do not count, ``valid``, as from
        `intake.user.take_scan`.
    accepted : list of str
        Doubts that the user has looked at; ours is ``geometry``.
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
    doubts = Doubts(path, tuple(accepted))
    probe = scan["probe"]
    valid = scan.get("valid", np.ones(probe.shape[-2:], dtype=bool))
    sample = take_sample(scan["counts"], scan["positions"], probe, valid)
    geometry = judge_geometry(sample)
    doubts.say(found_text(geometry))
    problem = problem_text(geometry)
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


def problem_text(geometry: Geometry) -> str:
    """Return what is wrong with the geometry, or nothing."""
    if geometry.better is not None:
        return _better_text(geometry, geometry.better.value)
    return _hopeless_text(geometry) if geometry.hopeless else ""


def _better_text(geometry: Geometry, best: float) -> str:
    ways = [described(each) for each in geometry.right]
    rest = len(ways) - _WAYS
    more = f" (or with {rest} others, which change more)" if rest > 0 else ""
    return (
        f"{found_text(geometry)}; it is {best:.3f} with {', or with '.join(ways[:_WAYS])}{more}; "
        "needed: a file with frames and positions laid out so"
    )


def _hopeless_text(geometry: Geometry) -> str:
    other = "" if geometry.shuffled is None else f"{geometry.shuffled.value:.3f}"
    return (
        f"{found_text(geometry)}, and {other} with the positions in another order: positions and "
        "probe do not explain the frames; needed: each frame at its own position (their order, "
        "their unit), and the probe of this scan"
    )
