"""The texts rendered from ``metrics_delta_summary.json``, and the check that they still say it."""

from collections.abc import Mapping
from typing import Any

from ptychostudy.report.deltas import DELTAS, METRIC_LABELS, Delta
from ptychostudy.report.markdown import MISSING, document, number, photon_text, table
from ptychostudy.study import layout
from ptychostudy.study.names import DELTA_METRICS, PARTS, PTYCHI

# What the ancestor's check prints where all is well.
CHECKED = (
    "Highlights match",
    "SSIM grid summary table values match",
    "Preview metadata confirms phase-only",
)
# As in the ancestor's file, the colons stand in one column.
_LABEL_WIDTH = 35
_GRID_HEADER = ("Dose", "View", "Split", "n", "Overlap, area", "Overlap, linear", PTYCHI)
_GRID_LEGEND = (
    "n: detected photons per object pixel. Overlap: the area that the probe's disc shares with its "
    "neighbours, and linear, 1 - step / probe diameter."
)
_NOT_PHASE_ONLY = "preview metadata validation failed: "
_AMPLITUDE = f"{_NOT_PHASE_ONLY}the phase-only preview contains the word amplitude"
_GRID_CLAIM = f"{_NOT_PHASE_ONLY}ssim_grid_summary.md does not say phase-only, or is not"


def delta_highlights(delta: Mapping[str, Any]) -> str:
    """Return the four signed lines of ``metrics_delta_highlights.txt``."""
    lines = []
    for one in DELTAS:
        entry = one.of(delta["deltas"])
        amplitude, phase = (one.text(entry[column]) for column in PARTS)
        lines.append(f"{one.label:<{_LABEL_WIDTH}}: amplitude {amplitude}  phase {phase}\n")
    return "".join(lines)


def delta_preview(delta: Mapping[str, Any]) -> str:
    """Return the four phase-only lines of ``metrics_delta_highlights_preview.txt``."""
    phases = [(one, one.of(delta["deltas"])["phase"]) for one in DELTAS]
    return "".join(f"{one.label}: {one.text(phase)}\n" for one, phase in phases)


def ssim_grid_summary(delta: Mapping[str, Any]) -> str:
    """Return ``ssim_grid_summary.md``: phase differences of the study and of each cell."""
    return document(
        ["# SSIM Grid Summary (Phase-Only)"],
        [f"**Generated from:** `{layout.DELTA}`"],
        [f"**Preview validated:** `{layout.DELTA_PREVIEW}` (phase-only)"],
        [
            "PtychoPINN minus the other arm, mean over the cells in which both have a result; "
            f"seed {delta['seed']}."
        ],
        [
            "MS-SSIM: Wang 2003, data range = span of the truth or reference. "
            "MAE: wrapped difference, rad."
        ],
        *_mean_blocks(delta),
        ["## Cells (Phase)"],
        [_GRID_LEGEND],
        _grid_table(delta),
    )


def _mean_blocks(delta: Mapping[str, Any]) -> list[list[str]]:
    blocks = []
    for metric in DELTA_METRICS:
        rows = [_mean_row(delta, one) for one in DELTAS if one.metric == metric]
        blocks.append([f"## {METRIC_LABELS[metric]} Deltas (Phase)"])
        blocks.append(table(["Comparison", "Phase Δ", "Cells"], rows))
    return blocks


def _mean_row(delta: Mapping[str, Any], one: Delta) -> list[str]:
    entry = one.of(delta["deltas"])
    return [one.versus, one.text(entry["phase"]), str(entry["n_cells"])]


def _grid_table(delta: Mapping[str, Any]) -> list[str]:
    heads = [f"{METRIC_LABELS[one.metric]} {one.versus}" for one in DELTAS]
    rows = [_grid_row(cell) for cell in delta["cells"]]
    return table([*_GRID_HEADER, *heads], rows)


def _grid_row(cell: Mapping[str, Any]) -> list[str]:
    n = cell["photons_per_pixel"]
    return [
        str(cell["dose"]),
        cell["view"],
        cell["split"],
        MISSING if n is None else photon_text(n),
        number(cell["overlap_area"]),
        number(cell["overlap_linear"]),
        cell["ptychi"],
        *(one.text(one.of(cell)["phase"]) for one in DELTAS),
    ]


def check_preview(preview: str) -> list[str]:
    """Return what is wrong with the preview as such: it must be four lines about phase only."""
    problems = []
    # The word itself is refused, however it is spelt: the preview is about the phase only.
    if "amplitude" in preview.lower():
        problems.append(_AMPLITUDE)
    return problems + _miscounted("preview", preview)


def _miscounted(name: str, text: str) -> list[str]:
    n_lines = len(text.splitlines())
    if n_lines == len(DELTAS):
        return []
    return [f"{name} mismatch: Expected exactly 4 lines, got {n_lines}"]


def check_highlights(
    delta: Mapping[str, Any], highlights: str, preview: str, grid: str
) -> list[str]:
    """Compare the three texts with the numbers they were made of.

    Parameters
    ----------
    delta : dict
        Content of ``metrics_delta_summary.json``.
    highlights, preview, grid : str
        The texts found.

    Returns
    -------
    list of str
        One sentence per problem; empty where text and numbers agree to the last digit shown.
    """
    return [
        *_miscounted("highlights", highlights),
        *check_preview(preview),
        *_check_grid(grid),
        *_differing("highlights", highlights, delta_highlights(delta)),
        *_differing("preview", preview, delta_preview(delta)),
        *_differing("SSIM grid", grid, ssim_grid_summary(delta)),
    ]


def _check_grid(grid: str) -> list[str]:
    # The grid must say so itself, and the word must not occur anywhere in it.
    marked = [line for line in grid.splitlines() if line.startswith("**Preview validated:**")]
    says_phase_only = any("(phase-only" in line for line in marked)
    if says_phase_only and "amplitude" not in grid.lower():
        return []
    return [_GRID_CLAIM]


def _differing(name: str, text: str, expected: str) -> list[str]:
    lines = text.splitlines()
    wanted = expected.splitlines()
    # A text of another length is compared as far as both go; what differs there says more.
    pairs = zip(lines, wanted, strict=False)
    problems = [
        f"{name} mismatch: line {i} is {line!r}, the numbers give {other!r}"
        for i, (line, other) in enumerate(pairs, start=1)
        if line != other
    ]
    if not problems and len(lines) != len(wanted):
        problems.append(f"{name} mismatch: {len(lines)} lines, needed {len(wanted)}")
    return problems
