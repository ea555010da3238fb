"""Where the files of a study lie: each path of the package is written here, once.

The rules repeat their own outputs as literals, because there the path is the dataflow; a test
compares them with these. Paths are relative to the hub, the working directory of a study.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ptychostudy.study.arm_names import FEED_FORWARD, foreign, hybrid_of
from ptychostudy.study.names import BASELINE, INFERRED, SPLITS, TRAINING_SPLIT

if TYPE_CHECKING:
    from ptychostudy.study.settings import Study

CELL = "dose_{dose}/{view}/{split}"
"""A cell of the study: the frames of one view, at one dose, in one part of the scan."""

STAR_SCAN = "data/base/siemens_star.npz"
"""The published scan, where a study is of it."""
BASE = "data/base/base.npz"
REFERENCE = "data/base/reference.npz"
FRAMES = "data/phase_c/dose_{dose}/patched_{split}.npz"
RUN_MANIFEST = "data/phase_c/run_manifest.json"
# No dose: which frames are kept and grouped follows from positions alone.
VIEW = "data/phase_d/{view}/{view}_{split}.npz"
VIEW_METRICS = "data/phase_d/{view}/{split}_metrics.json"
OVERLAP_METRICS = "data/phase_d/metrics_bundle.json"
# Its dose can be `all`, and the Baseline has no view: not a cell's.
TRAINING = "data/phase_e/dose_{trained}/{network}/{name}"
PRODUCT = f"data/phase_f/{CELL}/ptychi_reconstruction.npz"
PRODUCT_RECORD = f"data/phase_f/{CELL}/manifest.json"
PHYSICS_ONLY = f"data/phase_f/{CELL}/physics_only.npz"
SMOOTHED = f"data/phase_f/{CELL}/tv.npz"
HYBRID = f"data/phase_f/{CELL}/hybrid.npz"
HYBRID_RECORD = f"data/phase_f/{CELL}/hybrid.json"
LIKELIHOOD_SPEED = f"data/phase_f/{CELL}/maximise_speed.json"

SHARD = f"data/inference/{CELL}/{{network}}/shard_{{scatteritem}}.npz"
"""The part of a canvas that one job fills; `scatteritem` is Snakemake's word for ``k-of-n``."""
SHARD_SPEED = f"data/inference/{CELL}/{{network}}/shard_{{scatteritem}}_speed.json"
CANVAS = f"data/inference/{CELL}/{{arm}}.npz"
CANVAS_SPEED = f"data/inference/{CELL}/{{arm}}_speed.json"
FOREIGN = f"data/foreign/{CELL}/{{foreign}}.npz"
"""What another program made of a cell, adopted; the wildcard is its name in ``arms.extra``."""
EXPORTED = f"products/{CELL}/{{arm}}.h5"
COMPARISON = f"analysis/{CELL}/{{name}}"
PARITY_STATS = "analysis/parity/stats.json"
PARITY_OFFSETS = "analysis/parity/offsets.json"
PARITY_AMPLITUDE = "analysis/parity/amplitude.png"
PARITY_PHASE = "analysis/parity/phase.png"
SEED = "seeds/seed_{seed}/"

BUNDLE = "wts.h5.zip"
HISTORY = "history.csv"
TRAINING_RECORD = "training.json"
TRAINING_STATE = "training_state.npz"
"""The last finished epoch of a training that runs or was stopped."""
TRAINED = (BUNDLE, HISTORY, TRAINING_RECORD)
"""What a training leaves behind: the network, its history, its outcome."""

FIELDS = "reconstructions.npz"
ALIGNED = "reconstructions_aligned.npz"
METRICS = "comparison_metrics.csv"
FRC_CURVES = "frc_curves.csv"
STATUS = "status.json"
PLOT = "comparison_plot.png"
# Fields before and after gauge and registration, the numbers, their picture.
COMPARED = (FIELDS, ALIGNED, METRICS, FRC_CURVES, PLOT, STATUS)
"""What the comparison of a cell leaves behind."""

OF_CELL = (
    PRODUCT,
    PRODUCT_RECORD,
    PHYSICS_ONLY,
    SMOOTHED,
    LIKELIHOOD_SPEED,
    *(CANVAS.replace("{arm}", arm) for arm in INFERRED),
    *(CANVAS_SPEED.replace("{arm}", arm) for arm in INFERRED),
    *(COMPARISON.replace("{name}", name) for name in COMPARED),
)
"""What there is of each cell; shards are no result, and how many there are is the run's affair."""

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
SPEED = "analysis/speed.json"
SPEED_TEXT = "analysis/speed.md"
SSIM_GRID = "analysis/ssim_grid.png"
CORRELATION_HEATMAP = "analysis/correlation_heatmap.png"
MS_SSIM_HEATMAP = "analysis/ms_ssim_heatmap.png"
DOSE_CURVES = "analysis/dose_curves.png"
OVERLAP_CURVES = "analysis/overlap_curves.png"
RING_CURVES = "analysis/frc_curves.png"
TRAINING_HISTORIES = "analysis/training_histories.png"
SCAN_OVERVIEW = "analysis/scan.png"
DISAGREEMENT_MAPS = "analysis/disagreement.png"
VECTORS = {
    DOSE_CURVES: "analysis/dose_curves.svg",
    OVERLAP_CURVES: "analysis/overlap_curves.svg",
    RING_CURVES: "analysis/frc_curves.svg",
    TRAINING_HISTORIES: "analysis/training_histories.svg",
}
"""The same as lines, of figures that are no pictures."""
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
    SPEED,
    SPEED_TEXT,
    SSIM_GRID,
    CORRELATION_HEATMAP,
    MS_SSIM_HEATMAP,
    DOSE_CURVES,
    OVERLAP_CURVES,
    RING_CURVES,
    TRAINING_HISTORIES,
    SCAN_OVERVIEW,
    DISAGREEMENT_MAPS,
    *VECTORS.values(),
)

INVENTORY_TEXT = "analysis/artifact_inventory.txt"
INVENTORY = "analysis/artifact_inventory.json"
VERIFICATION = "analysis/verification_report.json"
PAGE = "analysis/summary.html"
VERIFIED = "analysis/verified.txt"
HIGHLIGHTS_CHECK = "analysis/check_dense_highlights.log"
VERDICTS = (
    HIGHLIGHTS_CHECK,
    INVENTORY_TEXT,
    INVENTORY,
    VERIFICATION,
    PAGE,
    VERIFIED,
)
"""What is said of the files that the inventory lists."""

LEDGER = "analysis/blocker.log"
"""What stopped earlier runs; people may write into it."""

DATA_FOLDER = "data"
BASE_FOLDER = "data/base"
FRAMES_FOLDER = "data/phase_c"
OVERLAP_FOLDER = "data/phase_d"
TRAINING_FOLDER = "data/phase_e"
PRODUCT_FOLDER = "data/phase_f"
INFERENCE_FOLDER = "data/inference"
FOREIGN_FOLDER = "data/foreign"
ANALYSIS_FOLDER = "analysis"
LOGS_FOLDER = "logs"
SEEDS_FOLDER = "seeds"
EXPORT_FOLDER = "products"

DRAWN = (
    FRAMES_FOLDER,
    TRAINING_FOLDER,
    PRODUCT_FOLDER,
    INFERENCE_FOLDER,
    FOREIGN_FOLDER,
    ANALYSIS_FOLDER,
    LOGS_FOLDER,
    "benchmarks",
)
"""Folders that every seed has for itself, further seeds under `SEED`."""

# Of data/ only what stages write: a user's own scans may lie beside it.
FOLDERS = (BASE_FOLDER, OVERLAP_FOLDER, *DRAWN, SEEDS_FOLDER, EXPORT_FOLDER, "red")
"""Folders that a study writes."""


def listed(study: "Study") -> list[str]:
    """Return every file that the inventory lists; logs and reports about it are not among them."""
    files = [BASE, REFERENCE, RUN_MANIFEST, OVERLAP_METRICS]
    for view in study.view_list:
        files += _of_view(view)
    # The same of every seed: what is drawn differs, not what there is of it.
    drawn = _drawn(study)
    for folder in repetitions(study):
        files += [folder + path for path in drawn]
    return [*files, *REPORTS]


def repetitions(study: "Study") -> list[str]:
    """Return the folder of each seed's own files: the first seed's are at the primary paths."""
    return ["", *(SEED.format(seed=seed) for seed in study.seeds[1:])]


def trained_doses(trained_on: str, dose: int | str) -> int | str:
    """Return the dose that a network of a cell was trained on, or ``all`` of one for all doses."""
    return "all" if trained_on == "all" else dose


def network_folder(network: str, view: str, gridsize: int | str) -> str:
    """Return the folder of a network; the Baseline sees frames one by one, whatever the view.

    `gridsize` may be a pattern.
    """
    if network == BASELINE:
        return "baseline/gs1"
    own = "feed_forward_" if network == FEED_FORWARD else ""
    return f"{view}/{own}gs{gridsize}"


def bundles(study: "Study", dose: int | str, view: str) -> dict[str, str]:
    """Return the bundle of each network of a (dose, view)."""
    train = study.train
    return network_bundles(train.networks, train.doses, study.overlap.gridsize, dose, view)


def network_bundles(
    networks: Sequence[str], trained_on: str, gridsize: int, dose: int | str, view: str
) -> dict[str, str]:
    """Return the bundle of each network of a (dose, view), from the settings it depends on."""
    trained = trained_doses(trained_on, dose)
    paths = {}
    for network in networks:
        folder = network_folder(network, view, gridsize)
        paths[network] = TRAINING.format(trained=trained, network=folder, name=BUNDLE)
    return paths


def labels(study: "Study", dose: int | str) -> str:
    """Return the reconstruction that a supervised Baseline of a dose learns from.

    It is that of the view with the most frames: the best the study has without the truth.
    """
    views = {view: study.overlap.views[view] for own, view in study.pairs if own == dose}
    # Views by a wanted overlap count as none kept: how many they keep the settings do not say. Nor
    # do they say the fraction that a number of frames is.
    kept = {name: (view.s_img or 0.0, view.n_subsample or 0) for name, view in views.items()}
    best = max(kept, key=kept.__getitem__)
    return PRODUCT.format(dose=dose, view=best, split=TRAINING_SPLIT)


def further(study: "Study", **cell: int | str) -> list[str]:
    """Return the products of arms that not every study has in one cell, as tables order them."""
    adopted = [FOREIGN.format(**cell, foreign=name) for name in foreign(study.arms.extra)]
    networks = [CANVAS.format(**cell, arm=network) for network in study.train.more]
    return [*networks, *_hybrid(study, HYBRID, **cell), *adopted]


def _hybrid(study: "Study", path: str, **cell: int | str) -> list[str]:
    return [path.format(**cell) for _ in hybrid_of(study.reconstruct.start)]


def _of_view(view: str) -> list[str]:
    """Return the files of a view, which every dose and every seed shares."""
    files = []
    for split in SPLITS:
        files.append(VIEW.format(view=view, split=split))
        files.append(VIEW_METRICS.format(view=view, split=split))
    return files


def _drawn(study: "Study") -> list[str]:
    """Return what each seed draws or trains anew, and what follows from it."""
    frames = [FRAMES.format(dose=dose, split=split) for dose in study.dose_list for split in SPLITS]
    cells = []
    for dose, view in study.pairs:
        for split in SPLITS:
            cells += _of_cell(dose, view, split)
            cells += further(study, dose=dose, view=view, split=split)
            cells += _beside(study, dose=dose, view=view, split=split)
    return [*frames, *_trained(study), *cells]


def _beside(study: "Study", **cell: int | str) -> list[str]:
    """Return the records of arms that not every study has."""
    speeds = [CANVAS_SPEED.format(**cell, arm=network) for network in study.train.more]
    return [*speeds, *_hybrid(study, HYBRID_RECORD, **cell)]


def _trained(study: "Study") -> list[str]:
    """Return what the trainings of all networks leave behind."""
    # Several cells share a network: each is named once, in the order of its first cell.
    of_all: dict[str, None] = {}
    for dose, view in study.pairs:
        of_all |= dict.fromkeys(bundles(study, dose, view).values())
    return [bundle.replace(BUNDLE, name) for bundle in of_all for name in TRAINED]


def _of_cell(dose: int, view: str, split: str) -> list[str]:
    return [path.format(dose=dose, view=view, split=split) for path in OF_CELL]
