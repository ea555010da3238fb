"""What a study of a scan would have: photons, overlap, parts, time and memory."""

import numpy as np

from ptychostudy.intake.position_units import median_step
from ptychostudy.physics.counts import mean_counts
from ptychostudy.physics.probe_width import bright_diameter_px
from ptychostudy.physics.probes import probe_diameter_px
from ptychostudy.recipes.study_cost import study_cost
from ptychostudy.sampling.spacing import linear_overlap
from ptychostudy.sampling.split import split_scan
from ptychostudy.study.sections.split import SplitSettings
from ptychostudy.study.settings import Study

Scan = dict[str, np.ndarray]


def photons_of_parts(scan: Scan) -> float:
    """Return the mean photons per frame of the part of a scan with the fewest.

    A dose above that is refused. Of all frames where a study would find no two parts.
    """
    counts = scan["counts"]
    width = bright_diameter_px(scan["probe"])
    try:
        parts = split_scan(scan["positions"], width, **dict(SplitSettings()))
    except ValueError:
        return mean_counts(counts)
    return min(mean_counts(counts, index) for index in parts.values())


def numbers(scan: Scan, study: Study) -> dict[str, str]:
    """Return what a study of a scan would have: photons, overlap, parts, time and memory."""
    positions, probe = scan["positions"], scan["probe"]
    diameter = probe_diameter_px(probe)
    bright = bright_diameter_px(probe)
    rows, cols = np.ptp(positions, axis=0).tolist()
    found = {
        "positions": f"{len(positions)}, over {rows:.4g} x {cols:.4g} px, "
        f"neighbours {median_step(positions):.3g} px apart",
        "probe": f"{bright:.3g} px wide at a tenth of its peak, "
        f"{diameter:.3g} px hold 99 % of its power",
        "overlap": f"{linear_overlap(positions, bright):.0%} (1 - step / diameter)",
    }
    if "counts" in scan:
        found |= {"photons per frame": _photons(scan["counts"])}
    # By the bright part its frames are parted, too.
    return found | _of_study(positions, probe, study)


def _photons(counts: np.ndarray) -> str:
    totals = np.array([int(frame.sum(dtype=np.int64)) for frame in counts])
    low, high = (f"{value:.6g}" for value in (totals.min(), totals.max()))
    return f"median {np.median(totals):.6g}, mean {totals.mean():.6g}, from {low} to {high}"


def _of_study(positions: np.ndarray, probe: np.ndarray, study: Study) -> dict[str, str]:
    split = study.split
    diameter = bright_diameter_px(probe)
    try:
        parts = split_scan(
            positions,
            diameter,
            axis=split.axis,
            fraction=split.fraction,
            guard_px=split.guard_px,
        )
    except ValueError as error:
        return {"parts": str(error)}
    sizes = {name: len(frames) for name, frames in parts.items()}
    kept = sum(sizes.values())
    cost = study_cost(study, len(probe), len(positions), kept)
    each = ", ".join(f"{size} in {name}" for name, size in sizes.items())
    left_out = f"{len(positions) - kept} of {len(positions)} frames between them are left out"
    return {
        "parts": f"{each}; {left_out}",
        "study takes": f"about {cost.minutes:.2g} CPU minutes (half of it on two cores), "
        f"{cost.memory_mb / 1000:.2g} GB for the largest job",
    }
