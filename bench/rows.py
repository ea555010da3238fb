"""One row a function: its time beside the naive way or what the machine can do, in one run; bench/results.json.

Processor time on one thread, medians of several turns. What counts is the ratio, and how it grows with the size.
"""

import json
import statistics
import time
from pathlib import Path

import numpy as np
import scipy.fft
from skimage.draw import polygon

from ptychostudy.measure.scoring import score
from ptychostudy.physics import counts, illumination, scan_likelihood
from ptychostudy.physics.block_transform import FftwTransform, ScipyTransform
from ptychostudy.physics.canvas import PartialCanvas, stitch_window
from ptychostudy.physics.frame_steps import FusedSteps, NumpySteps
from ptychostudy.physics.held_out import Frames
from ptychostudy.physics.hull import hull_corners
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.propagate import exit_waves, intensities
from ptychostudy.recipes.scene import Scene
from ptychostudy.recipes.simulate import simulated_frames
from ptychostudy.sampling.overlap import overlap_report
from ptychostudy.study.sections.simulate import DetectSettings

RESULTS = Path(__file__).with_name("results.json")
DOSE, FRAMES, REPEAT = 1e5, 256, 5


def compared(name, ours, beside, what, *, repeat=REPEAT):
    """Return a row: both in turn, the median of each and of their ratios."""
    turns = [(timed(ours), timed(beside)) for _ in range(repeat)]
    mine, other = (statistics.median(times) for times in zip(*turns, strict=True))
    ratio = statistics.median(first / second for first, second in turns)
    print(f"{name:44s} {mine:8.3f} s   {ratio:7.3f} of {what}: {other:.3f} s", flush=True)
    return {"row": name, "cpu_s": mine, "beside": what, "beside_cpu_s": other, "ratio": ratio, "turns": repeat}


def timed(function):
    """Return the seconds of processor time of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def overlap(size, order):
    """The whole overlap report, beside one sort of as many positions."""
    rng = np.random.default_rng(0)
    side = round(size**0.5)
    positions = 4.0 * np.stack(np.indices((side, side)), -1).reshape(-1, 2)
    if order == "random":
        positions = rng.uniform(0, 4.0 * side, positions.shape)
    if order == "shuffled":
        positions = rng.permutation(positions)
    groups, probe = np.arange(side * side)[:, None], make_probe("disc", 64, diameter_px=10.0)
    numbers = {"gridsize": 1, "s_img": 1, "n_groups": side * side, "n_images_total": side * side, "probe": probe}
    name = f"overlap report, {side * side} positions, {order}"
    places = positions[:, 0] + 1j * positions[:, 1]
    report = lambda: overlap_report(positions, groups, 10.0, **numbers)  # noqa: E731
    return compared(name, report, lambda: np.sort(places), "a sort", repeat=1 if size > 1e5 else 3)


def hull():
    """The hull of a scan, row by row, beside asking for each pixel."""
    points = np.random.default_rng(0).uniform(0, 1500, (20_000, 2))
    corners = hull_corners(points)
    ours = lambda: illumination._enclosed(corners, (1500, 1500))  # noqa: E731
    return compared("hull of a scan, 1500 x 1500", ours, lambda: polygon(*corners.T, (1500, 1500)), "each pixel asked")


def scene_of(n, frames):
    """An object, a probe whose frames hold the dose, and places of the probe."""
    rng = np.random.default_rng(0)
    object_ = rng.uniform(0.8, 1, (400, 400)) * np.exp(1j * rng.uniform(-1, 1, (400, 400)))
    probe = make_probe("disc", n, diameter_px=0.6 * n).astype(complex)
    positions = rng.uniform(n / 2 + 1, 399 - n / 2, (frames, 2))
    probe *= counts.photon_scale(counts.mean_intensity(object_, probe, positions), DOSE)
    return Scene(object_, probe, positions)


def simulate(n, frames=FRAMES, *, single=True, repeat=REPEAT):
    """Frames of one dose, beside the FFT and the draws alone, in single precision or, as frames are made, in double.

    Of a long scan the same frames are transformed and drawn again and again, of which a cache knows nothing more.
    """
    rng, scene = np.random.default_rng(0), scene_of(n, frames)
    model = (scene.object, scene.probe, scene.positions[:FRAMES])
    waves, expected = exit_waves(*model).astype(np.complex64 if single else np.complex128), intensities(*model)

    def ours():
        for _ in simulated_frames(scene, DOSE, "train", DetectSettings()).blocks:
            pass

    def bare():
        for start in np.arange(0, frames, 16) % FRAMES:
            scipy.fft.fft2(waves[start : start + 16])
            rng.poisson(expected[start : start + 16])

    precision = "single" if single else "double"
    beside = f"bare FFT in {precision} and draws"
    return compared(f"simulate, {frames} frames of {n} x {n}", ours, bare, beside, repeat=repeat)


def likelihood(n, transforms, steps):
    """Value and slope of the likelihood of an object, beside the transforms of its frames by the same library."""
    scan_likelihood.block_transform, scan_likelihood.frame_steps = transforms, lambda pixels: steps()
    scene = scene_of(n, FRAMES)
    frames = np.random.default_rng(0).poisson(1e-2 * intensities(scene.object, scene.probe, scene.positions))
    source = Frames(frames.astype(np.uint32), np.arange(FRAMES))
    scan = scan_likelihood.ScanLikelihood(source, scene.probe, scene.positions, scene.object.shape, share=1e-2)
    field = scene.object.astype(np.complex64)
    at_once = 2**16 // n**2
    block = transforms((1, at_once, n, n))

    def bare():
        for _ in range(0, FRAMES, at_once):
            block.forward()
            block.backward()

    block.waves[...] = 0
    scan.value_and_gradient(field)
    library = transforms.__name__.removesuffix("Transform") + ", " + steps.__name__.removesuffix("Steps")
    name = f"likelihood, {FRAMES} frames of {n} x {n}, {library}"
    return compared(name, lambda: scan.value_and_gradient(field), bare, "bare transforms", repeat=15)


def thin(keep):
    """Frames that keep a share of their photons, beside the bare draws of as many."""
    scene = scene_of(64, FRAMES)
    rng = np.random.default_rng(0)
    frames = counts.poisson_counts(intensities(scene.object, scene.probe, scene.positions), rng)
    ours = lambda: list(counts.thinned_blocks(frames, np.arange(FRAMES), keep, rng))  # noqa: E731
    bare = lambda: [rng.binomial(frames[start : start + 16], keep) for start in range(0, FRAMES, 16)]  # noqa: E731
    return compared(f"thin, {FRAMES} frames of 64 x 64, {keep:g} kept", ours, bare, "bare draws")


def scored(side):
    """The score of one field, beside one FFT of it."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.7, 1, (side, side)) * np.exp(0.3j * rng.normal(size=(side, side)))
    field = truth * 1.1j + 0.02 * rng.normal(size=truth.shape)
    mask = np.zeros(truth.shape, dtype=bool)
    mask[20:-23, 17:-19] = True
    ours = lambda: score(field, truth, mask)  # noqa: E731
    return compared(f"score, {side} x {side}", ours, lambda: scipy.fft.fft2(field), "one FFT", repeat=3)


def stitched(canvas):
    """5216 patches of 20 x 20 on a canvas, beside a loop that only adds them."""
    rng = np.random.default_rng(0)
    patches = (rng.normal(size=(5216, 20, 20)) + 0j).astype(np.complex64)
    corners, window = rng.integers(0, canvas - 20, size=(5216, 2)), stitch_window(20)

    def ours():
        whole = PartialCanvas((0, 0), (canvas, canvas))
        whole.add(patches, corners, window)

    def loop():
        total = np.zeros((canvas, canvas), np.complex64)
        for patch, (row, col) in zip(patches, corners, strict=True):
            total[row : row + 20, col : col + 20] += patch

    return compared(f"stitch 5216 patches, canvas {canvas}", ours, loop, "a loop that adds")


def main():
    rows = [overlap(1e5, "random"), *(overlap(1e6, order) for order in ("random", "raster", "shuffled")), hull()]
    rows += [simulate(64), simulate(64, 1024), simulate(128)]
    # So long that steps are compiled.
    rows += [simulate(64, 13_312, repeat=3), simulate(128, 4096, repeat=3)]
    rows += [simulate(64, single=False), simulate(128, single=False), thin(0.01), thin(0.3)]
    ways = [(ScipyTransform, NumpySteps), (FftwTransform, NumpySteps), (FftwTransform, FusedSteps)]
    rows += [likelihood(n, *way) for n in (64, 128) for way in ways]
    rows += [scored(364), scored(1024), stitched(256), stitched(4096)]
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
