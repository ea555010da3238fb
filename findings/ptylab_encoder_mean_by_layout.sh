#!/usr/bin/env bash
# PtyLab 0.3.7: the same positions are read as others if `encoder` is stored as two rows instead of two columns.
#
# A (2, n) `encoder` is turned into the (n, 2) that PtyLab wants, and it says so. In the same breath the mean of the
# positions is taken away, which it does not say, and which it does not do with (n, 2). The origin of positions is the
# middle of the object: one would expect the two layouts to give the same positions.
#
# Seen: four positions with a mean of (2.5, 3.75) um come back as they are from (4, 2), and moved by that mean from
# (2, 4). What to do: store (n, 2).
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1 h5py==3.14.0 matplotlib==3.11.2 \
    scikit-image==0.26.0 scikit-learn==1.9.1 tqdm==4.70.1 pandas==3.1.1
"$folder/venv/bin/pip" install --quiet --no-deps ptylab==0.3.7

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import h5py
import numpy as np
from PtyLab import ExperimentalData

encoder_m = np.array([[1, 2], [3, 2], [1, 6], [5, 5]]) * 1e-6
read_m = {}
for name, stored_m in (("columns", encoder_m), ("rows", encoder_m.T)):
    with h5py.File(f"{name}.hdf5", "w") as file:
        file["ptychogram"] = np.ones((4, 16, 16), np.float32)
        file["encoder"] = stored_m
        file["wavelength"], file["dxd"], file["zo"] = 1e-10, 75e-6, 1.0
    read_m[name] = ExperimentalData(f"{name}.hdf5").encoder
    print(f"two {name}: mean of the positions {np.round(read_m[name].mean(axis=0) * 1e6, 6) + 0.0} um")
mean_m = encoder_m.mean(axis=0)
assert np.allclose(read_m["columns"], encoder_m, atol=1e-12)
assert np.allclose(read_m["rows"], encoder_m - mean_m, atol=1e-12)
assert not np.allclose(mean_m, 0, atol=1e-7)
PYTHON
