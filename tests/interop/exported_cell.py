"""One simulated cell on disk, as the stages write it, whose arm is the truth; and Ptychodus asked about its product."""

import importlib.metadata
import json
import subprocess
import sys

import numpy as np
import pytest

from ptychostudy.formats.ptychodus import write_product_h5
from ptychostudy.formats.valid_pixels import valid_arrays
from ptychostudy.io.arrays import write_npz
from ptychostudy.iterative.result import IterativeResult
from ptychostudy.physics.canvas import Canvas
from ptychostudy.physics.counts import photon_scale, poisson_counts
from ptychostudy.physics.modes import first_mode, so_many_modes
from ptychostudy.physics.objects import make_object
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.propagate import intensities
from ptychostudy.recipes.reconstruct import Reconstruction
from ptychostudy.stages import export

VERSION = "1.7.0"
N, SIDE, FRAMES, DOSE, PIXEL_M = 48, 160, 60, 1e5, 2.5e-8
LOSS = np.array([3.0, 2.0, 1.5])

READER = r"""
import json, sys
from pathlib import Path
import numpy as np
from ptychodus.api.simulate.diffraction import generate_diffraction_data
from ptychodus.plugins.h5_product_file import H5ProductFileIO

frames = np.load(sys.argv[1])
valid = frames["valid"]
measured = np.sqrt(frames["counts"].astype(float))[:, valid]
answers = {}
for name in sys.argv[2:]:
    product = H5ProductFileIO().read(Path(name))
    H5ProductFileIO().write(Path(name).with_suffix(".again"), product)
    amplitude = np.sqrt(generate_diffraction_data(product).get_patterns())[:, valid]
    # One factor for the data set: Ptychodus's propagator carries dx^2 / (lambda z).
    factor = np.vdot(amplitude, measured) / np.vdot(amplitude, amplitude)
    geometry, probe = product.object_.get_geometry(), product.probes.get_geometry()
    places = [geometry.map_coordinates_probe_to_object(p) for p in product.probe_positions]
    bounds = [probe.resolve_patch_bounds(p.x_px, p.y_px) for p in places]
    field = product.object_.get_array()
    answers[Path(name).stem] = {
        "r": float(np.abs(measured - factor * amplitude).sum() / measured.sum()),
        "indexes": [int(p.index) for p in places],
        "centres": [[p.y_px, p.x_px] for p in places],
        "corners": [[b.y_slice.start, b.x_slice.start] for b in bounds],
        "fractions": [[b.dy, b.dx] for b in bounds],
        "object_shape": list(field.shape),
        "object_sum": [float(field.sum().real), float(field.sum().imag)],
        "object_pixel": [float(field[0, 5, 9].real), float(field[0, 5, 9].imag)],
        "energy_ev": product.metadata.photon_energy_eV,
        "photons": product.metadata.probe_photon_count,
        "name": product.metadata.name,
        "comments": product.metadata.comments,
        "probe_shape": list(product.probes.get_array().shape),
        "losses": [[int(loss.epoch), float(loss.value)] for loss in product.losses],
    }
print(json.dumps(answers))
"""


def installed():
    try:
        return importlib.metadata.version("ptychodus")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def exported(folder, modes=1, valid=None):
    """Write a cell to a folder, export its arm, and return what is known of both.

    Parameters
    ----------
    folder : Path
    modes : int
        Of the probe, whose intensities add.
    valid : (N, N) bool, optional
        Pixels that count photons; the others hold none.
    """
    if installed() != VERSION:
        pytest.fail(f"ptychodus is {installed()}; needed: pip install --no-deps ptychodus=={VERSION}")
    rng = np.random.default_rng(5)
    valid = np.ones((N, N), dtype=bool) if valid is None else valid
    truth = make_object("circuit", (SIDE, SIDE), rng, amplitude=(0.4, 1.0), phase_rad=1.6)
    probe = make_probe("disc", N, diameter_px=20, rng=rng)
    # Rows and columns in different ranges, so that swapping them cannot go unseen.
    scan = rng.uniform((N / 2 + 22, N / 2 + 12), (N / 2 + 88, N / 2 + 70), (FRAMES + 20, 2))
    frames = np.sort(rng.permutation(len(scan))[:FRAMES])
    # The further modes are made bright, so that one that is lost, or turned, cannot go unseen.
    probe = so_many_modes(probe, modes) * np.where(np.arange(modes) > 0, 2.5, 1)[:, None, None]
    probe = probe[0] if modes == 1 else probe
    light = intensities(truth, probe, scan)
    scale = photon_scale(float(light[:, valid].sum(axis=1).mean()), DOSE)
    counts = poisson_counts(scale**2 * light, rng) * valid
    waves = (scale * probe).astype(np.complex64)
    arm = _arm(truth, waves)
    write_npz(folder / "arm.npz", arm, {"arm": "Truth", "status": "ok", "reason": ""})
    arrays = {"ycoords": scan[:, 0], "xcoords": scan[:, 1], "probeGuess": first_mode(waves)}
    arrays |= {"photons_requested": np.float64(DOSE), **valid_arrays(valid)}
    write_npz(folder / "scan.npz", arrays, {})
    write_npz(folder / "view.npz", {"frames": frames}, {"view": "dense", "split": "test"})
    write_npz(folder / "base.npz", {"ycoords": scan[:, 0]}, {"physics_parameters": {"pixel_size_m": PIXEL_M}})
    paths = {key: folder / f"{key}.npz" for key in ("scan", "view", "base")}
    export.run(arm_file=folder / "arm.npz", **paths, output=folder / "exported.h5")
    np.savez(folder / "counts.npz", counts=counts[frames], valid=valid)
    measured, ideal = np.sqrt(counts[frames].astype(float)), scale * np.sqrt(light[frames])
    return {
        "folder": folder,
        "origin": arm["origin"],
        "positions": scan[frames],
        "field": arm["reconstructed_object"],
        "probe": waves,
        "floor": np.abs(measured - ideal)[:, valid].sum() / measured[:, valid].sum(),
    }


def _arm(truth, probe):
    """Return what pty-chi's arm would store that found the truth on a canvas of its own."""
    field = truth[8:152, 7:151].astype(np.complex64)
    found = IterativeResult(field, probe, LOSS, converged=True, change_last_ten=0.0, moved=0.0, finite=True)
    canvas = Canvas(field, np.ones(field.shape, np.float32), (8, 7))
    return Reconstruction(canvas, found, {}, FRAMES).arrays


def asked(folder, controls):
    """Return what Ptychodus says of the exported product and of wrong variants of it, by their names."""
    files = [folder / "exported.h5", *(folder / f"{name}.h5" for name in controls)]
    for name, product in controls.items():
        write_product_h5(folder / f"{name}.h5", product)
    command = [sys.executable, "-c", READER, str(folder / "counts.npz"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)
