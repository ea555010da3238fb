"""The verification: every check in the order of the report, and all of them done."""

from typing import TYPE_CHECKING, Any

from ptychostudy.checks import (
    advice,
    fields,
    foreign,
    frames,
    hybrid,
    inventory,
    metrics,
    overlap,
    records,
    summaries,
    texts,
)
from ptychostudy.checks.check import Check, perform
from ptychostudy.study import layout
from ptychostudy.study.arm_names import hybrid_of
from ptychostudy.study.hub import Hub

if TYPE_CHECKING:
    from ptychostudy.study.sections.verify import VerificationSettings

# First what the study says of itself, then its numbers. Those that each seed has for itself are
# checked in its folder, too; views and reports are made once for all seeds.
CHECKS = (
    Check(
        layout.COMPARISON_MANIFEST,
        "Phase G comparison manifest",
        summaries.manifest,
        advice=advice.MANIFEST,
    ),
    Check(
        layout.SUMMARY,
        "Phase G metrics summary equals the cells",
        summaries.metrics_summary,
        advice=advice.SUMMARY,
    ),
    Check(
        layout.SUMMARY_TEXT, "metrics summary text", texts.summary_text, advice=advice.SUMMARY_TEXT
    ),
    Check(
        layout.AGGREGATE_HIGHLIGHTS,
        "aggregate highlights",
        texts.aggregate_highlights,
        advice=advice.AGGREGATE,
    ),
    Check(layout.DIGEST, "metrics digest", texts.digest, advice=advice.DIGEST),
    Check(
        layout.FRAMES_FOLDER,
        "Phase C metadata compliance",
        frames.compliance,
        advice=advice.COMPLIANCE,
    ),
    Check(
        layout.DELTA,
        "differences equal the summary",
        summaries.delta_summary,
        advice=advice.DELTA,
    ),
    Check(
        layout.DELTA_HIGHLIGHTS,
        "highlights and preview equal the differences",
        texts.highlights,
        advice=advice.HIGHLIGHTS,
    ),
    Check(layout.GRID_TEXT, "SSIM grid summary, phase only", texts.grid, advice=advice.GRID),
    Check(
        layout.DATA_FOLDER,
        "run records: trainings, reconstructions, comparisons",
        records.outcomes,
        advice=advice.OUTCOMES,
    ),
    Check(
        layout.INVENTORY_TEXT,
        "artifact inventory with sha256",
        inventory.listed_files,
        advice=advice.INVENTORY,
    ),
    Check(
        layout.FRAMES_FOLDER,
        "doses recounted from the counts",
        frames.doses,
        advice=advice.DOSES,
        each_seed=True,
    ),
    Check(
        layout.FRAMES_FOLDER,
        "counts differ between doses as the doses do",
        frames.dose_ratios,
        advice=advice.RATIOS,
        each_seed=True,
    ),
    Check(
        layout.OVERLAP_FOLDER,
        "overlap recomputed from coordinates",
        overlap.recomputed,
        advice=advice.OVERLAP,
    ),
    Check(
        layout.FRAMES_FOLDER,
        "training and test share no illuminated pixel",
        overlap.disjoint,
        advice=advice.DISJOINT,
    ),
    Check(
        layout.ANALYSIS_FOLDER,
        "metrics recomputed from the aligned fields",
        metrics.recomputed,
        advice=advice.METRICS,
        each_seed=True,
    ),
    Check(
        layout.ANALYSIS_FOLDER,
        "every arm finite and not constant",
        fields.arms,
        advice=advice.ARMS,
        each_seed=True,
    ),
    Check(
        layout.ANALYSIS_FOLDER,
        "coverage of the scanned hull",
        fields.coverage,
        advice=advice.COVERAGE,
        each_seed=True,
    ),
    Check(
        layout.ANALYSIS_FOLDER,
        "registration shifts are small",
        fields.shifts,
        advice=advice.SHIFTS,
        each_seed=True,
    ),
    Check(
        layout.TRAINING_FOLDER,
        "bundles are those that training recorded",
        records.bundles,
        advice=advice.BUNDLES,
        each_seed=True,
    ),
    Check(
        layout.PRODUCT_FOLDER,
        "iterative reconstructions are those in their manifests",
        records.products,
        advice=advice.PRODUCTS,
        each_seed=True,
    ),
)

# Only where there are any: the report of a study without them does not know of these.
FOREIGN_CHECKS = (
    Check(
        layout.FOREIGN_FOLDER,
        "arms of other programs are those of their files",
        foreign.sources,
        advice=advice.FOREIGN,
        each_seed=True,
    ),
)
HYBRID_CHECKS = (
    Check(
        layout.PRODUCT_FOLDER,
        "Hybrid starts from the canvas that is there, and saves the epochs it is said to",
        hybrid.starts,
        advice=advice.HYBRID,
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
    checks = _checks_of(hub.settings)
    entries = [perform(check, hub) for check in checks]
    repeated = [check for check in checks if check.each_seed]
    for seed, repetition in zip(hub.settings.seeds[1:], hub.repetitions(), strict=True):
        for check in repeated:
            entry = perform(check, repetition)
            entry["path"] = layout.SEED.format(seed=seed) + check.path
            entries.append(entry)
    return entries


def _checks_of(settings: "VerificationSettings") -> list[Check]:
    beside = [
        *(HYBRID_CHECKS if hybrid_of(settings.start) else ()),
        *(FOREIGN_CHECKS if settings.arms.extra else ()),
    ]
    return [*CHECKS, *beside]
