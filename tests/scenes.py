"""Small scenes for tests: a structured object, a probe, a jittered raster; and their files."""

from dataclasses import replace

import numpy as np

from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.scan import Scan
from ptychostudy.io.arrays import write_npz
from ptychostudy.physics.objects import make_object
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.propagate import intensities
from ptychostudy.recipes.scene import Scene

N = 32
# Unlike on both axes, so that rows for columns shows.
SHAPE = (84, 108)


def made_scene(step=6.0, seed=0):
    """Return a scene whose windows lie at least one pixel inside the object."""
    rng = np.random.default_rng(seed)
    object_ = make_object("circuit", SHAPE, rng)
    probe = make_probe("disc", N, diameter_px=16.0)
    rows = np.arange(N / 2 + 2, SHAPE[0] - N / 2 - 3, step)
    cols = np.arange(N / 2 + 2, SHAPE[1] - N / 2 - 3, step)
    lattice = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
    return Scene(object_, probe, lattice + rng.uniform(-1, 1, lattice.shape))


def made_scan(dose=1e5, seed=0, **metadata):
    """Return the frames of that scene at a dose, as a stage would open them."""
    scene = made_scene(seed=seed)
    expected = intensities(scene.object, scene.probe, scene.positions)
    scale = np.sqrt(dose / expected.sum(axis=(1, 2)).mean())
    counts = np.random.default_rng(seed + 1).poisson(scale**2 * expected).astype(np.uint32)
    measured = float(counts.sum(axis=(1, 2)).mean())
    probe = (scale * scene.probe).astype(np.complex64)
    truth = scene.object.astype(np.complex64)
    every = np.ones(counts.shape[1:], dtype=bool)
    return Scan(counts, scene.positions, probe, truth, float(dose), measured, every, metadata)


def behind(scan, valid, fill=0):
    """Return a scan of which some pixels are not valid, with what they are to hold."""
    counts = np.where(valid, scan.counts, np.uint32(fill))
    return replace(scan, counts=counts, valid=valid)


def write_scan(path, scan):
    """Write a scan to a file, as the stage simulate does."""
    photons = {key: np.float64(getattr(scan, key)) for key in ("photons_requested", "photons_measured")}
    fields = {"counts": scan.counts, "probeGuess": scan.probe, "objectGuess": scan.truth}
    write_npz(path, {**position_arrays(scan.positions), **fields, **photons}, scan.metadata)
