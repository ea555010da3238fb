"""The figures of the page: in which order, and what stands under each."""

from collections.abc import Iterable, Mapping, Sequence

from ptychostudy.report import html
from ptychostudy.report.captions import caption, title
from ptychostudy.report.cells import Cell, cell_key, spoken
from ptychostudy.study import layout

# Bytes of pictures that the page carries: as text a third more, and it stays below 5 MB.
# Snakemake's report carries it as text once more, and stays below 12 MB.
_ROOM = 3_200_000
CAPTIONS = {
    layout.DOSE_CURVES: (
        "Quality against dose: rms phase error and SSIM over detected photons per object pixel n, "
        "a column for each view. Dotted: the counting floor 1/√(2n); a hollow marker lies below it "
        "and relies on a prior. Dashed: controls."
    ),
    layout.OVERLAP_CURVES: (
        "Quality against overlap: SSIM, MS-SSIM and FRC50 over the measured disc overlap, a column "
        "for each dose."
    ),
    layout.RING_CURVES: (
        "Fourier ring correlation of the complex field with the truth, a panel for each cell of "
        "the first seed. Thresholds: 0.5 and half-bit (van Heel and Schatz 2005). Grey: controls."
    ),
    layout.MS_SSIM_HEATMAP: (
        "MS-SSIM of every arm and control in every cell. Below the line: controls; the flat object "
        "shows the metric's zero."
    ),
    layout.CORRELATION_HEATMAP: (
        "Pearson's correlation of every arm and control in every cell; 0 is a flat object."
    ),
    layout.SSIM_GRID: (
        "MS-SSIM differences of the phase: PtychoPINN minus the other arm, cell by cell; above "
        "zero PtychoPINN is closer."
    ),
    layout.DISAGREEMENT_MAPS: (
        "What networks say of their own error: how far patches or passes are from each other, "
        "beside the error against the truth, on one logarithmic scale."
    ),
    layout.SCAN_OVERVIEW: (
        "Probe, multiplicity and positions of each view, mean and one frame of each dose on a "
        "logarithmic scale; grey detector pixels count nothing."
    ),
    layout.TRAINING_HISTORIES: (
        "Training and validation loss of every network, each on its own scale; vertical line: best "
        "epoch, whose weights are kept; dotted or named: the floor of the loss."
    ),
}
"""A figure of the study to what stands under it, in the order shown."""


def studied(pictures: Mapping[str, bytes], cells: Sequence[Cell]) -> list[str]:
    """Return the figures of the study of some cells under their captions."""
    said = {path: spoken(words, cells) for path, words in CAPTIONS.items()}
    return [
        html.figure(html.picture(pictures[path], words), html.text(words) + _vector(path))
        for path, words in said.items()
        if path in pictures
    ]


def _vector(path: str) -> str:
    """Return a link to the same figure as lines, where there is one, beside the page."""
    if path not in layout.VECTORS:
        return ""
    name = layout.VECTORS[path].removeprefix(f"{layout.ANALYSIS_FOLDER}/")
    return " " + html.element("a", "SVG", href=name)


def picture_path(cell: Cell) -> str:
    """Return where the picture of a cell lies, relative to the hub."""
    return layout.COMPARISON.format(**cell_key(cell), name=layout.PLOT)


def compared(cells: Sequence[Cell], pictures: Mapping[str, bytes]) -> list[str]:
    """Return the pictures of cells, by path, under their captions."""
    shown = []
    for cell in cells:
        png = pictures.get(picture_path(cell))
        if png is not None:
            words = f"{title(cell)}. {caption(cell, None)}"
            shown.append(html.figure(html.picture(png, title(cell)), html.text(words)))
    return shown


def fitting(pictures: Iterable[tuple[str, bytes]], used: int) -> dict[str, bytes]:
    """Return as many pictures, in their order, as the page has room for beside `used` bytes."""
    kept = {}
    for path, png in pictures:
        used += len(png)
        if used > _ROOM:
            break
        kept[path] = png
    return kept
