"""How fast each arm is: frames per second of every cell, as a record and a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptychostudy.report.markdown import MISSING, table
from ptychostudy.study.arm_names import HYBRID, arms_of
from ptychostudy.study.names import CELL, PHYSICS, PTYCHI, TV

_DEFINITION = (
    "Frames of the view divided by the seconds of one pass, of the run that made the results. "
    "Start-up, the building of graphs and files are left out; so is training. Networks: the "
    "network once over all groups or tiles and the stitching; of a canvas also the likelihood it "
    "starts from. Iterative arms: all their epochs. As measured, beside whatever else the machine "
    "computed."
)
_OF_HYBRID = " Hybrid: the network that it starts from, and all epochs of the solver."


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
    hybrid: Mapping[str, Any] | None = None,
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
    hybrid : mapping, optional
        ``wall_time_s`` of Hybrid, and its ``start``.
    """
    seconds: dict[str, float | None] = {**likelihood["seconds"], PTYCHI: iterative["wall_time_s"]}
    for network, record in networks.items():
        seconds[network] = _with_physics(record, likelihood["seconds"][TV])
    if hybrid is not None:
        seconds[HYBRID] = _together(seconds[hybrid["start"]["arm"]], hybrid["wall_time_s"])
    frames = likelihood["frames"]
    arms = {arm: _speed(frames, seconds[arm]) for arm in _timed(seconds)}
    place = {key: status[key] for key in CELL}
    return {**place, "frames": frames, "arms": arms}


def _timed(arms: Iterable[str]) -> list[str]:
    """Return what is timed in a cell, in the order shown."""
    known = set(arms)
    return [arm for arm in (*arms_of(known), PHYSICS) if arm in known]


def definition(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return what the speeds of some cells are."""
    return _DEFINITION + (_OF_HYBRID if HYBRID in arms_in(cells) else "")


def arms_in(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what was timed in any of some cells, in the order shown."""
    return _timed(arm for cell in cells for arm in cell["arms"])


def _together(network: float | None, solver: float) -> float | None:
    # Of a network that did not run there is nothing to start from.
    return None if network is None else network + solver


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
    arms = arms_in(cells)
    header = ("Dose", "View", "Split", "Frames", *arms)
    return table(header, [_row(cell, arms) for cell in cells])


def _row(cell: Mapping[str, Any], arms: Sequence[str]) -> list[str]:
    place = [str(cell["dose"]), cell["view"], cell["split"], str(cell["frames"])]
    return place + [rate_text(cell["arms"][arm]) for arm in arms]


def rate_text(speed: Mapping[str, float | None]) -> str:
    """Return frames per second with two significant digits, and no exponent."""
    rate = speed["frames_per_second"]
    if rate is None:
        return MISSING
    return f"{float(f'{rate:.2g}'):g}" if rate < 1e5 else f"{rate:.1e}"


def speed_text(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return the Markdown document."""
    lines = ["# Frames per second", "", *speed_table(cells), "", definition(cells)]
    return "\n".join(lines) + "\n"


def overall(cells: Sequence[Mapping[str, Any]], trainings: Mapping[str, float]) -> list[Speed]:
    """Return the arms over some cells of `make_cell`, the fastest first; those that never ran not.

    Parameters
    ----------
    cells : list of dict
    trainings : dict of str to float
        Seconds of all trainings of a network.
    """
    each = [_over(arm, cells, trainings.get(arm)) for arm in arms_of(arms_in(cells))]
    return sorted((one for one in each if one), key=lambda one: -one.frames_per_s)


def _over(arm: str, cells: Sequence[Mapping[str, Any]], training_s: float | None) -> Speed | None:
    ran = [cell for cell in cells if cell["arms"][arm]["seconds"]]
    if not ran:
        return None
    frames = sum(cell["frames"] for cell in ran)
    seconds = sum(cell["arms"][arm]["seconds"] for cell in ran)
    return Speed(arm, seconds / len(ran), frames / seconds, training_s)
