"""Stage compare: all arms and controls against the truth of one cell."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ptychostudy.formats.arm_product import ArmProduct, read_arm_product
from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.io.records import write_json
from ptychostudy.io.tables import write_csv
from ptychostudy.recipes.cell_record import cell_record, curve_rows, metric_rows
from ptychostudy.recipes.compare import compare
from ptychostudy.study.arm_names import HYBRID, further
from ptychostudy.study.names import (
    BASELINE,
    CURVE_COLUMNS,
    METRIC_COLUMNS,
    PHYSICS,
    PINN,
    PTYCHI,
    TV,
    UNTRAINED,
)

if TYPE_CHECKING:
    from ptychostudy.study.sections.compare import CompareSettings


def run(
    settings: "CompareSettings",
    *,
    pinn: Path,
    baseline: Path,
    untrained: Path,
    ptychi: Path,
    tv: Path,
    physics: Path,
    scan: Path,
    overlap: Path,
    dose: int,
    view: str,
    split: Literal["train", "test"],
    raw: Path,
    aligned: Path,
    metrics: Path,
    curves: Path,
    status: Path,
    extra: list[Path] = [],  # noqa: B006 - read, never changed; the command line needs the type
) -> None:
    """Score all arms on the same rectangle, mask and truth.

    Parameters
    ----------
    settings : CompareSettings
        Section ``compare``.
    pinn, baseline, untrained, ptychi, tv, physics : Path
        Products of the arms and controls.
    scan, overlap : Path
        Truth and dose; ``{view}_{split}.npz``.
    dose, view, split
        The cell.
    raw, aligned, metrics, curves, status : Path
        Outputs.
    extra : list of Path, optional
        Products of arms that not every study has, each called as its file. They change nothing of
        the others.
    """
    networks = {PINN: pinn, BASELINE: baseline, UNTRAINED: untrained}
    files = {**networks, PTYCHI: ptychi, TV: tv, PHYSICS: physics}
    products = {arm: read_arm_product(file) for arm, file in files.items()}
    source = open_scan(scan)
    # The view's positions, not the scan's: what is scored is the hull of what the arms have seen.
    positions = read_positions(read_npz(overlap, COORDINATES))
    beside = {_arm_of(file, each): each for file, each in _read(extra)}
    comparison = compare(
        products,
        source.truth,
        positions,
        settings,
        scanned=source.positions,
        beside={arm: beside[arm] for arm in further(beside)},
    )

    write_npz(raw, comparison.raw)
    write_npz(aligned, comparison.aligned, {"settings": settings.plain()})
    write_csv(metrics, METRIC_COLUMNS, metric_rows(comparison))
    write_csv(curves, CURVE_COLUMNS, curve_rows(comparison))
    record = cell_record(comparison, products, source, read_metadata(overlap))
    write_json(status, {"dose": dose, "view": view, "split": split, **record})


def _read(files: list[Path]) -> list[tuple[Path, ArmProduct]]:
    return [(file, read_arm_product(file)) for file in files]


def _arm_of(file: Path, product: ArmProduct) -> str:
    """Return the arm whose product it is; those of other programs are called as their files."""
    return HYBRID if product.record.get("arm") == HYBRID else file.stem
