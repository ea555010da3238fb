"""Conventions: which layout of frames and positions fits best, each tried by a first pass.

What no data can tell is not tried twice. A probe and an object that are both conjugated turn each
frame by half a turn, so that a conjugated probe and frames with both axes reversed are the same
file. Frames that are off the centre by some pixels are an object with a phase that rises by as many
turns over the window, positions that are all off by the same are an object that is moved. And where
the probe looks the same after an axis is reversed or both are exchanged, the same done to frames
and positions gives a mirrored or turned object that fits as well.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ptychostudy.intake.far_field import half_turns
from ptychostudy.intake.first_pass import PASSES, Sample, first_pass
from ptychostudy.measure.misfit import Misfit
from ptychostudy.physics.orientation import AS_GIVEN, ORIENTATIONS, Orientation

# First all, on few frames with few passes; then the best of them.
_QUICK_FRAMES, _QUICK_PASSES = 30, 8
_MOST = 9
# What is clearly better, see there.
_SHARE, _LESS = 0.75, 0.01


@dataclass(frozen=True)
class Convention:
    """What is done to a file's frames and positions before they are taken as ours.

    Attributes
    ----------
    frames, positions : Orientation
    rolled_px : (int, int)
        By how much frames are rolled.
    """

    frames: Orientation = AS_GIVEN
    positions: Orientation = AS_GIVEN
    rolled_px: tuple[int, int] = (0, 0)

    @property
    def changes(self) -> int:
        """How much is done."""
        return self.frames.changes + self.positions.changes + int(any(self.rolled_px))

    def applied(self, sample: Sample) -> Sample:
        """Return a sample laid out so."""
        rolled = np.roll(sample.counts, self.rolled_px, (-2, -1))
        valid = np.roll(sample.valid, self.rolled_px, (-2, -1))
        return replace(
            sample,
            counts=self.frames.of_frames(rolled),
            valid=self.frames.of_frames(valid),
            positions=self.positions.of_positions(sample.positions),
        )


GIVEN = Convention()


@dataclass(frozen=True)
class Trial:
    """A convention, and how a first pass with it ended."""

    convention: Convention
    misfit: Misfit


def of_frames() -> list[Convention]:
    """Return the layouts of the frames beside positions as given, the given one first.

    With a probe that looks the same from all sides there are no others.
    """
    return [Convention(each) for each in ORIENTATIONS]


def of_both() -> list[Convention]:
    """Return all layouts of frames and positions, the given one first."""
    pairs = itertools.product(ORIENTATIONS, ORIENTATIONS)
    return [Convention(frames, positions) for frames, positions in pairs]


def search(sample: Sample, conventions: Sequence[Convention], half_turns_too: bool) -> list[Trial]:
    """Try conventions and return those that may be right, the smallest misfit first.

    Parameters
    ----------
    sample : Sample
    conventions : sequence of Convention
    half_turns_too : bool
        Whether the zero frequency may be in a corner.

    Returns
    -------
    list of Trial
        What is left as given is among them, wherever it comes.
    """
    # What is laid out wrongly may look rolled, too.
    rolls = {(0, 0), _best_roll(sample)} if half_turns_too else {(0, 0)}
    turned = [replace(each, rolled_px=roll) for roll in sorted(rolls) for each in conventions]
    quick = _tried(sample.part(_QUICK_FRAMES), turned, _QUICK_PASSES)
    likely = alike(quick)[:_MOST]
    return _tried(sample, dict.fromkeys([GIVEN, *likely]), PASSES)


def _best_roll(sample: Sample) -> tuple[int, int]:
    """Return the roll of the frames by nothing or half a turn that fits best as they are given.

    Whether the light is where it belongs hardly depends on which way its rows and columns run.
    """
    rolls = [Convention(rolled_px=turn) for turn in half_turns(len(sample.probe))]
    # From a flat object: as a phase that alternates from pixel to pixel any of them fits.
    flat = np.zeros(2)
    best = _tried(sample.part(_QUICK_FRAMES), rolls, _QUICK_PASSES, flat)[0]
    return best.convention.rolled_px


def _tried(
    sample: Sample,
    conventions: Iterable[Convention],
    passes: int,
    off_px: np.ndarray | None = None,
) -> list[Trial]:
    """Return what first passes with some conventions come to, the smallest misfit first."""
    trials = [
        Trial(each, first_pass(each.applied(sample), passes, off_px).misfit) for each in conventions
    ]
    return sorted(trials, key=lambda trial: trial.misfit.value)


def clearly_better(one: Misfit, other: Misfit) -> bool:
    """Say whether one misfit is smaller than another by more than chance or a poor probe make it.

    Of what photon noise does not explain less than three quarters are left, and R is less by 0.01,
    five times what noise moves it by in a sample of thin frames.
    """
    less = other.value - one.value > _LESS
    return less and one.excess < _SHARE * other.excess


def alike(trials: Sequence[Trial]) -> list[Convention]:
    """Return the conventions that these data do not tell from the best.

    Parameters
    ----------
    trials : sequence of Trial
        The best first.
    """
    best = trials[0].misfit
    return [each.convention for each in trials if not clearly_better(best, each.misfit)]


def plainest(conventions: Sequence[Convention]) -> list[Convention]:
    """Return conventions in the order of how much they change."""
    return sorted(conventions, key=lambda convention: convention.changes)
