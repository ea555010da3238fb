"""Which files a study consists of; the path is the dataflow, and this is its list."""

from ptychostudy.settings.study import Study

# The folders that a study writes, of data/ only what stages write: a user's own scans may lie beside it. `DRAWN` are
# those that every seed has for itself, further seeds under seeds/seed_{k}/.
DRAWN = ("data/phase_c", "data/phase_e", "data/phase_f", "data/inference", "analysis", "logs", "benchmarks")
FOLDERS = ("data/base", "data/phase_d", *DRAWN, "seeds", "products", "red")
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
    files = ["data/base/base.npz", "data/base/reference.npz"]
    files += ["data/phase_c/run_manifest.json", "data/phase_d/metrics_bundle.json"]
    for view in study.view_list:
        for split in SPLITS:
            files += [f"data/phase_d/{view}/{view}_{split}.npz", f"data/phase_d/{view}/{split}_metrics.json"]
    for folder in repetitions(study):
        files += [folder + path for path in _drawn(study)]
    return files + [f"analysis/{name}" for name in REPORTS]


def repetitions(study: Study) -> list[str]:
    """Return the folder of each seed's own files, relative to the hub: the first seed's are at the primary paths."""
    return ["", *(f"seeds/seed_{seed}/" for seed in study.seeds[1:])]


def bundles(study: Study, dose: int | str, view: str) -> list[str]:
    """Return the bundles of a (dose, view): PtychoPINN's, then the Baseline's."""
    trained = "all" if study.train.doses == "all" else dose
    networks = (f"{view}/gs{study.overlap.gridsize}", "baseline/gs1")
    return [f"data/phase_e/dose_{trained}/{network}/wts.h5.zip" for network in networks]


def labels(study: Study, dose: int | str) -> str:
    """Return the reconstruction that a supervised Baseline of a dose learns from: that of the best lit view."""
    views = [view for own, view in study.pairs if own == dose]
    best = max(views, key=lambda view: study.overlap.views[view].s_img or 0.0)
    return f"data/phase_f/dose_{dose}/{best}/train/ptychi_reconstruction.npz"


def _drawn(study: Study) -> list[str]:
    """Return what each seed draws or trains anew, and what follows from it."""
    files = [f"data/phase_c/dose_{dose}/patched_{split}.npz" for dose in study.dose_list for split in SPLITS]
    for bundle in dict.fromkeys(path for pair in study.pairs for path in bundles(study, *pair)):
        files += [bundle.replace("wts.h5.zip", name) for name in ("wts.h5.zip", "history.csv", "training.json")]
    for cell in _cells(study):
        files += [f"data/phase_f/{cell}/{name}" for name in ("ptychi_reconstruction.npz", "manifest.json")]
        files += [f"data/inference/{cell}/{arm}.npz" for arm in ARMS]
        files += [f"analysis/{cell}/{name}" for name in (*CELL, "comparison_plot.png", "status.json")]
    return files


def shards(study: Study) -> list[str]:
    """Return the inference shards of every cell; they are kept, but belong to how a study was computed."""
    n = study.infer.shards
    return [
        f"{folder}data/inference/{cell}/shard_{k}-of-{n}.npz"
        for folder in repetitions(study)
        for cell in _cells(study)
        for k in range(1, n + 1)
    ]


def _cells(study: Study) -> list[str]:
    return [f"dose_{dose}/{view}/{split}" for dose, view in study.pairs for split in SPLITS]
