"""A user's arrays in the shapes of a study: one axis of frames, N x N pixels, one probe's modes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.probe_modes import mode_arrays
from ptychostudy.intake.detector_grid import Fitted, Measured, as_it_is, fitted
from ptychostudy.intake.doubts import Doubts
from ptychostudy.intake.measured_frames import Stack
from ptychostudy.intake.orienting import turned_frames
from ptychostudy.intake.scan_shapes import flat_coordinates, flat_scan
from ptychostudy.intake.user_modes import brightest_first, check_waves, mode_stack
from ptychostudy.io.spool import changed
from ptychostudy.physics.orientation import Orientation

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings

Marked = Callable[[tuple[int, ...]], np.ndarray]


@dataclass(frozen=True)
class Shaped:
    """The arrays of a user's file in the shapes of a study.

    Attributes
    ----------
    arrays : dict of str to ndarray
        Coordinates (k,) in the file's unit, ``probeGuess`` (N, N), ``probeModes`` (m, N, N) of a
        probe of several, and all others as they are.
    stack : Stack or None
        Frames (k, h, w) as the detector has them; None where frames are simulated.
    fitted : Fitted
        What object pixels and which pixels of the detector are the study's.
    declared : dict
        What the file states of the measurement, of the study's object pixels.
    marked : (h, w) bool
        Pixels of the detector that masks mark as bad; (N, N) where frames are simulated.
    turned : Orientation
        How the N x N pixels are laid out anew, frames and masks together.
    """

    arrays: dict[str, np.ndarray]
    stack: Stack | None
    fitted: Fitted
    declared: dict[str, Any]
    marked: np.ndarray
    turned: Orientation

    @property
    def bad(self) -> np.ndarray:
        """Pixels (N, N) that count nothing: marked ones, and those beyond the detector."""
        return self.turned.of_frames(self.fitted.framing.apply(self.marked, True))

    @property
    def beyond(self) -> np.ndarray:
        """Pixels (N, N) that the detector does not have."""
        return self.turned.of_frames(~self.fitted.framing.valid)

    @property
    def framed(self) -> Stack:
        """The frames as (k, N, N)."""
        if self.stack is None:
            raise ValueError("frames are asked for of a study that simulates them")
        framing, turned = self.fitted.framing, self.turned
        as_given = framing.nothing and turned.is_given
        raw = self.stack.raw
        frames = (
            raw if as_given else changed(raw, lambda part: turned.of_frames(framing.apply(part)))
        )
        return Stack(framing.named(self.stack.key), frames)


def shaped(
    arrays: Mapping[str, np.ndarray],
    base: "BaseSettings",
    n: int,
    declared: Mapping[str, Any],
    doubts: Doubts,
    *,
    bad: Marked,
) -> Shaped:
    """Bring the arrays of a user's file into the shapes of a study, and say what that changed.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        With coordinates and ``probeGuess``, and frames where these are measured.
    base : BaseSettings
    n : int
        Side of the study's frames.
    declared : mapping
        What the file states of the measurement (`user_file.DECLARED`).
    doubts : Doubts
    bad : callable
        Returns which pixels (h, w) masks mark as bad, of frames of a shape (k, h, w).

    Raises
    ------
    DataError
        For frames, coordinates and probes whose shapes do not fit, or fit in more than one way.
    """
    stack = None
    if base.frames == "measured":
        coordinates, key, raw = flat_scan(doubts.path, arrays, base.npz.axes, doubts)
        stack = Stack(key, raw)
    else:
        coordinates = flat_coordinates(arrays, None, doubts)
    frames = int(coordinates[COORDINATES[0]].size)
    given = mode_stack(arrays["probeGuess"], frames, doubts)
    check_waves(doubts.path, given)
    modes = brightest_first(given, doubts)
    marked = bad((frames, n, n) if stack is None else stack.raw.shape)
    if stack is None:
        fit = _as_simulated(modes, n, doubts)
    else:
        measured = Measured(stack.key, stack.raw, marked, declared)
        fit = fitted(measured, modes, n, base.npz, doubts)
    others = {**arrays, **coordinates}
    # An object of other pixels says nothing of where windows are in these, nor one that was laid
    # out as the positions were.
    if not fit.same_pixels or (stack is not None and base.npz.orient_positions):
        others.pop("objectGuess", None)
    arrays = {**others, **mode_arrays(fit.modes)}
    turned = turned_frames(base, doubts)
    return Shaped(arrays, stack, fit, fit.restated(declared), marked, turned)


def _as_simulated(modes: np.ndarray, n: int, doubts: Doubts) -> Fitted:
    """Return the probe of frames that are simulated; it must be the study's."""
    if modes.shape[1:] != (n, n):
        rows, cols = modes.shape[1:]
        doubts.refuse(
            f"key 'probeGuess' has {rows} x {cols} pixels, but base.frame_px is {n}; needed: the "
            "same N where frames are simulated"
        )
    return as_it_is(modes, n)
