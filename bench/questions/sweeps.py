"""The sweeps of the default network: the backend's loop beside an unrolled one, matrix products beside FFTs, and XLA.

All ways run in turn in one process; what counts are the ratios. Prints one line per way: seconds to trace and compile
it, and the smallest time of a call for a batch of 16 groups of 4 frames.
"""

import os
import time

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf

from ptychostudy.networks import interleaved, models, physics, sweeps, tensors
from ptychostudy.physics.counts import input_scale
from ptychostudy.physics.propagate import intensities

GROUPS, FRAMES, STEPS, REPEAT = 16, 4, 12, 7


def unrolled(first, last, body, state):
    """Do what a loop does, as the graph of all its turns."""
    for step in range(first, last):
        state = body(step, state)
    return state


def by_fft(image, matrix):
    """Do what `interleaved.transform` does with the backend's FFT."""
    here, there = (side // 2 for side in matrix.shape)
    rim = abs(there - here) // 2
    real, imaginary = (keras.ops.swapaxes(part, -1, -2) for part in interleaved.separate(image))
    if there >= here:
        pad = ((0, 0), (rim, rim), (rim, rim))
        out = tensors.fourier((keras.ops.pad(real, pad), keras.ops.pad(imaginary, pad)))
    else:
        root = float(here)
        back = keras.ops.ifft2((real, imaginary))
        out = tuple(part[:, rim : rim + there, rim : rim + there] * root for part in back)
    return interleaved.interleave(out)


WAYS = {
    "loop, matrix products": {},
    "unrolled, matrix products": {"loop": unrolled},
    "loop, FFT": {"transform": by_fft},
    "unrolled, FFT": {"loop": unrolled, "transform": by_fft},
    "loop, matrix products, XLA": {"jit": True},
}


def group_inputs(probe, side):
    """Return amplitudes, corners and fractions of groups: frames of one object, with the noise of 1e4 photons."""
    n, rng = len(probe), np.random.default_rng(0)
    object_ = np.exp(0.3j * rng.normal(size=(side + 2, side + 2)))  # a pixel of margin around the canvas
    corners = rng.integers(0, side - n + 1, (GROUPS, FRAMES, 2))
    fractions = rng.uniform(-0.5, 0.5, (GROUPS, FRAMES, 2))
    clean = intensities(object_, probe, (corners + fractions + n / 2).reshape(-1, 2) + 1)
    counts = rng.poisson(clean * 1e4 / clean.sum(axis=(1, 2)).mean())
    amplitude = np.sqrt(counts) * input_scale(counts.sum(axis=(1, 2)).mean(), n)
    return amplitude.reshape(GROUPS, FRAMES, n, n), corners, fractions


def measured(n, loop=None, transform=None, jit=False):
    """Return the seconds until the first answer, the smallest of a later one, and the answer."""
    rows, cols = np.indices((n, n)) - n / 2
    probe = models.gauge_probe(np.exp(-(rows**2 + cols**2) / n + 0.5j * (rows**2 + cols**2) / n))
    side = n + 16
    square, support = models.lit_sides(probe, side)
    layer = sweeps.BackProject(square, (side - square) // 2, support, np.ones((n, n)), steps=STEPS)
    frames = physics.FrameProbes(probe)
    keep = keras.ops.fori_loop, sweeps.transform
    keras.ops.fori_loop, sweeps.transform = loop or keep[0], transform or keep[1]
    call = tf.function(lambda a, o, f: layer(a, frames(f), o), jit_compile=jit)
    inputs = [tf.constant(values, tf.float32) for values in group_inputs(probe, side)]
    start = time.perf_counter()
    found = call(*inputs).numpy()
    first = time.perf_counter() - start
    keras.ops.fori_loop, sweeps.transform = keep
    times = []
    for _ in range(REPEAT):
        start = time.perf_counter()
        call(*inputs).numpy()
        times.append(time.perf_counter() - start)
    return first, min(times), found


def main():
    for n in (32, 64, 128):
        results = {name: measured(n, **options) for name, options in WAYS.items()}
        first, later, expected = results["unrolled, FFT"]
        for name, (begin, again, found) in results.items():
            distance = np.sqrt(np.mean((found - expected) ** 2))
            print(
                f"N = {n:3d}  {name:27} first {begin:6.2f} s ({begin / first:5.2f})   "
                f"later {1e3 * again:7.1f} ms ({again / later:5.2f})   rms difference {distance:.0e}"
            )


if __name__ == "__main__":
    main()
