"""pty-chi with a known probe as we run it beside pty-chi's own: each probe shifted once, and L-BFGS in blocks.

Both run in turn in one process on one thread; what counts is the ratio. Prints one line per algorithm.
"""

import time

import numpy as np

from ptychostudy.iterative import likelihood, shifted_probes
from ptychostudy.iterative.blocked_deviance import BlockedDeviance
from ptychostudy.iterative.solver import reconstruct
from ptychostudy.physics.propagate import intensities
from ptychostudy.study.sections.reconstruct import ReconstructSettings

N, SHAPE, STEP, EPOCHS, REPEAT = 64, (180, 180), 6.0, 6, 3
ROOM, hand_over_frames = shifted_probes._ROOM, likelihood._hand_over_frames
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


def own_deviance(dataset):
    """Return half the deviance per pixel as torch makes it, with its automatic derivative."""

    def mean(predicted, measured):
        lifted = measured + 1e-3
        ratio = lifted / (predicted + 1e-3)
        return (predicted - measured + lifted * ratio.log()).mean()

    return mean


def timed(arrays, settings, ours):
    """Return the smallest processor time of several runs, and the object."""
    shifted_probes._ROOM = ROOM if ours else 0
    likelihood.BlockedDeviance = BlockedDeviance if ours else own_deviance
    likelihood._hand_over_frames = hand_over_frames if ours else lambda reconstructor: None
    times = []
    for _ in range(REPEAT):
        start = time.process_time()
        found = reconstruct(*arrays, SHAPE, ReconstructSettings(epochs=EPOCHS, **settings))
        times.append(time.process_time() - start)
    return min(times), found.object


def main():
    arrays = scan()
    reconstruct(*arrays, SHAPE, ReconstructSettings(epochs=1))  # imports and first calls are no part of it
    for name, settings in CASES.items():
        (ours, kept), (own, object_) = (timed(arrays, settings, each) for each in (True, False))
        # Where there is light: beyond it nothing holds an object. Of L-BFGS it is as much as pty-chi's own object moves
        # where the probe changes by 1e-7: the search turns on the rounding of its loss, most of an object of noise.
        lit = (slice(N // 2, -N // 2),) * 2
        off = np.linalg.norm((kept - object_)[lit]) / np.linalg.norm(object_[lit])
        same = f"{off:.0e} off" if off else "the same bits"
        print(f"{name:18} {ours:7.2f} s   pty-chi's own {own:7.2f} s   {ours / own:5.2f} of it, {same}")


if __name__ == "__main__":
    main()
