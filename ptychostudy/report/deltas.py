"""Differences of PtychoPINN to the other arms: in each cell, and on average over the cells."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptychostudy.report.cells import Cell, Summary, arm_record, cell_key, ending, score
from ptychostudy.report.markdown import number
from ptychostudy.study import layout
from ptychostudy.study.names import ARMS, DELTA_METRICS, OTHERS, PARTS, PTYCHI

METRIC_LABELS = {"ms_ssim": "MS-SSIM", "mae": "MAE"}
"""How the metrics of the differences are called in texts."""


@dataclass(frozen=True)
class Delta:
    """One of the differences that every text shows.

    Attributes
    ----------
    metric : str
        ``ms_ssim`` or ``mae``.
    other : str
        The arm that is subtracted from PtychoPINN.
    """

    metric: str
    other: str

    @property
    def label(self) -> str:
        """How the difference is called in texts."""
        return f"{METRIC_LABELS[self.metric]} Δ ({ARMS[0]} - {self.other})"

    @property
    def versus(self) -> str:
        """Its key in files."""
        return f"vs_{self.other}"

    def of(self, deltas: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return its entry of a table ``{vs_other: {metric: entry}}``."""
        entry: Mapping[str, Any] = deltas[self.versus][self.metric]
        return entry

    def text(self, value: float | None) -> str:
        """Return a difference with its sign."""
        return number(value, self.metric, signed=True)


# The ancestor's order: the metrics one after the other, in each the arms.
DELTAS = tuple(Delta(metric, other) for metric in DELTA_METRICS for other in OTHERS)


def make_delta(summary: Summary) -> dict[str, Any]:
    """Return the content of ``metrics_delta_summary.json``: PtychoPINN minus the other arm.

    The mean runs over the cells in which **both** arms have a number (``n_cells``), so that no
    difference compares different cells; where nothing failed it is the difference of the means in
    `ptychostudy.report.summary.summarize`. ``cells`` holds the difference in each cell beside its
    photons per object pixel, overlap and how PtyChi ended there. All are of the first ``seed``.
    The ancestor's ``generated_at`` is left out: the file is hashed, and hashed files carry no
    timestamp.
    """
    cells = summary["jobs"]
    return {
        "source_metrics": layout.SUMMARY,
        "seed": summary["seeds"]["list"][0],
        "deltas": {f"vs_{other}": _mean_difference(cells, other) for other in OTHERS},
        "cells": [_cell_entry(cell) for cell in cells],
    }


def _cell_entry(cell: Cell) -> dict[str, Any]:
    differences = {f"vs_{other}": _difference(cell, other) for other in OTHERS}
    return {**cell_key(cell), **_light(cell), **differences}


def _light(cell: Cell) -> dict[str, Any]:
    """Return what a cell was lit with and how its iterative arm ended."""
    overlap = cell.get("overlap", {})
    return {
        "overlap_area": overlap.get("metric_2_image_based_avg"),
        "overlap_linear": overlap.get("linear_overlap"),
        "photons_per_pixel": cell.get("photons_per_pixel"),
        "ptychi": ending(arm_record(cell, PTYCHI)),
    }


def _difference(cell: Cell, other: str) -> dict[str, dict[str, float | None]]:
    return {
        metric: {column: _gain(cell, other, metric, column) for column in PARTS}
        for metric in DELTA_METRICS
    }


def _gain(cell: Cell, other: str, metric: str, column: str) -> float | None:
    # Raw differences: rounding to the digits shown is left to the texts.
    first = score(cell, ARMS[0], metric, column)
    second = score(cell, other, metric, column)
    return None if first is None or second is None else first - second


def _mean_difference(cells: Sequence[Cell], other: str) -> dict[str, dict[str, Any]]:
    differences = [_difference(cell, other) for cell in cells]
    return {
        metric: _mean_columns([difference[metric] for difference in differences])
        for metric in DELTA_METRICS
    }


def _mean_columns(differences: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    means = {column: mean_of_known(one[column] for one in differences) for column in PARTS}
    # A cell counts where one column has contrast, even if the other has none.
    n_cells = sum(any(one[column] is not None for column in PARTS) for one in differences)
    return {**means, "n_cells": n_cells}


def mean_of_known(values: Iterable[float | None]) -> float | None:
    """Return the mean of the numbers among some values; None where there is none."""
    known = [value for value in values if value is not None]
    # An exact sum: the mean does not depend on the order of the cells.
    return math.fsum(known) / len(known) if known else None
