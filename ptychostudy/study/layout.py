"""Where the files of a study lie: each path of the package is written here, once.

The rules repeat their own outputs as literals, because there the path is the dataflow; a test
compares them with these. Paths are relative to the hub, the working directory of a study.
"""

from typing import TYPE_CHECKING

from ptychostudy.study.names import INFERRED, NETWORKS, SPLITS

if TYPE_CHECKING:
    from ptychostudy.study.settings import Study

CELL = "dose_{dose}/{view}/{split}"
"""A cell of the study: the frames of one view, at one dose, in one part of the scan."""

BASE = "data/base/base.npz"
REFERENCE = "data/base/reference.npz"
FRAMES = "data/phase_c/dose_{dose}/patched_{split}.npz"
RUN_MANIFEST = "data/phase_c/run_manifest.json"
VIEW = "data/phase_d/{view}/{view}_{split}.npz"
VIEW_METRICS = "data/phase_d/{view}/{split}_metrics.json"
OVERLAP_METRICS = "data/phase_d/metrics_bundle.json"
TRAINING = "data/phase_e/dose_{trained}/{network}/{name}"
PRODUCT = f"data/phase_f/{CELL}/ptychi_reconstruction.npz"
PRODUCT_RECORD = f"data/phase_f/{CELL}/manifest.json"
SHARD = f"data/inference/{CELL}/{{network}}/shard_{{scatteritem}}.npz"
"""The part of a canvas that one job fills; `scatteritem` is Snakemake's word for ``k-of-n``."""
CANVAS = f"data/inference/{CELL}/{{arm}}.npz"
COMPARISON = f"analysis/{CELL}/{{name}}"
SEED = "seeds/seed_{seed}/"

BUNDLE = "wts.h5.zip"
TRAINED = (BUNDLE, "history.csv", "training.json")
"""What a training leaves behind: the network, its history, its outcome."""

FIELDS = "reconstructions.npz"
ALIGNED = "reconstructions_aligned.npz"
METRICS = "comparison_metrics.csv"
FRC_CURVES = "frc_curves.csv"
STATUS = "status.json"
COMPARED = (FIELDS, ALIGNED, METRICS, FRC_CURVES, "comparison_plot.png", STATUS)
"""What the comparison of a cell leaves behind."""

COMPARISON_MANIFEST = "analysis/comparison_manifest.json"
SUMMARY = "analysis/metrics_summary.json"
SUMMARY_TEXT = "analysis/metrics_summary.md"
DELTA = "analysis/metrics_delta_summary.json"
DELTA_HIGHLIGHTS = "analysis/metrics_delta_highlights.txt"
DELTA_PREVIEW = "analysis/metrics_delta_highlights_preview.txt"
AGGREGATE = "analysis/aggregate_report.md"
AGGREGATE_HIGHLIGHTS = "analysis/aggregate_highlights.txt"
DIGEST = "analysis/metrics_digest.md"
GRID_TEXT = "analysis/ssim_grid_summary.md"
REPORTS = (
    COMPARISON_MANIFEST,
    SUMMARY,
    SUMMARY_TEXT,
    DELTA,
    DELTA_HIGHLIGHTS,
    DELTA_PREVIEW,
    AGGREGATE,
    AGGREGATE_HIGHLIGHTS,
    DIGEST,
    GRID_TEXT,
    "analysis/ssim_grid.png",
    "analysis/correlation_heatmap.png",
    "analysis/ms_ssim_heatmap.png",
    "analysis/dose_curves.png",
    "analysis/overlap_curves.png",
)

INVENTORY_TEXT = "analysis/artifact_inventory.txt"
INVENTORY = "analysis/artifact_inventory.json"
VERIFICATION = "analysis/verification_report.json"
VERIFIED = "analysis/verified.txt"
VERDICTS = (
    "analysis/check_dense_highlights.log",
    INVENTORY_TEXT,
    INVENTORY,
    VERIFICATION,
    VERIFIED,
)
"""What is said of the files that the inventory lists."""

LEDGER = "analysis/blocker.log"
"""What stopped earlier runs; people may write into it."""

# Of data/ only what stages write: a user's own scans may lie beside it.
DRAWN = (
    "data/phase_c",
    "data/phase_e",
    "data/phase_f",
    "data/inference",
    "analysis",
    "logs",
    "benchmarks",
)
"""Folders that every seed has for itself, further seeds under `SEED`."""

FOLDERS = ("data/base", "data/phase_d", *DRAWN, "seeds", "products", "red")
"""Folders that a study writes."""


def listed(study: "Study") -> list[str]:
    """Return every file that the inventory lists; logs and reports about it are not among them."""
    files = [BASE, REFERENCE, RUN_MANIFEST, OVERLAP_METRICS]
    for view in study.view_list:
        for split in SPLITS:
            files.append(VIEW.format(view=view, split=split))
            files.append(VIEW_METRICS.format(view=view, split=split))
    for folder in repetitions(study):
        files += [folder + path for path in _drawn(study)]
    return [*files, *REPORTS]


def repetitions(study: "Study") -> list[str]:
    """Return the folder of each seed's own files: the first seed's are at the primary paths."""
    return ["", *(SEED.format(seed=seed) for seed in study.seeds[1:])]


def trained_doses(trained_on: str, dose: int | str) -> int | str:
    """Return which dose a network of a cell was trained on; ``all`` for one network of all doses."""
    return "all" if trained_on == "all" else dose


def network_folder(network: str, view: str, gridsize: int) -> str:
    """Return the folder of a network; the Baseline sees frames one by one, whatever the view."""
    return f"{view}/gs{gridsize}" if network == NETWORKS[0] else "baseline/gs1"


def bundles(study: "Study", dose: int | str, view: str) -> dict[str, str]:
    """Return the bundle of each network of a (dose, view)."""
    return network_bundles(study.train.doses, study.overlap.gridsize, dose, view)


def network_bundles(trained_on: str, gridsize: int, dose: int | str, view: str) -> dict[str, str]:
    """Return the bundle of each network of a (dose, view), from the settings it depends on."""
    trained = trained_doses(trained_on, dose)
    paths = {}
    for network in NETWORKS:
        folder = network_folder(network, view, gridsize)
        paths[network] = TRAINING.format(trained=trained, network=folder, name=BUNDLE)
    return paths


def labels(study: "Study", dose: int | str) -> str:
    """Return the reconstruction that a supervised Baseline of a dose learns from.

    It is that of the view with the most frames: the best the study has without the truth.
    """
    views = [view for own, view in study.pairs if own == dose]
    best = max(views, key=lambda view: study.overlap.views[view].s_img or 0.0)
    return PRODUCT.format(dose=dose, view=best, split=SPLITS[0])


def _drawn(study: "Study") -> list[str]:
    """Return what each seed draws or trains anew, and what follows from it."""
    files = []
    for dose in study.dose_list:
        files += [FRAMES.format(dose=dose, split=split) for split in SPLITS]
    # Several cells share a network: each is named once, in the order of its first cell.
    paths = [path for pair in study.pairs for path in bundles(study, *pair).values()]
    for path in dict.fromkeys(paths):
        files += [path.replace(BUNDLE, name) for name in TRAINED]
    for dose, view in study.pairs:
        for split in SPLITS:
            files += _of_cell(dose, view, split)
    return files


def _of_cell(dose: int, view: str, split: str) -> list[str]:
    """Return the files of one cell."""
    cell = {"dose": dose, "view": view, "split": split}
    files = [PRODUCT.format(**cell), PRODUCT_RECORD.format(**cell)]
    files += [CANVAS.format(**cell, arm=arm) for arm in INFERRED]
    files += [COMPARISON.format(**cell, name=name) for name in COMPARED]
    return files
