"""How fast each arm is: frames per second of every cell, as a record and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptychostudy.report.markdown import MISSING, table
from ptychostudy.study.names import ARMS, CELL, PHYSICS, PTYCHI, TV

TIMED = (*ARMS, PHYSICS)
"""What is timed, in the order shown."""

DEFINITION = (
    "Frames of the view divided by the seconds of one pass, of the run that made the results. "
    "Start-up, the building of graphs and files are left out; so is training. Networks: the "
    "network once over all groups or tiles and the stitching; of a canvas also the likelihood it "
    "starts from. Iterative arms: all their epochs. As measured, beside whatever else the machine "
    "computed."
)


@dataclass(frozen=True)
class Speed:
    """One arm over some cells.

    Attributes
    ----------
    arm : str
    seconds : float
        Mean time of a cell.
    frames_per_s : float
    training_s : float or None
        Wall time of all its trainings; None for what is not trained.
    """

    arm: str
    seconds: float
    frames_per_s: float
    training_s: float | None


def make_cell(
    status: Mapping[str, Any],
    networks: Mapping[str, Mapping[str, Any]],
    likelihood: Mapping[str, Any],
    iterative: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the speeds of one cell.

    Parameters
    ----------
    status : mapping
        ``dose``, ``view`` and ``split`` of the cell.
    networks : mapping of str to mapping
        Of each network ``frames``, ``seconds`` (None where it did not run) and ``of_canvas``.
    likelihood : mapping
        ``frames``; ``seconds`` of each arm that is the likelihood's.
    iterative : mapping
        ``wall_time_s`` of the iterative arm.
    """
    seconds: dict[str, float | None] = {**likelihood["seconds"], PTYCHI: iterative["wall_time_s"]}
    for network, record in networks.items():
        seconds[network] = _with_physics(record, likelihood["seconds"][TV])
    frames = likelihood["frames"]
    arms = {arm: _speed(frames, seconds[arm]) for arm in TIMED}
    place = {key: status[key] for key in CELL}
    return {**place, "frames": frames, "arms": arms}


def _with_physics(record: Mapping[str, Any], physics: float) -> float | None:
    """Return the seconds of a network, with those of the likelihood that a canvas starts from."""
    own: float | None = record["seconds"]
    if own is None or not record["of_canvas"]:
        return own
    return own + physics


def _speed(frames: int, seconds: float | None) -> dict[str, float | None]:
    rate = frames / seconds if seconds else None
    return {"seconds": seconds, "frames_per_second": rate}


def speed_table(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the Markdown table of all cells, a line each."""
    header = ("Dose", "View", "Split", "Frames", *TIMED)
    return table(header, [_row(cell) for cell in cells])


def _row(cell: Mapping[str, Any]) -> list[str]:
    place = [str(cell["dose"]), cell["view"], cell["split"], str(cell["frames"])]
    return place + [rate_text(cell["arms"][arm]) for arm in TIMED]


def rate_text(speed: Mapping[str, float | None]) -> str:
    """Return frames per second with two significant digits, and no exponent."""
    rate = speed["frames_per_second"]
    if rate is None:
        return MISSING
    return f"{float(f'{rate:.2g}'):g}" if rate < 1e5 else f"{rate:.1e}"


def speed_text(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return the Markdown document."""
    lines = ["# Frames per second", "", *speed_table(cells), "", DEFINITION]
    return "\n".join(lines) + "\n"


def overall(cells: Sequence[Mapping[str, Any]], trainings: Mapping[str, float]) -> list[Speed]:
    """Return the arms over some cells of `make_cell`, the fastest first; those that never ran not.

    Parameters
    ----------
    cells : list of dict
    trainings : dict of str to float
        Seconds of all trainings of a network.
    """
    each = [_over(arm, cells, trainings.get(arm)) for arm in ARMS]
    return sorted((one for one in each if one), key=lambda one: -one.frames_per_s)


def _over(arm: str, cells: Sequence[Mapping[str, Any]], training_s: float | None) -> Speed | None:
    ran = [cell for cell in cells if cell["arms"][arm]["seconds"]]
    if not ran:
        return None
    frames = sum(cell["frames"] for cell in ran)
    seconds = sum(cell["arms"][arm]["seconds"] for cell in ran)
    return Speed(arm, seconds / len(ran), frames / seconds, training_s)
