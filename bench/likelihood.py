"""Value and slope of the likelihood of an object, beside the transforms of its frames by the same library."""

import numpy as np

from made_scene import FRAMES, scene_of
from measuring import CEILING, compared
from ptychostudy.physics import scan_likelihood
from ptychostudy.physics.block_transform import FftwTransform, ScipyTransform
from ptychostudy.physics.frame_steps import FusedSteps, NumpySteps
from ptychostudy.physics.held_out import Frames
from ptychostudy.physics.propagate import intensities

WAYS = {
    "SciPy, NumPy": (ScipyTransform, NumpySteps),
    "FFTW, NumPy": (FftwTransform, NumpySteps),
    "SciPy, compiled": (ScipyTransform, FusedSteps),
    "FFTW, compiled": (FftwTransform, FusedSteps),
}
CASES = ((64, FRAMES), (128, FRAMES), (256, 64))
SHARE, TURNS = 1e-2, 15


def rows(_):
    for n, frames in CASES:
        for way in WAYS:
            yield evaluated(n, frames, way)


def evaluated(n, frames, way):
    transforms, steps = WAYS[way]
    scan_likelihood.block_transform, scan_likelihood.frame_steps = transforms, lambda pixels: steps()
    scene = scene_of(n, frames)
    drawn = np.random.default_rng(0).poisson(SHARE * intensities(scene.object, scene.probe, scene.positions))
    source = Frames(drawn.astype(np.uint32), np.arange(frames))
    scan = scan_likelihood.ScanLikelihood(source, scene.probe, scene.positions, scene.object.shape, share=SHARE)
    field = scene.object.astype(np.complex64)
    at_once = max(2**16 // n**2, 1)
    block = transforms((1, at_once, n, n))

    def bare():
        for _ in range(0, frames, at_once):
            block.forward()
            block.backward()

    block.waves[...] = 0
    scan.value_and_gradient(field)
    name = f"likelihood and slope, {frames} frames of {n} x {n}; {way}"
    beside = (CEILING, f"bare transforms of {way.partition(',')[0]}")
    return compared(name, lambda: scan.value_and_gradient(field), bare, beside, turns=TURNS)
