"""What a convention changes, in words that a user can act on."""

from ptychostudy.formats.positions import COORDINATES
from ptychostudy.intake.conventions import Convention
from ptychostudy.physics.orientation import Orientation

SAME = (
    "reversing both axes of the frames is the same as conjugating the probe (then the object is "
    "conjugated, too)"
)
"""What no data can tell, of every probe."""

_AXES = ("rows", "columns")


def described(convention: Convention) -> str:
    """Return what has to be done to a file; 'nothing changed' where it is right."""
    parts = [
        *_rolled(convention.rolled_px),
        *_of_frames(convention.frames),
        *_of_positions(convention.positions),
    ]
    return " and ".join(parts) or "nothing changed"


def _rolled(rolled_px: tuple[int, int]) -> list[str]:
    if not any(rolled_px):
        return []
    return [f"frames rolled by {rolled_px} pixels (row, col)"]


def _of_frames(orientation: Orientation) -> list[str]:
    parts = ["transposed"] if orientation.exchanged else []
    reversed_ = _reversed(orientation, _AXES)
    if reversed_:
        parts.append(f"with their {' and '.join(reversed_)} reversed")
    return [f"frames {', then '.join(parts)}"] if parts else []


def _of_positions(orientation: Orientation) -> list[str]:
    parts = [f"{' and '.join(map(repr, COORDINATES))} exchanged"] if orientation.exchanged else []
    names = [f"{key!r}" for key in COORDINATES]
    reversed_ = _reversed(orientation, names)
    if reversed_:
        then = ", then " if parts else ""
        parts.append(f"{then}the sign of {' and '.join(reversed_)} changed")
    return ["".join(parts)] if parts else []


def _reversed(orientation: Orientation, names: tuple[str, ...] | list[str]) -> list[str]:
    flags = (orientation.rows_reversed, orientation.cols_reversed)
    return [name for name, flag in zip(names, flags, strict=True) if flag]
