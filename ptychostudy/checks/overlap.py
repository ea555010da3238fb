"""Checks of the scan: its overlap, recomputed from coordinates; what training and test share."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ptychostudy.checks.check import CouldNotCheck
from ptychostudy.checks.differences import differences
from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.scan import Scan, open_scan
from ptychostudy.io.arrays import read_npz
from ptychostudy.io.records import read_json
from ptychostudy.physics.probe_width import POWER, width_px
from ptychostudy.sampling.overlap import overlap_report
from ptychostudy.sampling.split import shared_pixels
from ptychostudy.study import layout
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import SPLITS

_OPTIONS = (
    "gridsize",
    "s_img",
    "n_groups",
    "n_images_total",
    "neighbor_count",
    "rng_seed_subsample",
)
"""What the overlap report was made with, as it is recorded in the report itself."""


def recomputed(hub: Hub) -> list[str]:
    """Recompute the overlap metrics; compare the coordinates with those of the frames."""
    problems = []
    probe = read_npz(hub.root / layout.REFERENCE, ["probeGuess"])["probeGuess"]
    for view in hub.views:
        for split in SPLITS:
            problems += _wrong_overlap(hub, view, split, probe)
    return problems


def disjoint(hub: Hub) -> list[str]:
    """Count the object pixels that the illuminated discs of training and test share.

    A study that asks for a narrower guard band than the probe wants them shared; that is said,
    not judged.
    """
    # Positions are the same at every dose.
    train, test = (open_scan(hub.scan(hub.doses[0], split)) for split in SPLITS)
    # By the true probe the scan was parted, not by a wrong one that the arms are given.
    probe = read_npz(hub.root / layout.REFERENCE, ["probeGuess"])["probeGuess"]
    diameter = width_px(probe, _split_by(train).get("probe_width", POWER))
    shared = shared_pixels(train.positions, test.positions, diameter)
    if not shared:
        return []
    problem = f"training and test share {shared} illuminated object pixels"
    guard = _guard_px(train)
    if guard is not None and guard < diameter:
        raise CouldNotCheck(
            f"split.guard_px is {guard:g}, the probe {diameter:.1f} px wide, so {problem}"
        )
    return [problem]


def _wrong_overlap(hub: Hub, view: str, split: str, probe: np.ndarray) -> list[str]:
    view_file = hub.path(layout.VIEW, view=view, split=split)
    metrics_file = hub.path(layout.VIEW_METRICS, view=view, split=split)
    arrays = read_npz(view_file, ["frames", "groups", *COORDINATES])
    recorded = read_json(metrics_file, ["metric_2_image_based_avg"])
    positions = read_positions(arrays)
    # Every dose illuminates the same positions.
    scan = open_scan(hub.scan(hub.doses[0], split))
    if not _are_of_frames(positions, arrays["frames"], scan):
        # The numbers of a scan that is not this one would say nothing more.
        return [f"{view_file.relative_to(hub.root)}: coordinates are not those of the frames"]
    where = f"{view}/{metrics_file.name}"
    return _wrong_numbers(recorded, positions, arrays["groups"], probe, where)


def _wrong_numbers(
    recorded: Mapping[str, Any],
    positions: np.ndarray,
    groups: np.ndarray,
    probe: np.ndarray,
    where: str,
) -> list[str]:
    """Compare a record of the overlap with that of positions (k, 2) and groups (G, C)."""
    options = {key: recorded[key] for key in _OPTIONS}
    diameter = recorded["probe_diameter_px"]
    report = overlap_report(positions, groups, diameter, probe=probe, **options)
    # The record also holds names and targets, which nothing measures.
    measured = {key: value for key, value in recorded.items() if key in report}
    return differences(measured, report, where)


def _are_of_frames(positions: np.ndarray, frames: np.ndarray, scan: Scan) -> bool:
    """Say whether positions (k, 2) are, to the last bit, those of the frames (k,) of a scan."""
    if frames.max() >= len(scan.positions):
        return False
    # They were copied, not computed: no rounding is allowed for.
    return not np.any(scan.positions[frames] != positions)


def _guard_px(scan: Scan) -> float | None:
    """Return the guard band that the study asked for; nothing where it left that to the probe."""
    guard: float | None = _split_by(scan).get("split", {}).get("guard_px")
    return guard


def _split_by(scan: Scan) -> dict[str, Any]:
    """Return the settings by which a scan was split: the last step is the stage simulate."""
    steps: list[dict[str, Any]] = scan.metadata["data_transformations"]
    parameters: dict[str, Any] = steps[-1]["parameters"]
    return parameters
