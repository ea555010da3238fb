"""Checks of the frames: where they come from, and the photons in them, counted again."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.checks.check import CouldNotCheck
from ptychostudy.formats.scan import Scan, open_scan
from ptychostudy.io.arrays import read_metadata
from ptychostudy.physics.counts import dose_tolerance, mean_counts
from ptychostudy.report.compliance import judge_metadata
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import SPLITS

# Both numbers are the same whole photons over the same frames, so only last bits may differ.
_RECOUNT = 1e-9
# Standard deviations, as in `dose_tolerance`: chance goes beyond them once in 1.7 million numbers.
_SIGMAS = 5


def judged_metadata(hub: Hub) -> list[dict[str, Any]]:
    """Judge the metadata of the frames of every dose and split; see `judge_metadata`."""
    judged = []
    for dose in hub.doses:
        for split in SPLITS:
            scan_file = hub.scan(dose, split)
            name = scan_file.relative_to(hub.root).as_posix()
            judged.append(judge_metadata(name, read_metadata(scan_file)))
    return judged


def compliance(hub: Hub) -> list[str]:
    """Name every simulated file that does not say where it came from."""
    problems = []
    for judged in judged_metadata(hub):
        if not judged["compliant"]:
            problems.append(f"{judged['npz_path']}: {judged['error']}")
    return problems


def doses(hub: Hub) -> list[str]:
    """Recount the photons of every frame file; compare with what was requested and recorded."""
    problems = []
    for dose in hub.doses:
        for split in SPLITS:
            scan_file = hub.scan(dose, split)
            problems += _wrong_photons(scan_file, dose, scan_file.relative_to(hub.root))
    return problems


def dose_ratios(hub: Hub) -> list[str]:
    """Compare the ratio of the counts of all doses with the ratio of the doses."""
    wanted = sorted(hub.doses)
    if len(wanted) < 2:
        raise CouldNotCheck("the study has one dose only")
    problems = []
    for split in SPLITS:
        problems += _wrong_ratios(hub, wanted, split)
    return problems


def _wrong_photons(scan_file: Path, dose: int, name: Path) -> list[str]:
    scan = open_scan(scan_file)
    recounted = mean_counts(scan.counts)
    recorded = scan.photons_measured
    requested = scan.photons_requested
    problems = _on_masked_pixels(scan, name)
    if not math.isclose(recounted, recorded, rel_tol=_RECOUNT):
        problems.append(
            f"{name}: {recounted:.6g} photons per frame recounted, {recorded:.6g} recorded"
        )
    # The path says the dose, too: files that were exchanged are right but for that.
    allowed = dose_tolerance(dose, len(scan.counts))
    if requested != dose or abs(recounted - dose) > allowed:
        problems.append(
            f"{name}: {recounted:.6g} photons per frame, requested {requested:.6g}, "
            f"path says {dose}; counting statistics allow {allowed:.3g}"
        )
    return problems


def _on_masked_pixels(scan: Scan, name: Path) -> list[str]:
    """Name frames with photons where no pixel counts any: they would be of the dose, unseen."""
    if scan.valid.all():
        return []
    frames = [index for index, frame in enumerate(scan.counts) if np.any(frame[~scan.valid])]
    if not frames:
        return []
    return [f"{name}: {len(frames)} frames hold photons on masked pixels, the first {frames[0]}"]


def _wrong_ratios(hub: Hub, wanted: list[int], split: str) -> list[str]:
    """Compare the mean frame of each dose with that of the lowest one."""
    # All doses at once: frames are mapped from disk, not loaded.
    scans = [open_scan(hub.scan(dose, split)) for dose in wanted]
    means = [mean_counts(scan.counts) for scan in scans]
    lowest = wanted[0]
    # Every dose has the same frames.
    n_frames = len(scans[0].counts)
    problems = []
    for dose, mean in zip(wanted[1:], means[1:], strict=True):
        ratio = mean / means[0]
        if abs(ratio / (dose / lowest) - 1) > _ratio_tolerance(lowest, dose, n_frames):
            problems.append(
                f"{split}: counts of doses {dose} and {lowest} differ by {ratio:.5g}-fold"
            )
    return problems


def _ratio_tolerance(low: int, high: int, n_frames: int) -> float:
    """Return the largest credible relative error of a ratio of two mean doses.

    A Poisson total has the relative variance 1 / photons; in a quotient these add up.
    """
    return _SIGMAS * math.sqrt(1 / (low * n_frames) + 1 / (high * n_frames))
