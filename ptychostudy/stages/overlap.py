"""Stage overlap: the frames and groups of one view and split, and how much they overlap."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ptychostudy.formats.positions import COORDINATES, position_arrays, read_positions
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.io.records import write_json
from ptychostudy.recipes.sample import sample_view

if TYPE_CHECKING:
    from ptychostudy.study.sections.overlap import SamplingSettings

_log = logging.getLogger("ptychostudy")


def run(
    settings: "SamplingSettings",
    *,
    base: Path,
    reference: Path,
    view: str,
    split: Literal["train", "test"],
    output: Path,
    metrics: Path,
) -> None:
    """Choose frames, form groups and measure overlap; positions only, no frame is read.

    Parameters
    ----------
    settings : SamplingSettings
        Section ``overlap`` of one view, and ``split``.
    base, reference : Path
        Positions; probe.
    view, split : str
        Names.
    output, metrics : Path
        ``{view}_{split}.npz`` with ``frames`` (indices into the split), ``groups`` (indices into
        ``frames``) and coordinates; ``{split}_metrics.json``.
    """
    scan = read_positions(read_npz(base, COORDINATES))
    probe = read_npz(reference, ["probeGuess"])["probeGuess"]
    chosen = sample_view(scan, probe, view, split, settings)
    _log.info("%s, %s: %s", view, split, chosen.text)
    arrays = {"frames": chosen.frames, "groups": chosen.groups}
    write_npz(output, arrays | position_arrays(chosen.positions), chosen.metrics)
    write_json(metrics, chosen.metrics)
