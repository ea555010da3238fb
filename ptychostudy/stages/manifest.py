"""Stage manifest: what was simulated, and the overlap metrics of all views in one file."""

from pathlib import Path

from ptychostudy.io.arrays import read_npz
from ptychostudy.io.records import read_json, write_json


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
    found: dict[str, dict[str, object]] = {}
    for path in scans:
        doses = read_npz(path, ["photons_requested", "photons_measured", "scan_index"])
        found.setdefault(path.parent.name, {"dose": float(doses["photons_requested"])})[
            path.stem.split("_")[-1]
        ] = {
            "path": path.as_posix(),
            "frames": len(doses["scan_index"]),
            "photons_measured": float(doses["photons_measured"]),
        }
    write_json(manifest, found)
    views: dict[str, dict[str, object]] = {}
    for path in metrics:
        report = read_json(path, ["view", "split"])
        views.setdefault(report["view"], {})[report["split"]] = report
    write_json(bundle, views)
