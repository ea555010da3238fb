"""Stage manifest: what was simulated, and the overlap metrics of all views in one file."""

from pathlib import Path
from typing import Any

from ptychostudy.io.arrays import read_npz
from ptychostudy.io.records import read_json, write_json
from ptychostudy.report.cell_files import frames_name


def run(*, scans: list[Path], metrics: list[Path], manifest: Path, bundle: Path) -> None:
    """Collect requested and measured doses, and the overlap metrics.

    Parameters
    ----------
    scans : list of Path
        ``dose_*/patched_{split}.npz``.
    metrics : list of Path
        ``{view}/{split}_metrics.json``.
    manifest, bundle : Path
        Outputs ``run_manifest.json`` and ``metrics_bundle.json``.
    """
    write_json(manifest, _simulated(scans))
    write_json(bundle, _overlaps(metrics))


def _simulated(scans: list[Path]) -> dict[str, dict[str, Any]]:
    """Return what each dose and split holds; one dose is requested for both splits."""
    doses: dict[str, dict[str, Any]] = {}
    for scan_file in scans:
        arrays = read_npz(scan_file, ["photons_requested", "photons_measured", "scan_index"])
        dose = doses.setdefault(scan_file.parent.name, {"dose": float(arrays["photons_requested"])})
        # Both from the path, patched_{split}.npz in the folder of its dose.
        split = scan_file.stem.split("_")[-1]
        dose[split] = {
            "path": frames_name(scan_file),
            "frames": len(arrays["scan_index"]),
            "photons_measured": float(arrays["photons_measured"]),
        }
    return doses


def _overlaps(metrics: list[Path]) -> dict[str, dict[str, Any]]:
    """Return the overlap report of each view and split."""
    views: dict[str, dict[str, Any]] = {}
    for metrics_file in metrics:
        report = read_json(metrics_file, ["view", "split"])
        splits = views.setdefault(report["view"], {})
        splits[report["split"]] = report
    return views
