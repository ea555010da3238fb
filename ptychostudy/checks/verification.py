"""The verification: every check in the order of the report, and all of them done."""

from typing import Any

from ptychostudy.checks import (
    fields,
    frames,
    inventory,
    metrics,
    overlap,
    records,
    summaries,
    texts,
)
from ptychostudy.checks.check import Check, perform
from ptychostudy.study import layout
from ptychostudy.study.hub import Hub

# First what the study says of itself, then its numbers. Those that each seed has for itself are
# checked in its folder, too; views and reports are made once for all seeds.
CHECKS = (
    Check(
        layout.COMPARISON_MANIFEST,
        "Phase G comparison manifest",
        summaries.manifest,
    ),
    Check(
        layout.SUMMARY,
        "Phase G metrics summary equals the cells",
        summaries.metrics_summary,
    ),
    Check(layout.SUMMARY_TEXT, "metrics summary text", texts.summary_text),
    Check(
        layout.AGGREGATE_HIGHLIGHTS,
        "aggregate highlights",
        texts.aggregate_highlights,
    ),
    Check(layout.DIGEST, "metrics digest", texts.digest),
    Check(layout.FRAMES_FOLDER, "Phase C metadata compliance", frames.compliance),
    Check(
        layout.DELTA,
        "differences equal the summary",
        summaries.delta_summary,
    ),
    Check(
        layout.DELTA_HIGHLIGHTS,
        "highlights and preview equal the differences",
        texts.highlights,
    ),
    Check(layout.GRID_TEXT, "SSIM grid summary, phase only", texts.grid),
    Check(
        layout.DATA_FOLDER, "run records: trainings, reconstructions, comparisons", records.outcomes
    ),
    Check(
        layout.INVENTORY_TEXT,
        "artifact inventory with sha256",
        inventory.listed_files,
    ),
    Check(layout.FRAMES_FOLDER, "doses recounted from the counts", frames.doses, each_seed=True),
    Check(
        layout.FRAMES_FOLDER,
        "counts differ between doses as the doses do",
        frames.dose_ratios,
        each_seed=True,
    ),
    Check(layout.OVERLAP_FOLDER, "overlap recomputed from coordinates", overlap.recomputed),
    Check(layout.FRAMES_FOLDER, "training and test share no illuminated pixel", overlap.disjoint),
    Check(
        layout.ANALYSIS_FOLDER,
        "metrics recomputed from the aligned fields",
        metrics.recomputed,
        each_seed=True,
    ),
    Check(layout.ANALYSIS_FOLDER, "every arm finite and not constant", fields.arms, each_seed=True),
    Check(layout.ANALYSIS_FOLDER, "coverage of the scanned hull", fields.coverage, each_seed=True),
    Check(layout.ANALYSIS_FOLDER, "registration shifts are small", fields.shifts, each_seed=True),
    Check(
        layout.TRAINING_FOLDER,
        "bundles are those that training recorded",
        records.bundles,
        each_seed=True,
    ),
    Check(
        layout.PRODUCT_FOLDER,
        "iterative reconstructions are those in their manifests",
        records.products,
        each_seed=True,
    ),
)


def perform_all(hub: Hub) -> list[dict[str, Any]]:
    """Do every check on the first seed, and those of what a seed draws on each further one.

    Parameters
    ----------
    hub : Hub
        The finished study.

    Returns
    -------
    list of dict
        From `perform`, in order; paths of further seeds begin with their folder.
    """
    entries = [perform(check, hub) for check in CHECKS]
    repeated = [check for check in CHECKS if check.each_seed]
    for seed, repetition in zip(hub.settings.seeds[1:], hub.repetitions(), strict=True):
        for check in repeated:
            entry = perform(check, repetition)
            entry["path"] = layout.SEED.format(seed=seed) + check.path
            entries.append(entry)
    return entries
