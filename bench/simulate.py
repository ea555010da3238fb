"""Frames of one dose beside the FFT and the draws alone, and beside a loop that makes one frame after the other."""

import numpy as np
import scipy.fft

from made_scene import DOSE, FRAMES, scene_of
from measuring import CEILING, NAIVE, compared
from ptychostudy.physics.propagate import exit_waves, intensities
from ptychostudy.recipes.simulate import simulated_frames
from ptychostudy.study.sections.simulate import DetectSettings

AT_ONCE = 16
PRECISIONS = {"single": np.complex64, "double": np.complex128}


def rows(_):
    for n, frames, turns in ((64, FRAMES, 7), (64, 1024, 5), (128, FRAMES, 5), (128, 1024, 5), (256, 64, 5)):
        for precision in PRECISIONS:
            yield beside_bare(n, frames, precision, turns)
    # So long that most frames are made twice.
    yield beside_bare(64, 13_312, "single", 3)
    yield beside_bare(128, 4096, "single", 3)
    for dose in (1e3, 1e9):
        for precision in PRECISIONS:
            yield beside_bare(64, FRAMES, precision, 7, dose)
    yield beside_loop(64, FRAMES)


def name_of(n, frames, dose=DOSE):
    of_other = "" if dose == DOSE else f" and {dose:.0e} photons"
    return f"simulate, {frames} frames of {n} x {n}{of_other}"


def made(scene, dose=DOSE):
    """Make and drop all frames of a scene."""
    for _ in simulated_frames(scene, dose, "train", DetectSettings()).blocks:
        pass


def beside_bare(n, frames, precision, turns, dose=DOSE):
    """Beside the transforms and the draws of as many frames; frames themselves are made in double precision.

    Of a long scan the same frames are transformed and drawn again and again, of which a cache knows nothing more.
    """
    rng, scene = np.random.default_rng(0), scene_of(n, frames)
    model = (scene.object, scene.probe, scene.positions[:FRAMES])
    waves, expected = exit_waves(*model).astype(PRECISIONS[precision]), dose / DOSE * intensities(*model)

    def bare():
        for start in np.arange(0, frames, AT_ONCE) % len(waves):
            scipy.fft.fft2(waves[start : start + AT_ONCE])
            rng.poisson(expected[start : start + AT_ONCE])

    beside = (CEILING, f"bare FFT in {precision} precision and draws")
    return compared(name_of(n, frames, dose), lambda: made(scene, dose), bare, beside, turns=turns)


def beside_loop(n, frames):
    """Beside NumPy alone, frame by frame: mean, scale and draw."""
    rng, scene = np.random.default_rng(0), scene_of(n, frames)

    def frame(position):
        wave = exit_waves(scene.object, scene.probe, position[None])[0]
        return np.abs(np.fft.fftshift(np.fft.fft2(wave, norm="ortho"))) ** 2

    def loop():
        scale = DOSE / np.mean([frame(position).sum() for position in scene.positions])
        for position in scene.positions:
            rng.poisson(scale * frame(position))

    return compared(name_of(n, frames), lambda: made(scene), loop, (NAIVE, "NumPy frame by frame"))
