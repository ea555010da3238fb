"""Which files a study consists of; the path is the dataflow, and this is its list."""

from itertools import product

from ptychostudy.settings.study import Study

SPLITS = ("train", "test")
ARMS = ("PtychoPINN", "Baseline", "Untrained")
CELL = ("reconstructions.npz", "reconstructions_aligned.npz", "comparison_metrics.csv", "frc_curves.csv")
REPORTS = (
    "comparison_manifest.json",
    "metrics_summary.json",
    "metrics_summary.md",
    "metrics_delta_summary.json",
    "metrics_delta_highlights.txt",
    "metrics_delta_highlights_preview.txt",
    "aggregate_report.md",
    "aggregate_highlights.txt",
    "metrics_digest.md",
    "ssim_grid_summary.md",
    "ssim_grid.png",
    "correlation_heatmap.png",
    "ms_ssim_heatmap.png",
    "dose_curves.png",
    "overlap_curves.png",
)


def listed(study: Study) -> list[str]:
    """Return every file that the inventory lists, relative to the hub; logs and reports about it are not among them."""
    networks = ["baseline/gs1", *(f"{view}/gs{study.overlap.gridsize}" for view in study.view_list)]
    files = ["data/base/base.npz", "data/base/reference.npz"]
    files += ["data/phase_c/run_manifest.json", "data/phase_d/metrics_bundle.json"]
    files += [f"data/phase_c/dose_{dose}/patched_{split}.npz" for dose, split in product(study.dose_list, SPLITS)]
    for view, split in product(study.view_list, SPLITS):
        files += [f"data/phase_d/{view}/{view}_{split}.npz", f"data/phase_d/{view}/{split}_metrics.json"]
    for dose, network in product(study.dose_list, networks):
        folder = f"data/phase_e/dose_{dose}/{network}"
        files += [f"{folder}/{name}" for name in ("wts.h5.zip", "history.csv", "training.json")]
    for cell in _cells(study):
        files += [f"data/phase_f/{cell}/{name}" for name in ("ptychi_reconstruction.npz", "manifest.json")]
        files += [f"data/inference/{cell}/{arm}.npz" for arm in ARMS]
        files += [f"analysis/{cell}/{name}" for name in (*CELL, "comparison_plot.png", "status.json")]
    return files + [f"analysis/{name}" for name in REPORTS]


def shards(study: Study) -> list[str]:
    """Return the inference shards of every cell; they are kept, but belong to how a study was computed."""
    n = study.infer.shards
    return [f"data/inference/{cell}/shard_{k}-of-{n}.npz" for cell in _cells(study) for k in range(1, n + 1)]


def _cells(study: Study) -> list[str]:
    return [f"dose_{d}/{view}/{split}" for d, view, split in product(study.dose_list, study.view_list, SPLITS)]
