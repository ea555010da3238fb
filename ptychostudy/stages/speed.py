"""Stage speed: frames per second of each arm in every cell, from what the stages measured."""

from pathlib import Path

from ptychostudy.io.records import read_json, write_json
from ptychostudy.io.text import write_text
from ptychostudy.report.speed import definition, make_cell, speed_text
from ptychostudy.study.arm_names import FEED_FORWARD
from ptychostudy.study.names import BASELINE, CELL, PINN


def run(
    *,
    status: list[Path],
    pinn: list[Path],
    baseline: list[Path],
    likelihood: list[Path],
    iterative: list[Path],
    record: Path,
    text: Path,
    feed_forward: list[Path] = [],  # noqa: B006 - read, never changed; its type is needed
    hybrid: list[Path] = [],  # noqa: B006 - as above
) -> None:
    """Collect how long the arms of all cells took; each list names the cells in the same order.

    Parameters
    ----------
    status : list of Path
        ``status.json`` of each cell.
    pinn, baseline, likelihood, iterative : list of Path
        ``{arm}_speed.json``, ``maximise_speed.json`` and the iterative arm's ``manifest.json``.
    feed_forward, hybrid : list of Path, optional
        ``FeedForward_speed.json`` and ``hybrid.json``, of studies with these arms.
    record, text : Path
        Outputs ``speed.json`` and ``speed.md``.
    """
    cells = []
    speeds = {PINN: pinn, BASELINE: baseline} | (
        {FEED_FORWARD: feed_forward} if feed_forward else {}
    )
    of_networks = zip(*speeds.values(), strict=True)
    started = [read_json(file, ["start", "wall_time_s"]) for file in hybrid] or [None] * len(status)
    for one, passed, likely, solved, of_hybrid in zip(
        status, of_networks, likelihood, iterative, started, strict=True
    ):
        records = [read_json(file, ["seconds"]) for file in passed]
        cell = make_cell(
            read_json(one, CELL),
            dict(zip(speeds, records, strict=True)),
            read_json(likely, ["frames", "seconds"]),
            read_json(solved, ["wall_time_s"]),
            of_hybrid,
        )
        cells.append(cell)
    write_json(record, {"definition": definition(cells), "jobs": cells})
    write_text(text, speed_text(cells))
