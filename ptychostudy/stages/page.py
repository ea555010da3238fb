"""Stage page: the whole study on one page, which needs no other file."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptychostudy.io.atomic import DataError
from ptychostudy.io.records import read_json
from ptychostudy.io.text import read_text, write_text
from ptychostudy.report.cells import Cell, Summary, cell_key, shown_cells
from ptychostudy.report.page import Material, page, wanted_pictures
from ptychostudy.report.page_figures import fitting, picture_path
from ptychostudy.report.speeds import Speed, speeds
from ptychostudy.runs.job_seconds import seconds_of_all
from ptychostudy.study import layout
from ptychostudy.study.names import NETWORKS, PTYCHI, TV

if TYPE_CHECKING:
    from ptychostudy.study.sections.page import PageSettings

# Beside the page.
_FILES = {
    layout.SUMMARY: "every number, for programs",
    layout.SUMMARY_TEXT: "every number, for people",
    layout.VERIFICATION: "every check and every arm's use",
    layout.INVENTORY: "every file with its size and sha256",
}
_TITLES = {
    layout.SUMMARY_TEXT: "Every number of every cell",
    layout.AGGREGATE: "Means over all cells",
    layout.DIGEST: "Digest",
    layout.GRID_TEXT: "Phase MS-SSIM, differences by cell",
}


def run(
    settings: "PageSettings",
    *,
    report: Path,
    summary: Path,
    speed: Path,
    texts: list[Path],
    figures: list[Path],
    output: Path,
    hub: Path = Path("."),
) -> None:
    """Write ``summary.html``.

    Parameters
    ----------
    settings : PageSettings
        Section ``page``: from when on a dose is usable.
    report, summary, speed : Path
        ``verification_report.json``, ``metrics_summary.json``, ``speed.json``.
    texts : list of Path
        Reports in Markdown, in the order shown.
    figures : list of Path
        Figures of the study (PNG).
    output : Path
        The page.
    hub : Path
        Working directory of the study, for pictures of cells and times of trainings.
    """
    study = read_json(summary, ["jobs", "seeds", "usefulness", "design"])
    checks = read_json(report, ["all_valid", "n_checks", "validations"])
    drawn = {_known(path): path.read_bytes() for path in figures}
    used = sum(map(len, drawn.values()))
    cells = wanted_pictures(study, settings)
    material = Material(
        summary=study,
        verification=checks,
        reports={_TITLES[_known(path)]: read_text(path) for path in texts},
        figures=drawn,
        pictures=fitting(((path, (hub / path).read_bytes()) for path in _paths(hub, cells)), used),
        speeds=_speeds(hub, study, read_json(speed, ["jobs"])["jobs"]),
        records=_records(hub, study),
        files=[(Path(path).name, meaning) for path, meaning in _FILES.items()],
    )
    write_text(output, page(material, settings))


def _known(path: Path) -> str:
    """Return a file of the analysis as the layout spells it, wherever it lies."""
    return f"{layout.ANALYSIS_FOLDER}/{path.name}"


def _paths(hub: Path, cells: list[Cell]) -> list[str]:
    return [path for path in map(picture_path, cells) if (hub / path).is_file()]


def _speeds(hub: Path, study: Summary, timed: Sequence[Mapping[str, Any]]) -> list[Speed]:
    """Return how fast each arm was in the shown cells of the first seed."""
    shown = [cell_key(cell) for cell in shown_cells(study)]
    jobs: dict[str, list[tuple[int, float]]] = {arm: [] for arm in (*NETWORKS, PTYCHI, TV)}
    for one in timed:
        for arm, cells in jobs.items():
            seconds = one["arms"][arm]["seconds"]
            if cell_key(one) in shown and seconds:
                cells.append((one["frames"], seconds))
    return speeds(jobs, _trainings(hub, {cell["view"] for cell in shown}))


def _trainings(hub: Path, views: Iterable[str]) -> dict[str, float]:
    """Return the seconds of all trainings of each network."""
    times: dict[str, float] = {}
    for network in NETWORKS:
        # A set: the Baseline has one folder for all views.
        folders = {layout.network_folder(network, view, "*") for view in views}
        for folder in sorted(folders):
            path = layout.TRAINING.format(trained="*", network=folder, name=layout.BUNDLE)
            times[network] = times.get(network, 0.0) + (seconds_of_all(hub, path) or 0.0)
    return {network: time for network, time in times.items() if time}


def _manifest(hub: Path, cell: Cell) -> dict[str, Any]:
    """Return the record of the iterative arm in a cell; an arm that failed may have none."""
    try:
        record = read_json(hub / layout.PRODUCT_RECORD.format(**cell_key(cell)))
    except DataError:
        return {}
    return record if isinstance(record, dict) else {}


def _records(hub: Path, study: Summary) -> list[tuple[str, object]]:
    record = _manifest(hub, shown_cells(study)[0])
    versions = record.get("versions", {})
    return [
        ("Seeds", ", ".join(map(str, study["seeds"]["list"]))),
        *sorted(versions.items()),
        *((key, record[key]) for key in ("threads", "settings") if key in record),
    ]
