"""Frames and positions laid out anew: rows and columns exchanged, and either reversed, as told."""

from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.intake.doubts import Doubts
from ptychostudy.physics.orientation import Orientation

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings


def turned_frames(base: "BaseSettings", doubts: Doubts) -> Orientation:
    """Return how frames and their masks are laid out anew, and say so.

    Raises
    ------
    DataError
        If there are no frames to turn.
    """
    orientation = Orientation.of(base.npz.orient_frames)
    if not orientation.is_given and base.frames != "measured":
        doubts.refuse(
            f"base.npz.orient_frames is {_text(orientation)}, but base.frames is {base.frames}; "
            "needed: measured frames, or none of it"
        )
    _say("frames", orientation, doubts)
    return orientation


def turned_positions(positions: np.ndarray, base: "BaseSettings", doubts: Doubts) -> np.ndarray:
    """Return positions (k, 2) laid out anew about their origin, and say so."""
    orientation = Orientation.of(base.npz.orient_positions)
    _say("positions", orientation, doubts)
    return positions if orientation.is_given else orientation.of_positions(positions)


def _say(what: str, orientation: Orientation, doubts: Doubts) -> None:
    if orientation.is_given:
        return
    doubts.say(f"{what} laid out anew, as base.npz.orient_{what} says: {_text(orientation)}")
    doubts.done[f"oriented_{what}"] = orientation.words


def _text(orientation: Orientation) -> str:
    return f"[{', '.join(orientation.words)}]"
