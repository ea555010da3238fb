"""Stage insight: how networks learned, what was measured, and what networks say of their error."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.figures.disagreements import CellMaps, Maps, disagreement_maps
from ptychostudy.figures.histories import Training, training_histories
from ptychostudy.figures.scan import DoseFrames, ViewScan, scan_overview
from ptychostudy.figures.vector import svg_text
from ptychostudy.formats.arm_product import DISAGREEMENT, ORIGIN
from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.scan import Scan, open_scan
from ptychostudy.io.arrays import read_npz
from ptychostudy.io.pictures import write_figure
from ptychostudy.io.records import read_json
from ptychostudy.io.tables import read_csv
from ptychostudy.io.text import write_text
from ptychostudy.physics.illumination import multiplicity_map
from ptychostudy.physics.rectangle import cut
from ptychostudy.physics.windows import scan_rectangle
from ptychostudy.report.cells import Cell, known_word, shown_cells
from ptychostudy.report.markdown import photon_text
from ptychostudy.study.arm_names import TRAINED
from ptychostudy.study.names import CONTROLS, HISTORY_COLUMNS

# Sharp enough on a screen; all figures of a study stay within its page.
_DPI = 110
# Of pixels about the scan: as far as most probes reach.
_AROUND_PX = 16
# Frames that are added up at once.
_BLOCK = 256
_ALL_VIEWS = "all views"


def run(
    *,
    summary: Path,
    histories: list[Path],
    trainings: list[Path],
    scans: list[Path],
    views: list[Path],
    products: list[Path],
    aligned: list[Path],
    training: Path,
    vector: Path,
    scan: Path,
    disagreement: Path,
) -> None:
    """Draw trainings, scan and frames, and the disagreement of patches.

    Parameters
    ----------
    summary : Path
        ``metrics_summary.json``.
    histories, trainings : list of Path
        ``history.csv`` and ``training.json`` of every network, in its folder.
    scans : list of Path
        ``patched_test.npz`` of every dose, the lowest first.
    views : list of Path
        ``{view}_{split}.npz`` of every view and split.
    products, aligned : list of Path
        Canvases of the networks and ``reconstructions_aligned.npz``, of every cell.
    training, scan, disagreement : Path
        Output pictures (PNG).
    vector : Path
        The first of them once more (SVG).
    """
    study = read_json(summary, ["jobs", "seeds"])
    cells = shown_cells(study)
    pixel_m = cells[0]["pixel_size_m"]
    learned = training_histories(_trainings(histories, trainings))
    write_figure(training, learned, dpi=_DPI)
    write_text(vector, svg_text(learned))
    sources = [open_scan(path) for path in scans]
    first = sources[0]
    overview = scan_overview(
        first.probe,
        _view_scans(views, first.probe),
        {round(source.photons_requested): _frames(source) for source in sources},
        first.valid,
        modes=1 if first.modes is None else len(first.modes),
        pixel_m=pixel_m,
    )
    write_figure(scan, overview, dpi=_DPI)
    maps = [_cell_maps(cell, products, aligned) for cell in cells]
    drawn = disagreement_maps(maps, known=known_word(cells), pixel_m=pixel_m)
    write_figure(disagreement, drawn, dpi=_DPI)


def _trainings(histories: Sequence[Path], records: Sequence[Path]) -> list[Training]:
    """Return the trainings, network by network."""
    by_folder = {record.parent: record for record in records}
    folders = [history.parent for history in histories]
    if set(folders) != set(by_folder):
        odd = sorted(map(str, set(folders) ^ set(by_folder)))
        raise ValueError(f"{odd[0]}: a history or a record is missing; needed: both of a training")
    found = [_training(history, by_folder[history.parent]) for history in histories]
    # Sorting keeps the order of doses and views.
    return sorted(found, key=lambda training: _rank(training.network))


def _rank(network: str) -> int:
    return TRAINED.index(network) if network in TRAINED else len(TRAINED)


def _training(history: Path, record: Path) -> Training:
    rows = read_csv(history, HISTORY_COLUMNS)
    told = read_json(record, ["status", "reason", "best_epoch", "config"])
    dose, folder = history.parts[-4:-2]
    columns = {name: np.array([float(row[name]) for row in rows]) for name in HISTORY_COLUMNS}
    return Training(
        network=told["config"]["arm"],
        dose=dose.removeprefix("dose_"),
        view=_ALL_VIEWS if folder == "baseline" else folder,
        history=columns,
        best_epoch=int(told["best_epoch"]),
        failed="" if told["status"] == "ok" else str(told["reason"]),
    )


def _view_scans(views: Sequence[Path], probe: np.ndarray) -> dict[str, ViewScan]:
    """Return positions and multiplicity of each view, all on one rectangle."""
    positions: dict[str, dict[str, np.ndarray]] = {}
    for path in views:
        view, split = path.parent.name, path.stem.rsplit("_", 1)[1]
        positions.setdefault(view, {})[split] = read_positions(read_npz(path, COORDINATES))
    every = np.concatenate([part for parts in positions.values() for part in parts.values()])
    origin, shape = scan_rectangle(every, _AROUND_PX)
    scans = {}
    for view, parts in positions.items():
        together = np.concatenate(list(parts.values()))
        seen = multiplicity_map(probe, together, origin=origin, shape=shape)
        scans[view] = ViewScan(seen, origin, parts)
    return scans


def _frames(source: Scan) -> DoseFrames:
    """Return the mean of all frames, and the one in the middle of the scan."""
    counts = source.counts
    total = np.zeros(counts.shape[1:])
    for start in range(0, len(counts), _BLOCK):
        total += counts[start : start + _BLOCK].sum(axis=0, dtype=np.float64)
    middle = source.positions.mean(axis=0)
    number = int(np.argmin(np.sum((source.positions - middle) ** 2, axis=1)))
    one = np.asarray(counts[number], dtype=np.float64)
    return DoseFrames(total / len(counts), one, number, source.photons_measured)


def _cell_maps(cell: Cell, products: Sequence[Path], aligned: Sequence[Path]) -> CellMaps:
    """Return disagreement and error of the networks of a cell that ended well."""
    folder = (f"dose_{cell['dose']}", cell["view"], cell["split"])
    fields = read_npz(_of_folder(aligned, folder)[0])
    networks = {}
    for path in _of_folder(products, folder):
        record = cell["arms"].get(path.stem, {})
        if path.stem in fields and path.stem not in CONTROLS and DISAGREEMENT in record:
            networks[path.stem] = _maps(path, record, fields)
    title = f"{photon_text(cell['dose'])} photons\n{cell['view']}, {cell['split']}"
    return CellMaps(title, fields["mask"], networks)


def _of_folder(files: Sequence[Path], folder: tuple[str, ...]) -> list[Path]:
    """Return those of some files that lie in the folder of a cell.

    Raises
    ------
    ValueError
        If there is none.
    """
    own = [path for path in files if path.parts[-4:-1] == folder]
    if not own:
        raise ValueError(f"no file named lies in {'/'.join(folder)}; needed: those of every cell")
    return own


def _maps(product: Path, record: Mapping[str, Any], fields: Mapping[str, np.ndarray]) -> Maps:
    """Return the maps of a network on the rectangle of its cell."""
    arrays = read_npz(product, [DISAGREEMENT, ORIGIN])
    truth = fields["truth"]
    row, col = fields["origin"].tolist()
    top, left = arrays[ORIGIN].tolist()
    spread = cut(arrays[DISAGREEMENT], (top, left), (row, col), truth.shape)
    # As the field was brought to the scale of the truth, so is its spread.
    scale = abs(complex(*record["factor"]))
    return Maps(spread * scale, np.abs(fields[product.stem] - truth))
