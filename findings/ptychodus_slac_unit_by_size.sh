#!/usr/bin/env bash
# Ptychodus 1.7.0: where a stage stands decides whether the `SLAC_NPZ` product reader takes its positions for metres.
#
# The reader takes `xcoords_start` and `ycoords_start` for metres if none is larger than 10^-3, and for pixels
# otherwise: it multiplies them by the pixel size. Positions in metres are those of a motor, whose zero may be
# anywhere. One would expect the scan's extent not to depend on it.
#
# Seen: a scan of 1 um stays one of 1 um with the stage at 0.5 mm, and shrinks to 2.4e-14 m with the stage at 2 mm,
# without a message. What to do: subtract the mean from positions in metres before they are written.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1 pydantic==2.14.3 scikit-image==0.26.0
"$folder/venv/bin/pip" install --quiet --no-deps ptychodus==1.7.0

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from pathlib import Path

import numpy as np
from ptychodus.plugins.slac_npz_file import SLACProductFileReader

path = Path("scan.npz")
steps_m = np.linspace(0, 1e-6, 5)
probe, object_ = np.ones((64, 64), complex), np.ones((128, 128), complex)
extents_m = []
for stage_m in (0.5e-3, 2e-3):
    positions_m = stage_m + steps_m
    np.savez(path, xcoords_start=positions_m, ycoords_start=positions_m, probeGuess=probe, objectGuess=object_)
    positions = SLACProductFileReader().read(path).probe_positions
    extents_m.append(positions[-1].x_m - positions[0].x_m)
    print(f"stage at {stage_m * 1e3} mm: extent of the scan {extents_m[-1]:.3g} m")
assert abs(extents_m[0] - 1e-6) < 1e-12
assert extents_m[1] < 1e-12
PYTHON
