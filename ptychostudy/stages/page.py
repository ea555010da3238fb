"""Stage page: the whole study on one page, which needs no other file."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptychostudy.formats.scan_metadata import STEPS
from ptychostudy.io.arrays import read_metadata
from ptychostudy.io.records import read_json
from ptychostudy.io.text import read_text, write_text
from ptychostudy.report.cells import Summary, cell_key, shown_cells
from ptychostudy.report.page import Material, page, wanted_pictures
from ptychostudy.report.page_figures import fitting, picture_path
from ptychostudy.report.referee import Made
from ptychostudy.report.speed import Speed, overall
from ptychostudy.runs.job_seconds import seconds_of_all
from ptychostudy.study import layout
from ptychostudy.study.arm_names import HYBRID, TRAINED
from ptychostudy.study.names import PTYCHI

if TYPE_CHECKING:
    from ptychostudy.study.sections.page import PageSettings

# Beside the page.
_FILES = {
    layout.SUMMARY: "every number, for programs",
    layout.SUMMARY_TEXT: "every number, for people",
    layout.VERIFICATION: "every check and every arm's use",
    layout.INVENTORY: "every file with its size and sha256",
}
# Beside its versions, in the record of a reconstruction.
_TOLD = ["versions", "threads", "settings"]
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
    paths = [picture_path(cell) for cell in wanted_pictures(study, settings)]
    material = Material(
        summary=study,
        verification=checks,
        reports={_TITLES[_known(path)]: read_text(path) for path in texts},
        figures=drawn,
        pictures=fitting(((path, (hub / path).read_bytes()) for path in paths), used),
        made=_made(hub, study),
        speeds=_speeds(hub, study, read_json(speed, ["jobs"])["jobs"]),
        records=_records(hub, study),
        files=[(Path(path).name, meaning) for path, meaning in _FILES.items()],
    )
    write_text(output, page(material, settings))


def _made(hub: Path, study: Summary) -> Made:
    """Return how the study was made, as the files of the first cell shown tell it."""
    cell = cell_key(shown_cells(study)[0])
    steps = read_metadata(hub / layout.FRAMES.format(**cell), [STEPS])[STEPS]
    groups = read_json(hub / layout.VIEW_METRICS.format(**cell), ["gridsize", "neighbor_count"])
    solver = read_json(hub / layout.PRODUCT_RECORD.format(**cell), ["settings"])["settings"]
    return Made(
        steps={step["operation"]: step["parameters"] for step in steps},
        groups=groups,
        solver=solver,
        trainings=_told(hub, cell["view"]),
    )


def _told(hub: Path, view: str) -> dict[str, Any]:
    """Return of each network what it was told; of doses and failures the first that says it."""
    told = {}
    for network in TRAINED:
        folder = layout.network_folder(network, view, "*")
        path = layout.TRAINING.format(trained="*", network=folder, name=layout.TRAINING_RECORD)
        records = (read_json(found, []) for found in sorted(hub.glob(path)))
        configs = [record["config"] for record in records if record.get("config")]
        if configs:
            told[network] = configs[0]
    return told


def _known(path: Path) -> str:
    """Return a file of the analysis as the layout spells it, wherever it lies."""
    return f"{layout.ANALYSIS_FOLDER}/{path.name}"


def _speeds(hub: Path, study: Summary, timed: Sequence[Mapping[str, Any]]) -> list[Speed]:
    """Return how fast each arm was in the shown cells of the first seed."""
    shown = [cell_key(cell) for cell in shown_cells(study)]
    cells = [cell for cell in timed if cell_key(cell) in shown]
    trainings = _trainings(hub, {cell["view"] for cell in shown})
    for cell in shown_cells(study):
        start = cell["arms"].get(HYBRID, {}).get("start", {}).get("arm")
        # Before a network gives a start, it has to be trained.
        trainings |= {HYBRID: trainings[start]} if start in trainings else {}
    return overall(cells, trainings)


def _trainings(hub: Path, views: Iterable[str]) -> dict[str, float]:
    """Return the seconds of all trainings of each network."""
    times: dict[str, float] = {}
    for network in TRAINED:
        # A set: the Baseline has one folder for all views.
        folders = {layout.network_folder(network, view, "*") for view in views}
        for folder in sorted(folders):
            path = layout.TRAINING.format(trained="*", network=folder, name=layout.BUNDLE)
            times[network] = times.get(network, 0.0) + (seconds_of_all(hub, path) or 0.0)
    return {network: time for network, time in times.items() if time}


def _records(hub: Path, study: Summary) -> list[tuple[str, object]]:
    """Return what made the numbers, as the iterative arm of the first cell shown tells it."""
    first = cell_key(shown_cells(study)[0])
    record = read_json(hub / layout.PRODUCT_RECORD.format(**first), _TOLD)
    solver = (
        f"{key} {'default' if value is None else value}"
        for key, value in record["settings"].items()
    )
    return [
        ("Seeds", ", ".join(map(str, study["seeds"]["list"]))),
        *sorted(record["versions"].items()),
        ("threads", record["threads"]),
        (PTYCHI, ", ".join(solver)),
    ]
