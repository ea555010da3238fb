"""Stage speed: frames per second of each arm in every cell, from what the stages measured."""

from pathlib import Path

from ptychostudy.io.records import read_json, write_json
from ptychostudy.io.text import write_text
from ptychostudy.report.speed import definition, make_cell, speed_text
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
    hybrid: list[Path] = [],  # noqa: B006 - read, never changed; the command line needs the type
) -> None:
    """Collect how long the arms of all cells took; each list names the cells in the same order.

    Parameters
    ----------
    status : list of Path
        ``status.json`` of each cell.
    pinn, baseline, likelihood, iterative : list of Path
        ``{arm}_speed.json``, ``maximise_speed.json`` and the iterative arm's ``manifest.json``.
    hybrid : list of Path, optional
        ``hybrid.json``, of studies with that arm.
    record, text : Path
        Outputs ``speed.json`` and ``speed.md``.
    """
    cells = []
    started = [read_json(file, ["start", "wall_time_s"]) for file in hybrid] or [None] * len(status)
    for of_hybrid, one, *files in zip(
        started, status, pinn, baseline, likelihood, iterative, strict=True
    ):
        pinn_record, baseline_record = (read_json(file, ["seconds"]) for file in files[:2])
        cell = make_cell(
            read_json(one, CELL),
            {PINN: pinn_record, BASELINE: baseline_record},
            read_json(files[2], ["frames", "seconds"]),
            read_json(files[3], ["wall_time_s"]),
            of_hybrid,
        )
        cells.append(cell)
    write_json(record, {"definition": definition(cells), "jobs": cells})
    write_text(text, speed_text(cells))
