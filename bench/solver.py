"""pty-chi with a known probe as we run it beside pty-chi's own: each probe shifted once, and L-BFGS in blocks."""

import time
from functools import partial

import numpy as np

from measuring import PEER, compared, itself
from ptychostudy.iterative import likelihood, shifted_probes
from ptychostudy.iterative.blocked_deviance import BlockedDeviance
from ptychostudy.iterative.solver import reconstruct
from ptychostudy.physics.propagate import intensities
from ptychostudy.study.sections.reconstruct import ReconstructSettings

N, SHAPE, STEP, EPOCHS, TURNS = 64, (180, 180), 6.0, 6, 5
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


def reconstructed(arrays, settings, ours):
    """Return the processor time of a reconstruction."""
    shifted_probes._ROOM = ROOM if ours else 0
    likelihood.BlockedDeviance = BlockedDeviance if ours else own_deviance
    likelihood._hand_over_frames = hand_over_frames if ours else lambda reconstructor: None
    start = time.process_time()
    reconstruct(*arrays, SHAPE, ReconstructSettings(epochs=EPOCHS, **settings))
    return time.process_time() - start


def rows(_):
    arrays = scan()
    # Imports and first calls are no part of it.
    reconstruct(*arrays, SHAPE, ReconstructSettings(epochs=1))
    for name, settings in CASES.items():
        ours, own = (partial(reconstructed, arrays, settings, each) for each in (True, False))
        named = f"pty-chi, known probe, {len(arrays[0])} frames of {N} x {N}, {EPOCHS} epochs, {name}"
        yield compared(named, ours, own, (PEER, "pty-chi alone"), turns=TURNS, measure=itself)
