"""Where the files of a study lie; the path is the dataflow, and this is its list."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptychostudy.study.names import SPLITS

if TYPE_CHECKING:
    from ptychostudy.study.settings import Study
# The folders that a study writes, of data/ only what stages write: a user's own scans may lie beside it. `DRAWN` are
# those that every seed has for itself, further seeds under seeds/seed_{k}/.
DRAWN = (
    "data/phase_c",
    "data/phase_e",
    "data/phase_f",
    "data/inference",
    "analysis",
    "logs",
    "benchmarks",
)
FOLDERS = ("data/base", "data/phase_d", *DRAWN, "seeds", "products", "red")
NETWORKS = ("PtychoPINN", "Baseline")
COMPARED = (
    "reconstructions.npz",
    "reconstructions_aligned.npz",
    "comparison_metrics.csv",
    "frc_curves.csv",
)
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

VERDICTS = (
    "analysis/check_dense_highlights.log",
    "analysis/artifact_inventory.txt",
    "analysis/artifact_inventory.json",
    "analysis/verification_report.json",
    "analysis/verified.txt",
)
"""What is said of the files that the inventory lists."""


def listed(study: "Study") -> list[str]:
    """Return every file that the inventory lists, relative to the hub; logs and reports about it are not among them."""
    files = ["data/base/base.npz", "data/base/reference.npz"]
    files += ["data/phase_c/run_manifest.json", "data/phase_d/metrics_bundle.json"]
    for view in study.view_list:
        for split in SPLITS:
            files += [
                f"data/phase_d/{view}/{view}_{split}.npz",
                f"data/phase_d/{view}/{split}_metrics.json",
            ]
    for folder in repetitions(study):
        files += [folder + path for path in _drawn(study)]
    return files + [f"analysis/{name}" for name in REPORTS]


def repetitions(study: "Study") -> list[str]:
    """Return the folder of each seed's own files, relative to the hub: the first seed's are at the primary paths."""
    return ["", *(f"seeds/seed_{seed}/" for seed in study.seeds[1:])]


def bundles(study: "Study", dose: int | str, view: str) -> dict[str, str]:
    """Return the bundle of each network of a (dose, view)."""
    trained = "all" if study.train.doses == "all" else dose
    folders = (f"{view}/gs{study.overlap.gridsize}", "baseline/gs1")
    paths = (f"data/phase_e/dose_{trained}/{folder}/wts.h5.zip" for folder in folders)
    return dict(zip(NETWORKS, paths, strict=True))


def labels(study: "Study", dose: int | str) -> str:
    """Return the reconstruction that a supervised Baseline of a dose learns from: that of the best lit view."""
    views = [view for own, view in study.pairs if own == dose]
    best = max(views, key=lambda view: study.overlap.views[view].s_img or 0.0)
    return f"data/phase_f/dose_{dose}/{best}/train/ptychi_reconstruction.npz"


def _drawn(study: "Study") -> list[str]:
    """Return what each seed draws or trains anew, and what follows from it."""
    files = [
        f"data/phase_c/dose_{dose}/patched_{split}.npz"
        for dose in study.dose_list
        for split in SPLITS
    ]
    for bundle in dict.fromkeys(
        path for pair in study.pairs for path in bundles(study, *pair).values()
    ):
        files += [
            bundle.replace("wts.h5.zip", name)
            for name in ("wts.h5.zip", "history.csv", "training.json")
        ]
    for cell in (f"dose_{dose}/{view}/{split}" for dose, view in study.pairs for split in SPLITS):
        files += [
            f"data/phase_f/{cell}/{name}" for name in ("ptychi_reconstruction.npz", "manifest.json")
        ]
        files += [f"data/inference/{cell}/{arm}.npz" for arm in (*NETWORKS, "Untrained")]
        files += [
            f"analysis/{cell}/{name}" for name in (*COMPARED, "comparison_plot.png", "status.json")
        ]
    return files


@dataclass(frozen=True)
class Hub:
    """A finished study.

    Attributes
    ----------
    root : Path
        Working directory of the study.
    settings : dict
        Settings of the stage verify, with ``pairs``, ``seeds``, ``trained_on`` and ``gridsize``.
    """

    root: Path
    settings: dict[str, Any]

    @property
    def doses(self) -> list[int]:
        """Doses per frame of the study."""
        return list(dict.fromkeys(dose for dose, _ in self.settings["pairs"]))

    @property
    def views(self) -> list[str]:
        """Names of the views of the study."""
        return list(dict.fromkeys(view for _, view in self.settings["pairs"]))

    def cells(self) -> Iterator[tuple[int, str, str]]:
        """Yield (dose, view, split) of every cell."""
        for dose, view in self.settings["pairs"]:
            for split in SPLITS:
                yield dose, view, split

    def repetitions(self) -> "Iterator[Hub]":
        """Yield the hub of every seed after the first; it holds what that seed drew and what followed."""
        for seed in self.settings["seeds"][1:]:
            yield Hub(
                self.root / "seeds" / f"seed_{seed}",
                self.settings | {"seeds": [seed], "repetition": True},
            )

    def analysis(self, dose: int, view: str, split: str) -> Path:
        """Return the folder of a cell's comparison."""
        return self.root / "analysis" / f"dose_{dose}" / view / split

    def scan(self, dose: int, split: str) -> Path:
        """Return the frames of a dose and split."""
        return self.root / "data" / "phase_c" / f"dose_{dose}" / f"patched_{split}.npz"

    def bundles(self) -> Iterator[Path]:
        """Yield every trained bundle."""
        networks: dict[Path, None] = {}
        for dose, view in self.settings["pairs"]:
            trained = "all" if self.settings["trained_on"] == "all" else dose
            folder = self.root / "data" / "phase_e" / f"dose_{trained}"
            networks[folder / "baseline" / "gs1" / "wts.h5.zip"] = None
            networks[folder / view / f"gs{self.settings['gridsize']}" / "wts.h5.zip"] = None
        yield from networks
