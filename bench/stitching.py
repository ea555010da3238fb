"""Stitching 5216 patches: `PartialCanvas` beside the naive way, which pads every patch to the whole canvas.

Both run in turn in one process; what counts is the ratio and the distance to the machine's ceiling, the time a plain
copy of the same bytes takes. Prints one line per way.
"""

import time

import numpy as np

from ptychostudy.physics.canvas import PartialCanvas, stitch_window

PATCHES, SIDE, CANVAS, NAIVE = 5216, 20, 364, 64


def timed(function, *arguments, repeat=5):
    """Return the smallest of several wall-clock times, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def placed(patches, corners, window):
    canvas = PartialCanvas((0, 0), (CANVAS, CANVAS))
    canvas.add(patches, corners, window)
    return canvas.finish().field


def padded(patches, corners, window):
    total, weight = np.zeros((CANVAS, CANVAS), np.complex128), np.zeros((CANVAS, CANVAS))
    for patch, (row, col) in zip(patches, corners, strict=True):
        whole, mask = np.zeros((CANVAS, CANVAS), np.complex128), np.zeros((CANVAS, CANVAS))
        whole[row : row + SIDE, col : col + SIDE] = patch * window
        mask[row : row + SIDE, col : col + SIDE] = window
        total += whole
        weight += mask
    return total / np.maximum(weight, 1e-30)


def main():
    rng = np.random.default_rng(0)
    shape = (PATCHES, SIDE, SIDE)
    patches = (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)
    corners = rng.integers(0, CANVAS - SIDE, size=(PATCHES, 2))
    window = stitch_window(SIDE)
    ours = timed(placed, patches, corners, window)
    naive = timed(padded, patches[:NAIVE], corners[:NAIVE], window, repeat=3) * PATCHES / NAIVE
    copy = timed(np.copy, patches)
    print(f"place each patch        {ours:8.3f} s")
    print(f"pad each to the canvas  {naive:8.3f} s   {naive / ours:6.1f} times as long (from {NAIVE} patches)")
    print(f"copy the same bytes     {copy:8.3f} s   {ours / copy:6.1f} times faster than placing")


if __name__ == "__main__":
    main()
