"""What stages read, written for a call; its folder is gone afterwards."""

from pathlib import Path

import numpy as np

from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.probe_modes import MODES
from ptychostudy.formats.scan import Scan
from ptychostudy.formats.valid_pixels import valid_arrays
from ptychostudy.io.arrays import write_npz
from ptychostudy.recipes.sample import View


def scan_file(path: Path, scan: Scan) -> Path:
    """Write a scan as the stage ``simulate`` does; return where."""
    arrays = {
        **position_arrays(scan.positions),
        "probeGuess": scan.probe,
        **({} if scan.modes is None else {MODES: scan.modes}),
        "objectGuess": scan.truth,
        **valid_arrays(scan.valid),
        "counts": scan.counts,
        "photons_requested": np.float64(scan.photons_requested),
        "photons_measured": np.float64(scan.photons_measured),
    }
    write_npz(path, arrays, scan.metadata)
    return path


def view_file(path: Path, view: View) -> Path:
    """Write a view as the stage ``overlap`` does; return where."""
    arrays = {"frames": view.frames, "groups": view.groups, **position_arrays(view.positions)}
    write_npz(path, arrays, view.metrics)
    return path
