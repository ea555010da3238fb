"""An object, a probe whose frames hold a dose, and places of the probe, for frames and likelihoods."""

import numpy as np

from ptychostudy.physics import counts
from ptychostudy.physics.probes import make_probe
from ptychostudy.recipes.scene import Scene

DOSE, FRAMES = 1e5, 256


def scene_of(n, frames):
    """Return a scene of so many frames of n x n."""
    rng = np.random.default_rng(0)
    side = max(400, 2 * n)
    object_ = rng.uniform(0.8, 1, (side, side)) * np.exp(1j * rng.uniform(-1, 1, (side, side)))
    probe = make_probe("disc", n, diameter_px=0.6 * n).astype(complex)
    positions = rng.uniform(n / 2 + 1, side - 1 - n / 2, (frames, 2))
    probe *= counts.photon_scale(counts.mean_intensity(object_, probe, positions), DOSE)
    return Scene(object_, probe, positions)
