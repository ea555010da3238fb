"""How fast each arm was: frames a second of its passes, and what its training took before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Speed:
    """One arm over some cells.

    Attributes
    ----------
    arm : str
    seconds : float
        Mean wall time of a cell.
    frames_per_s : float
    training_s : float or None
        Wall time of all its trainings; None for what is not trained.
    """

    arm: str
    seconds: float
    frames_per_s: float
    training_s: float | None


def speeds(
    jobs: Mapping[str, Sequence[tuple[int, float]]], trainings: Mapping[str, float]
) -> list[Speed]:
    """Return the arms whose times are known, the fastest first.

    Parameters
    ----------
    jobs : dict of str to list of (int, float)
        Frames and seconds of each cell, by arm.
    trainings : dict of str to float
        Seconds of all trainings of a network.
    """
    known = [_speed(arm, cells, trainings.get(arm)) for arm, cells in jobs.items() if cells]
    return sorted(known, key=lambda speed: -speed.frames_per_s)


def _speed(arm: str, cells: Sequence[tuple[int, float]], training_s: float | None) -> Speed:
    frames = sum(count for count, _ in cells)
    seconds = sum(time for _, time in cells)
    return Speed(arm, seconds / len(cells), frames / seconds, training_s)
