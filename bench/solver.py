"""pty-chi with a known probe: each probe shifted once beside pty-chi's own, which shifts it at every evaluation.

Both run in turn in one process on one thread; what counts is the ratio. Prints one line per algorithm.
"""

import time

import numpy as np

from ptychostudy.iterative import shifted_probes
from ptychostudy.iterative.solver import reconstruct
from ptychostudy.physics.propagate import intensities
from ptychostudy.study.sections.reconstruct import ReconstructSettings

N, SHAPE, STEP, EPOCHS, REPEAT = 64, (180, 180), 6.0, 6, 3
CASES = {
    "autodiff, L-BFGS": {},
    "LSQML, Adam": {"algorithm": "LSQML", "noise_model": "gaussian"},
    "rPIE": {"algorithm": "rPIE", "noise_model": "gaussian"},
}


def scan():
    """Return counts, positions and probe of a small scan."""
    rng = np.random.default_rng(0)
    object_ = np.exp(0.3j * rng.normal(size=SHAPE))
    rows, cols = np.indices((N, N)) - N / 2
    probe = np.exp(-(rows**2 + cols**2) / 150 + 0.02j * (rows**2 + cols**2))
    side = np.arange(N / 2 + 1, SHAPE[0] - N / 2 - 1, STEP)
    positions = np.stack(np.meshgrid(side, side, indexing="ij"), -1).reshape(-1, 2)
    positions = positions + rng.uniform(-1, 1, positions.shape)
    clean = intensities(object_, probe, positions)
    counts = rng.poisson(clean * 1e5 / clean.sum(axis=(1, 2)).mean())
    return counts, positions, probe * np.sqrt(counts.sum() / len(counts) / np.sum(np.abs(probe) ** 2))


def timed(arrays, settings, room):
    """Return the smallest processor time of several runs, and the object."""
    shifted_probes._ROOM = room
    times = []
    for _ in range(REPEAT):
        start = time.process_time()
        found = reconstruct(*arrays, SHAPE, ReconstructSettings(epochs=EPOCHS, **settings))
        times.append(time.process_time() - start)
    return min(times), found.object


def main():
    arrays, room = scan(), shifted_probes._ROOM
    reconstruct(*arrays, SHAPE, ReconstructSettings(epochs=1))  # imports and first calls are no part of it
    for name, settings in CASES.items():
        (ours, kept), (own, object_) = (timed(arrays, settings, size) for size in (room, 0))
        same = "the same bits" if np.array_equal(kept, object_) else "OTHER BITS"
        print(f"{name:18} {ours:7.2f} s   pty-chi's own {own:7.2f} s   {ours / own:5.2f} of it, {same}")


if __name__ == "__main__":
    main()
