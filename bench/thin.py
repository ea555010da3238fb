"""Frames that keep a share of their photons, beside NumPy's draws of as many."""

import numpy as np

from made_scene import FRAMES, scene_of
from measuring import NAIVE, compared
from ptychostudy.physics import counts
from ptychostudy.physics.propagate import intensities

N, AT_ONCE, TURNS = 64, 16, 9


def rows(_):
    scene, rng = scene_of(N, FRAMES), np.random.default_rng(0)
    frames = counts.poisson_counts(intensities(scene.object, scene.probe, scene.positions), rng)
    for keep in (0.01, 0.3, 0.9):
        yield thinned(frames, keep, rng)


def thinned(frames, keep, rng):
    def ours():
        for _ in counts.thinned_blocks(frames, np.arange(FRAMES), keep, rng):
            pass

    def drawn():
        for start in range(0, FRAMES, AT_ONCE):
            rng.binomial(frames[start : start + AT_ONCE], keep)

    name = f"thin, {FRAMES} frames of {N} x {N}, {keep:g} kept"
    return compared(name, ours, drawn, (NAIVE, "NumPy's binomial draws"), turns=TURNS)
